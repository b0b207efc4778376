// The same work by this package, by C, by the binding for Python and by the tools that one would call otherwise, on the
// same images and with the same settings: `npm run bench -- comparison [ROW…] [--json FILE]`.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { rows } from './comparison/rows.mjs';
import { Stage } from './comparison/stage.mjs';
import { judge, line } from './comparison/table.mjs';
import { withHandle } from './support/with-handle.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(rows);
const unknown = names.find((name) => !(name in rows));
if (unknown) throw new Error(`no row "${unknown}": there are ${Object.keys(rows).join(', ')}`);

// Only this package notices that guests do not run on KVM: the others would wait.
if (!(await kvmWorks())) process.env.LIBGUESTFS_BACKEND_SETTINGS ??= 'force_tcg';

// The others do not know of it.
process.env.GUESTFS_TEMPLATE ??= 'auto';

const stage = new Stage();
const results = {};
try {
  for (const name of names) {
    console.log(`… ${rows[name].title}`);
    results[name] = await rows[name].measure(stage);
  }
} finally {
  await stage.strike();
}

console.table(names.map((name) => line(rows[name], results[name])));
console.log('Targets: ratios of this package to another, or limits for itself; lower is better.');
console.log(
  'Gaps of the event loop; own: without the time in which the system gave this thread no processor.',
);
if (options.json) writeFileSync(options.json, `${JSON.stringify(await report(), null, 2)}\n`);

function kvmWorks() {
  return withHandle(async (g) => {
    await g.addDriveScratch(2 ** 20);
    return await g.launch({ accel: 'kvm' }).then(
      () => true,
      () => false,
    );
  });
}

async function report() {
  const { major, minor, release } = await withHandle((g) => g.version());
  return {
    node: process.version,
    libguestfs: `${major}.${minor}.${release}`,
    processor: cpus()[0]?.model,
    processors: availableParallelism(),
    backendSettings: process.env.LIBGUESTFS_BACKEND_SETTINGS ?? '',
    rows: Object.fromEntries(
      names.map((name) => {
        const { title, unit, limits } = rows[name];
        const judged = limits.map((limit) => judge(limit, results[name]));
        return [name, { title, unit, ...results[name], limits: judged }];
      }),
    ),
  };
}
