// `npm run fuzz [-- --minutes N] [--appliance] [--seed N] [--runs N]`: a campaign against everything that takes arguments.

import { setup } from './setup.mjs';
import { attached, main } from './steps.mjs';

await main(async () => {
  await setup('test');
  return attached([process.execPath, 'test/fuzz/main.mjs', ...process.argv.slice(2)]);
});
