// Arguments and results as libguestfs's internal_test functions see and give them: no appliance.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Guestfs, GuestfsError } from 'guestfs';
import { call, explain } from './call.mjs';
import { decode, show } from './values.mjs';

export function isBindTests(data) {
  return (
    Array.isArray(data) &&
    data.length > 0 &&
    data.every(
      (test) => test.fn && ['expectOutput', 'expectReturn', 'expectError'].some((key) => key in test),
    )
  );
}

export async function runBindTests(tests, report) {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-conformance-'));
  const g = new Guestfs();
  try {
    for (const test of tests) report.add(test.id, await outcome(g, test, path.join(folder, 'output')));
  } finally {
    await g.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function outcome(g, test, output) {
  try {
    const reason = await difference(g, test, output);
    return reason === undefined ? { status: 'passed' } : { status: 'failed', reason };
  } catch (error) {
    return { status: 'failed', reason: `${test.fn}: ${explain(error)}` };
  }
}

/** What was other than expected, undefined for nothing. */
async function difference(g, test, output) {
  if ('expectError' in test) return errorDifference(g, test);
  if ('expectReturn' in test) return unlike(decode(test.expectReturn), await call(g, test));
  await call(g, { fn: 'internal_test_set_output', args: [output] });
  try {
    await call(g, test);
  } finally {
    await call(g, { fn: 'internal_test_close_output', args: [] });
  }
  return unlike(test.expectOutput, readFileSync(output, 'utf8').split('\n').slice(0, -1));
}

async function errorDifference(g, test) {
  // What is null may be anything.
  const { message, errno } = test.expectError ?? {};
  let value;
  try {
    value = await call(g, test);
  } catch (error) {
    if (!(error instanceof GuestfsError)) throw error;
    return unlike(
      { message: message ?? error.message, errno: errno ?? error.errno },
      { message: error.message, errno: error.errno },
    );
  }
  return `expected ${message ? `the error ${show(message)}` : 'an error'}, got ${show(value)}`;
}

function unlike(expected, actual) {
  if (isDeepStrictEqual(actual, expected)) return undefined;
  return `expected ${show(expected)}, got ${show(actual)}`;
}
