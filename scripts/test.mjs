// `npm test [-- PATTERN…]`: everything that must hold before a change goes in. The last line has the totals.
// With a pattern, or with --only=unit|appliance|faults|templates|guests|releases|examples|fleet|fleet-long, it runs those tests alone; --cmake tests the binary of CMake.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { setup } from './setup.mjs';
import { attached, logged, main, npm, root, step } from './steps.mjs';

const args = process.argv.slice(2);
const only = args.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);
const cmake = args.includes('--cmake');
const patterns = args.filter((arg) => !/^--(only=|cmake$)/.test(arg));

const env = cmake ? { GUESTFS_NODE_ADDON: path.join(root, 'build-cmake/Release/guestfs.node') } : {};
const workers = `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`;
const results = mkdtempSync(path.join(tmpdir(), 'guestfs-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

await main(async () => {
  try {
    await setup(
      'test',
      ...(['guests', 'releases'].includes(only) ? [only] : []),
      ...(only?.startsWith('fleet') ? ['fleet'] : []),
      ...(cmake ? ['cmake'] : []),
    );
    if (!only && patterns.length === 0) {
      await check('generated files', 'generate:check');
      await check('lint', 'lint');
      await check('types', 'typecheck');
    }
    for (const kind of only ? [only] : ['unit', 'appliance']) await jest(kind);
    if (totals.passed + totals.failed === 0) failures.push('no test ran');
  } catch (error) {
    failures.push('setup');
    throw error;
  } finally {
    rmSync(results, { recursive: true, force: true });
    if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`);
    console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  }
  return failures.length > 0 ? 1 : 0;
});

/** One of the checks that need no test run; the others go on when it fails. */
async function check(name, script) {
  const work = () => logged([...npm, 'run', '--silent', script]);
  await step(name, { work }).catch(() => failures.push(name));
}

async function jest(kind) {
  const file = path.join(results, `${kind}.json`);
  console.log(`\n== ${kind} tests${cmake ? ' of the binary of CMake' : ''}`);
  const code = await attached(
    [
      ...[process.execPath, '--expose-gc', 'node_modules/jest/bin/jest.js', '--selectProjects', kind],
      ...['--json', `--outputFile=${file}`],
      // Two appliances at once would only slow each other down. The others wait for processes of their own more than they
      // compute, and a busy machine takes its time.
      ...(kind === 'unit' ? [workers, '--testTimeout=30000'] : ['--runInBand', '--testTimeout=300000']),
      // ioredis looks for servers that the tests have killed; that a fleet's own process ends is a test of its own.
      ...(kind.startsWith('fleet') ? ['--forceExit'] : []),
      ...(patterns.length > 0 ? ['--passWithNoTests', ...patterns] : []),
    ],
    env,
  );
  if (code !== 0) failures.push(`${kind} tests`);
  if (existsSync(file)) {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    totals.passed += result.numPassedTests;
    totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    totals.skipped += result.numPendingTests + result.numTodoTests;
  } else if (code !== 0) {
    // The whole run crashed.
    totals.failed += 1;
  }
}
