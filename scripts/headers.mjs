// Copies the headers that compiling takes into dist/headers, with their licences: so `guestfs build` needs no other
// package, and downloads nothing.

import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './steps.mjs';

const require = createRequire(import.meta.url);
const target = path.join(root, 'dist/headers');

rmSync(target, { recursive: true, force: true });
copy('node-addon-api', '.', 'node-addon-api');
copy('node-api-headers', 'include', 'node-api');

function copy(name, folder, to) {
  const from = path.dirname(require.resolve(`${name}/package.json`));
  mkdirSync(path.join(target, to), { recursive: true });
  const isHeader = (file) => file.endsWith('.h');
  for (const file of readdirSync(path.join(from, folder)).filter(isHeader))
    cpSync(path.join(from, folder, file), path.join(target, to, file));
  for (const file of readdirSync(from).filter((each) => /^LICENSE/.test(each)))
    cpSync(path.join(from, file), path.join(target, to, file));
}
