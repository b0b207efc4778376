// The soak: loads that go on for long, each in a process of its own, and whether anything grew. `npm run soak` runs it:
// `[LOAD…] [--minutes N] [--json FILE]`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Guestfs } from 'guestfs';
import { loads } from './loads.mjs';
import { row, rule } from './table.mjs';
import { growthKiB, whatGrew } from './verdict.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '10' }, json: { type: 'string' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(loads);
const unknown = names.find((name) => !(name in loads));
if (unknown) throw new Error(`no load "${unknown}": there are ${Object.keys(loads).join(', ')}`);

const results = {};
const end = Date.now() + Number(options.minutes) * 60_000;
for (const [i, name] of names.entries()) {
  console.log(`… ${loads[name].count.toLocaleString('en')} ${loads[name].title}`);
  results[name] = await run(name, timeFor(names.slice(i)));
}

console.table(Object.fromEntries(names.map((name) => [loads[name].title, row(results[name])])));
console.log(rule);
for (const name of names)
  for (const what of results[name].grew) console.log(`✗ ${loads[name].title}: ${what}`);
const flat = names.every((name) => results[name].grew.length === 0);
console.log(flat ? 'Flat' : 'Not flat');
if (options.json) writeFileSync(options.json, `${JSON.stringify(await report(), null, 2)}\n`);
process.exitCode = flat ? 0 : 1;

/** Seconds for the first of these loads: what one does not need is for those that follow. */
function timeFor(left) {
  const shares = left.map((name) => loads[name].share);
  return ((end - Date.now()) / 1000) * (shares[0] / shares.reduce((sum, share) => sum + share));
}

async function run(name, seconds) {
  const child = fork(fileURLToPath(new URL('load.mjs', import.meta.url)), [name, String(seconds)], {
    execArgv: ['--expose-gc', '--max-semi-space-size=1'], // MiB: where new objects live, V8's heap grows by itself
  });
  let result;
  child.on('message', (message) => {
    result = message;
  });
  const [code, signal] = await once(child, 'exit');
  const wanted = loads[name].count;
  if (!result || code !== 0) return { wanted, done: 0, grew: [`its process ended with ${signal ?? code}`] };
  return { wanted, ...result, grew: whatGrew(result.before, result.samples) };
}

async function report() {
  const g = new Guestfs();
  const { major, minor, release } = await g.version();
  await g.close();
  return {
    node: process.version,
    libguestfs: [major, minor, release].join('.'),
    processors: availableParallelism(),
    flat,
    growthKiB,
    loads: results,
  };
}
