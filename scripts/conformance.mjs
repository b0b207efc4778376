// `npm run conformance -- FILE…`: replays conformance data, after installing what is missing. --help tells the rest.

import { setup } from './setup.mjs';
import { main } from './steps.mjs';

await main(async () => {
  await setup('conformance');
  // npm goes to the package's folder: names are relative to where the user is.
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  const { conformance } = await import('../conformance/main.mjs');
  return await conformance(process.argv.slice(2));
});
