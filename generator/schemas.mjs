// JSON schemas of what the commands print, from the types in lib/cli/json.ts. The number is that of the version: members may
// be added to it, and what is taken away or means something else makes a new one.
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Versions by names of commands. */
export const schemas = {
  inspect: 1,
  filesystems: 1,
  df: 1,
  ls: 1,
  diff: 1,
  check: 1,
  checksum: 1,
  doctor: 1,
  warm: 1,
  summary: 1,
};

/** Commands, where a schema is not called as its command is. */
const commands = { summary: 'progress --json' };

const note = 'Members may be added: readers leave out what they do not know.';

let generator;

/** Schema of a command, as text. */
async function schemaOf(name, version) {
  // Loaded where it is needed: what is wrong with api/ is told before.
  const { createGenerator } = await import('ts-json-schema-generator');
  generator ??= createGenerator({
    path: `${root}lib/cli/json.ts`,
    tsconfig: `${root}tsconfig.json`,
    additionalProperties: true,
    skipTypeCheck: true,
    sortProps: false,
    topRef: false,
    markdownDescription: false,
  });
  const { $schema, description, $ref, ...schema } = generator.createSchema(
    `${name[0].toUpperCase()}${name.slice(1)}Output`,
  );
  const id = `https://guestfs.js/schemas/${name}-${version}.json`;
  const head = { $schema, $id: id, title: `Output of guestfs ${commands[name] ?? name}, version ${version}` };
  const about = { description: [description, note].filter(Boolean).join('\n\n') };
  // Beside a reference nothing else would count.
  const top = $ref === undefined ? {} : { allOf: [{ $ref }] };
  return `${JSON.stringify({ ...head, ...about, ...top, ...schema }, null, 2)}\n`;
}

export const schemaOutputs = Object.fromEntries(
  Object.entries(schemas).map(([name, version]) => [
    `schemas/${name}-${version}.json`,
    () => schemaOf(name, version),
  ]),
);
