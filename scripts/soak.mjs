// `npm run soak [-- LOAD… --minutes N --json FILE]`: makes this clone ready and runs test/soak/main.mjs.

import { setup } from './setup.mjs';
import { attached, main } from './steps.mjs';

await main(async () => {
  await setup();
  return attached([process.execPath, 'test/soak/main.mjs', ...process.argv.slice(2)]);
});
