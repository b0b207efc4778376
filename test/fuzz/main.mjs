// `npm run fuzz -- [--seed N] [--runs N] [--minutes N] [--appliance]`: calls everything with all kinds of arguments, in
// processes that may crash. A seed that has found something finds it again.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { seed, runs, minutes, appliance } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    /** How often each method is called. */
    runs: { type: 'string', default: '10' },
    /** Goes on with further seeds for so long. */
    minutes: { type: 'string', default: '0' },
    /** With a launched appliance instead of handles that are not launched. */
    appliance: { type: 'boolean', default: false },
  },
}).values;

/** Seconds that one thing may take before it counts as hanging. */
const patience = appliance ? 180 : 60;
const end = Date.now() + Number(minutes) * 60_000;
let next = Number(seed);
do {
  process.exitCode = (await session(next)) ? 0 : 1;
  next += 1_000_000;
} while (process.exitCode === 0 && Date.now() < end);

/** Whether it went well. */
async function session(seed) {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-fuzz-'));
  const start = Date.now();
  try {
    const { calls, memory } = await runSession(folder, [
      ...['--seed', seed, '--runs', runs],
      ...(appliance ? ['--appliance'] : []),
    ]);
    const seconds = Math.round((Date.now() - start) / 1000);
    console.log(`fuzz: seed ${seed}: ${calls} calls in ${seconds} s, with ${Math.round(memory)} MiB at most`);
    return true;
  } catch (error) {
    const again = `node test/fuzz/main.mjs --seed ${seed} --runs ${runs}${appliance ? ' --appliance' : ''}`;
    console.log(`fuzz: seed ${seed}: ${error.message}\nAgain: ${again}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs session.mjs in a folder of its own; throws an error that says what was done last when it does not end well. */
async function runSession(folder, args) {
  const [work, temporary, journal] = ['work', 'temporary', 'journal'].map((name) => path.join(folder, name));
  mkdirSync(work);
  mkdirSync(temporary);
  const { LIBGUESTFS_DEBUG, LIBGUESTFS_TRACE, ...env } = process.env;
  const child = spawn(process.execPath, ['--expose-gc', script(), ...args, '--journal', journal], {
    cwd: work,
    env: { ...env, LIBGUESTFS_TMPDIR: temporary },
    // libguestfs's own test functions write to stdout.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let summary;
  child.on('message', (message) => {
    summary = message;
  });
  let hangs = false;
  const watch = setInterval(() => {
    const begun = statSync(journal, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    hangs ||= Date.now() - begun > patience * 1000;
    if (hangs) child.kill('SIGKILL');
  }, 1000);
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...how) => resolve(how)));
  clearInterval(watch);
  if (code !== 0) {
    const how = hangs ? `did not get on for ${patience} s` : `ended with ${signal ?? `exit code ${code}`}`;
    const last = existsSync(journal) ? readFileSync(journal, 'utf8') : 'nothing';
    throw new Error(`the process ${how}, and last of all it did ${last}`);
  }
  // Downloads from the appliance may stay.
  for (const place of appliance ? [temporary] : [temporary, work]) {
    const left = readdirSync(place);
    if (left.length > 0) throw new Error(`something was left in ${place}: ${left.join(', ')}`);
  }
  return summary;
}

function script() {
  return fileURLToPath(new URL('session.mjs', import.meta.url));
}
