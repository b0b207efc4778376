// `npm run bench [-- NAME…]`: runs the benchmarks of bench/, all of them or those named.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.mjs';
import { attached, main, root } from './steps.mjs';

await main(async () => {
  await setup('bench');
  const all = readdirSync(path.join(root, 'bench')).filter((file) => file.endsWith('.mjs'));
  const names = process.argv.slice(2);
  let failed = 0;
  for (const file of names.length > 0 ? names.map((name) => `${name}.mjs`) : all) {
    console.log(`\n== ${file}`);
    failed ||= await attached([process.execPath, '--expose-gc', path.join('bench', file)]);
  }
  return failed;
});
