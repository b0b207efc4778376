// `npm run coverage [-- --appliance] [-- PATTERN…]`: what the unit tests, and the appliance tests if wanted, run of lib/ and
// of src-native/: a table of folders, and the lines that nothing has run. With a pattern only the tests whose file matches.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nativeLines, removeCounts } from './coverage/native.mjs';
import { printTables } from './coverage/report.mjs';
import { TypeScriptLines } from './coverage/typescript.mjs';
import { checkedAddon, setup } from './setup.mjs';
import { attached, main, root, step } from './steps.mjs';

const args = process.argv.slice(2);
const kinds = args.includes('--appliance') ? ['unit', 'appliance'] : ['unit'];
const patterns = args.filter((arg) => arg !== '--appliance');

const build = path.join(root, 'build-coverage');
const addon = path.join(build, 'RelWithDebInfo/guestfs.node');

await main(async () => {
  await setup('test');
  await step('native addon that counts', checkedAddon('coverage'));
  removeCounts(build);
  const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-coverage-'));
  try {
    const lines = new TypeScriptLines(root);
    const codes = [];
    for (const kind of kinds) codes.push(await jest(kind, path.join(folder, kind), lines));
    printTables(lines.files(), nativeLines(root, build));
    return Math.max(...codes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs the tests: Jest counts what it runs itself, node what the processes run that the tests start. */
async function jest(kind, folder, lines) {
  const processes = path.join(folder, 'processes');
  // They write some megabytes each.
  const reading = setInterval(() => lines.addProcesses(processes), 5000);
  const code = await attached(
    [
      ...[
        process.execPath,
        '--expose-gc',
        'node_modules/jest/bin/jest.js',
        ...patterns,
        '--selectProjects',
        kind,
      ],
      ...(kind === 'unit' ? ['--testTimeout=60000'] : ['--runInBand', '--testTimeout=600000']),
      ...['--coverage', '--coverageProvider=v8', '--coverageReporters=json', `--coverageDirectory=${folder}`],
      '--collectCoverageFrom=lib/**/*.ts',
    ],
    { GUESTFS_NODE_ADDON: addon, NODE_V8_COVERAGE: processes },
  );
  clearInterval(reading);
  lines.addProcesses(processes);
  lines.addJest(path.join(folder, 'coverage-final.json'));
  return code;
}
