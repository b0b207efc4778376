// A folder as a program has it that uses the package: our declarations and Node's are installed, nothing else.

import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './steps.mjs';

const require = createRequire(import.meta.url);

export const packageFolder = (name) => path.dirname(require.resolve(`${name}/package.json`));

/** Compilers by version, each a package of package.json. */
export const typescript = {
  7: path.join(packageFolder('@typescript/native'), 'bin/tsc'),
  '6.0': path.join(packageFolder('typescript'), 'bin/tsc6'),
  5.9: path.join(packageFolder('typescript-5.9'), 'bin/tsc'),
  5.6: path.join(packageFolder('typescript-5.6'), 'bin/tsc'),
  5.4: path.join(packageFolder('typescript-5.4'), 'bin/tsc'),
};

/** `nodeTypes` is the package that stands in for @types/node. Returns where our declarations are. */
export function makeConsumer(folder, { type = 'module', nodeTypes = '@types/node', compilerOptions, files }) {
  const modules = path.join(folder, 'node_modules');
  const declarations = path.join(modules, 'guestfs/dist');
  mkdirSync(path.join(modules, '@types'), { recursive: true });
  symlinkSync(packageFolder(nodeTypes), path.join(modules, '@types/node'));
  const isNeeded = (file) => !path.extname(file) || /\.d\.m?ts$/.test(file);
  cpSync(path.join(root, 'dist'), declarations, { recursive: true, filter: isNeeded });
  cpSync(path.join(root, 'package.json'), path.join(modules, 'guestfs/package.json'));
  const write = (file, content) => writeFileSync(path.join(folder, file), JSON.stringify(content));
  write('package.json', { type });
  // No skipLibCheck: the declarations themselves have to be right.
  const always = { target: 'es2022', types: ['node'], noEmit: true, strict: true };
  write('tsconfig.json', { compilerOptions: { ...always, ...compilerOptions }, files });
  return declarations;
}
