// Writes the ES modules of the package and their types: each a thin one around the CommonJS one, so that a program that
// uses both has one instance of every class.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const dist = new URL('../dist/', import.meta.url);

// The names do not depend on the addon, which need not have been built.
process.env.GUESTFS_NODE_ADDON = 'none';
process.dlopen = (binary) => {
  binary.exports = { functions: () => [] };
};

wrap('index', ['./native/first.js']);
wrap('telemetry/opentelemetry');

function wrap(module, first = []) {
  const names = Object.keys(createRequire(import.meta.url)(`../dist/${module}.js`)).sort();
  const own = `./${path.basename(module)}.js`;
  const imports = first.map((each) => `import '${each}';\n`).join('');
  const exported = names.map((name) => `  ${name},\n`).join('');
  writeFileSync(
    new URL(`${module}.mjs`, dist),
    `${imports}import module from '${own}';\n\nexport const {\n${exported}} = module;\n`,
  );
  writeFileSync(new URL(`${module}.d.mts`, dist), `export * from '${own}';\n`);
}
