// Writes dist/index.mjs and its types: a thin ES module around the CommonJS one, so that a program that uses both
// has one instance of every class.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dist = new URL('../dist/', import.meta.url);

// The names do not depend on the addon, which need not have been built.
process.env.GUESTFS_NODE_ADDON = 'none';
process.dlopen = (binary) => {
  binary.exports = { functions: () => [] };
};
const names = Object.keys(createRequire(import.meta.url)('../dist/index.js')).sort();

writeFileSync(
  new URL('index.mjs', dist),
  `import './native/first.js';\nimport guestfs from './index.js';\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = guestfs;\n`,
);
writeFileSync(new URL('index.d.mts', dist), `export * from './index.js';\n`);
