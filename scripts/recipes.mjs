// What the tests have in TypeScript, for programs of the repository: recipes of images.
import { createRequire } from 'node:module';
import { transformFileSync } from '@swc/core';

const require = createRequire(import.meta.url);
const options = {
  module: { type: 'commonjs' },
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
};
require.extensions['.ts'] = (module, file) => {
  module._compile(transformFileSync(file, options).code, file);
};

/** The exports of a file below test/. */
export const recipe = (file) => require(`../test/${file}`);
