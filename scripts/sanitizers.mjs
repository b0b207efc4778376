// `npm run test:sanitizers [-- CHECKER… SCENARIO…]`: uses everything native hard under checkers of memory and threads
// (address, undefined, thread, valgrind). What they find in our code, or in libguestfs, fails.
// The scenarios are those of test/stress/main.mjs, or `unit` or `appliance` for all of a kind.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeCheckedNode } from '../test/stress/checked-node.mjs';
import { builtFor, checkers } from '../test/stress/checkers.mjs';
import { readReports } from '../test/stress/reports.mjs';
import { checkedAddon, setup } from './setup.mjs';
import { attached, main, root, StepError, step } from './steps.mjs';

const names = process.argv.slice(2);
const scenarios = names.filter((name) => !(name in checkers));
const chosen = Object.keys(checkers).filter(
  (name) => names.length === scenarios.length || names.includes(name),
);

await main(async () => {
  await setup('sanitizers');
  const failed = [];
  for (const name of chosen) {
    await step(`native addon for ${name}`, checkedAddon(name));
    console.log(`\n== ${checkers[name].title}`);
    await step('finds mistakes made on purpose', { work: () => findCanary(name) });
    if (!(await stress(name))) failed.push(name);
  }
  console.log(failed.length > 0 ? `\nFailed: ${failed.join(', ')}` : '\nClean');
  return failed.length > 0 ? 1 : 0;
});

async function findCanary(name) {
  for (const mistake of checkers[name].mistakes) {
    const { reports } = await watched(name, [
      'test/stress/canary.mjs',
      builtFor(root, name, 'canary'),
      mistake,
    ]);
    if (reports.ours.length === 0) throw new StepError(`did not notice the mistake "${mistake}"`);
  }
}

/** Whether the scenarios ended well and without a report. */
async function stress(name) {
  const what = scenarios.length > 0 ? scenarios : checkers[name].scenarios;
  const { code, reports } = await watched(name, [
    'test/stress/main.mjs',
    `--scale=${checkers[name].scale}`,
    ...what,
  ]);
  for (const report of reports.ours) console.log(`\n${report.trim()}\n`);
  const others = reports.others.length;
  const aside = others > 0 ? ` (and ${others} in which neither our code nor libguestfs occurs)` : '';
  console.log(`${reports.ours.length} reports${aside}; the scenarios ended with ${code}`);
  return code === 0 && reports.ours.length === 0;
}

/** Runs a program under a checker. */
async function watched(name, program) {
  const { watch, split } = checkers[name];
  const logs = mkdtempSync(path.join(tmpdir(), `guestfs-${name}-`));
  try {
    const addon = builtFor(root, name, 'guestfs');
    const { command, env } = watch(addon, path.join(logs, 'log'));
    const environment = { ...describeCheckedNode(command, env), GUESTFS_NODE_ADDON: addon };
    const code = await attached([...command, ...program], environment);
    return { code, reports: readReports(logs, split, addon) };
  } finally {
    rmSync(logs, { recursive: true, force: true });
  }
}
