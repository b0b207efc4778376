// The last step of `npm run build:fleet`: writes the ES module of @guestfs/fleet, a thin one around the CommonJS one, so
// that a program that uses both has one instance of every class.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dist = new URL('../packages/fleet/dist/', import.meta.url);
const names = Object.keys(createRequire(import.meta.url)('../packages/fleet/dist/index.js')).sort();

writeFileSync(
  new URL('index.mjs', dist),
  `import fleet from './index.js';\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = fleet;\n`,
);
writeFileSync(new URL('index.d.mts', dist), `export * from './index.js';\n`);
