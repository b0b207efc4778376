// One session of the fuzz, in a process that may crash: main.mjs runs it in an empty folder and watches over it.
import { parseArgs } from 'node:util';
import { Journal } from './journal.mjs';
import { fail } from './subject.mjs';

const MiB = 2 ** 20;

const { seed, runs, journal, appliance } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    journal: { type: 'string' },
    appliance: { type: 'boolean' },
  },
}).values;

const settings = { seed: Number(seed), runs: Number(runs), journal: new Journal(journal) };
const abandoned = () => process.exit(1);
process.on('disconnect', abandoned);
try {
  if (appliance) await fuzzAppliance();
  else await fuzzHandles();
  settings.journal.begin('what ends the process');
  process.send({ calls: settings.journal.entries, memory: process.resourceUsage().maxRSS / 1024 });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
process.off('disconnect', abandoned).disconnect();

async function fuzzAppliance() {
  const { fuzzAppliance } = await import('./appliance.mjs');
  await fuzzAppliance(settings);
}

async function fuzzHandles() {
  const { fuzzMethods } = await import('./methods.mjs');
  const { fuzzSurface } = await import('./surface.mjs');
  const half = async (seed) => {
    const part = { ...settings, seed, runs: Math.ceil(settings.runs / 2) };
    await fuzzSurface({ ...part, runs: 5 * part.runs });
    await fuzzMethods(part);
    return memoryInUse();
  };
  const first = await half(settings.seed);
  const second = await half(settings.seed + 10_000);
  for (const [what, limit] of Object.entries({ heapUsed: 20, external: 40, rss: 150 })) {
    if (second[what] - first[what] > limit * MiB)
      fail(`${what} grew by more than ${limit} MiB`, [first, second]);
  }
}

async function memoryInUse() {
  for (let i = 0; i < 5; i++) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage();
}
