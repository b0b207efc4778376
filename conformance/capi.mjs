// libguestfs's own tests of its API: preparation, a sequence of calls, and a check of the last result.
import { mkdtempSync, rmSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import path from 'node:path';
import { Appliance } from './appliance.mjs';
import { call, explain, isAnswer } from './call.mjs';
import { check, checkKind } from './checks.mjs';
import { makeDataFiles, wantedFiles } from './data-files.mjs';
import { older } from './values.mjs';

export function isCapiTests(data) {
  return ['handle', 'init', 'tests'].every((key) => Object.hasOwn(data ?? {}, key));
}

/** `options`: `version` of the library, `timeout` of a test in milliseconds, `source` of files, `open` for handles. */
export async function runCapiTests(data, tests, report, options) {
  const home = process.cwd();
  const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-conformance-'));
  const { cwd, $srcdir } = data.paths;
  const calls = withPaths(data.handle, path.join(folder, $srcdir));
  const appliance = new Appliance({ ...options, calls });
  try {
    const missing = await makeDataFiles(data, tests, folder, options.source);
    // The tests name files relative to a folder of libguestfs's source.
    process.chdir(path.join(folder, cwd));
    for (const test of withPaths(tests, path.join(folder, $srcdir))) {
      report.add(test.id, await outcome(test, { ...options, data, missing, appliance }));
    }
  } finally {
    await appliance.close();
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  }
}

function withPaths(tests, srcdir) {
  return JSON.parse(JSON.stringify(tests).replaceAll('$srcdir', JSON.stringify(srcdir).slice(1, -1)));
}

/** A call failed that should not have. */
class CallError extends Error {
  constructor(where, cause) {
    super(`${where}: ${explain(cause)}`, { cause });
  }
}

async function outcome(test, context) {
  try {
    const why = await whyNot(test, context);
    if (why !== undefined) return { status: 'skipped', reason: why };
    const reason = await run(test, context);
    return reason === undefined ? { status: 'passed' } : { status: 'failed', reason };
  } catch (error) {
    return explained(error, test, context);
  }
}

async function explained(error, test, { version, timeout, appliance }) {
  const reason = error instanceof CallError ? error.message : explain(error);
  const { name, code, message } = error.cause ?? error;
  if (name === 'AbortError') {
    await appliance.close();
    return { status: 'failed', reason: `${reason} after ${timeout / 1000} s, and its appliance killed` };
  }
  // A function or an option that is missing: right only where the test says that this library is too old for it.
  if (code === 'ERR_GUESTFS_UNSUPPORTED' && older(version, test.since ?? [])) {
    const missing = message.replace(/ \(.*/, '');
    const needed = `needs libguestfs ${test.since.join('.')}, and this is ${version.join('.')}`;
    return { status: 'skipped', reason: `${needed}: ${missing}` };
  }
  return { status: 'failed', reason };
}

/** Why a test does not apply here. */
async function whyNot(test, { data, missing, appliance }) {
  const { kind, group } = test.condition ?? {};
  if (kind === 'Disabled') return 'libguestfs itself has disabled it';
  const absent = wantedFiles(data, test).filter((name) => missing.has(name));
  if (absent.length > 0) return absent.map((name) => `${name} is missing: ${missing.get(name)}`).join('; ');
  for (const needed of [test.optionalGroup, group]) {
    if (needed && !(await appliance.has(needed))) return `the appliance lacks the feature group ${needed}`;
  }
  if (kind === 'IfNotCrossAppliance') {
    const { utsMachine } = await (await appliance.ready()).utsname();
    if (utsMachine !== machine()) return `the appliance is ${utsMachine}, and this machine ${machine()}`;
  }
  return undefined;
}

/** What is wrong with the result, undefined for nothing; throws when it did not get there. */
async function run({ init, cleanup = [], ...test }, { data, appliance, timeout }) {
  const g = await appliance.ready();
  const extra = { signal: AbortSignal.timeout(timeout), killOnAbort: true };
  await all(g, data.init[init], extra, `preparation ${init}, call`);
  const verdict = await settled(judge(g, test, extra));
  const after = await settled(all(g, cleanup, extra, 'cleanup'));
  const error = verdict.error ?? after.error;
  if (error) throw error;
  return verdict.value;
}

/** Makes the calls of a test, of which only the last one's outcome is looked at. */
async function judge(g, { sequence, lastRet, check: spec }, extra) {
  await all(g, sequence.slice(0, -1), extra, 'call');
  const last = sequence.at(-1);
  const where = `call ${sequence.length - 1} (${last.fn})`;
  const result = await settled(call(g, last, extra));
  if (result.error && !isAnswer(result.error)) throw new CallError(where, result.error);
  const wrongKind = result.error || !lastRet ? undefined : checkKind(lastRet, result.value);
  const wrong = wrongKind ?? (await check(spec, result, g));
  return wrong && `${where}: ${wrong}`;
}

/** Makes calls one after the other. */
async function all(g, calls, extra, what) {
  for (const [i, spec] of calls.entries()) {
    const { error } = await settled(call(g, spec, extra));
    if (error) throw new CallError(`${what} ${i} (${spec.fn})`, error);
  }
}

async function settled(promise) {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}
