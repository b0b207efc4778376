// `npm run bench [-- NAME [OPTION…]]`: runs the benchmarks of bench/, all of them or the one named.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.mjs';
import { attached, main, root } from './steps.mjs';

await main(async () => {
  const all = readdirSync(path.join(root, 'bench')).filter((file) => file.endsWith('.mjs'));
  const [name, ...options] = process.argv.slice(2);
  await setup('bench', ...(name === undefined || name === 'fleet' ? ['fleet'] : []));
  let failed = 0;
  for (const file of name === undefined ? all : [`${name}.mjs`]) {
    console.log(`\n== ${file}`);
    failed ||= await attached([process.execPath, '--expose-gc', path.join('bench', file), ...options]);
  }
  return failed;
});
