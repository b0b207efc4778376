// Writes everything that is generated from api/ and package.json. With --check it writes nothing and fails when a file is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadApi } from './api.mjs';
import { abiCheck, abiHeader, functionsHeader, functionsSource } from './cpp.mjs';
import { eventsModule } from './events.mjs';
import { factsModule } from './facts.mjs';
import { packageModule } from './package.mjs';
import { schemaOutputs } from './schemas.mjs';
import { scriptsModule } from './scripts.mjs';
import { aliasesModule, methodsModule, structsModule } from './typescript.mjs';

const outputs = {
  'src-native/generated/abi.h': abiHeader,
  'src-native/generated/functions.h': functionsHeader,
  'src-native/generated/functions.cc': functionsSource,
  'src-native/generated/abi_check.cc': abiCheck,
  'lib/native/generated/facts.ts': factsModule,
  'lib/calls/generated/events.ts': eventsModule,
  'lib/generated/structs.ts': structsModule,
  'lib/generated/methods.ts': methodsModule,
  'lib/generated/aliases.ts': aliasesModule,
  'lib/text/generated/package.ts': packageModule,
  'lib/templates/generated/scripts.ts': scriptsModule,
  ...schemaOutputs,
};

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
const api = loadApi();
const stale = [];

function current(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

for (const [name, write] of Object.entries(outputs)) {
  const path = `${root}${name}`;
  const text = await write(api);
  if (current(path) === text) continue;
  stale.push(name);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

if (check && stale.length > 0) {
  console.error(`Not what api/ and package.json say (run \`npm run generate\`):\n  ${stale.join('\n  ')}`);
  process.exitCode = 1;
} else {
  console.log(stale.length > 0 ? `wrote ${stale.join(', ')}` : 'generated files are fresh');
}
