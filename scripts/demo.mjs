// `npm run demo [-- IMAGE…]`: from a bare machine to a report of what is in a disk image.

import { setup } from './setup.mjs';
import { attached, main } from './steps.mjs';

await main(async () => {
  await setup();
  console.log();
  return attached([process.execPath, 'examples/demo.mjs', ...process.argv.slice(2)]);
});
