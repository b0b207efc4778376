// How the scripts report what they do: one line a step, the output of commands in setup.log.

import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** npm as it runs us, or the one of the PATH. */
export const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];

const log = path.join(root, 'setup.log');
const colour = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

/** A failure that people can do something about: shown without a stack. */
export class StepError extends Error {}

/** A failure that has been shown already. */
class StepFailed extends Error {}

/**
 * Carries out a plan: `work`, announced by `doing` when it takes long; without work the step is done already.
 * `skipped` says why it cannot be done.
 */
export async function step(name, { work, doing, skipped }) {
  if (skipped) return console.log(`- ${name}: ${skipped}`);
  if (doing) console.log(`… ${name}: ${doing}`);
  const start = Date.now();
  try {
    await work?.();
  } catch (error) {
    console.error(`${paint(31, '✗')} ${name}: ${error instanceof StepError ? error.message : error.stack}`);
    throw new StepFailed(name);
  }
  const seconds = doing ? ` (${Math.round((Date.now() - start) / 1000)} s)` : '';
  console.log(`${paint(32, '✓')} ${name}${seconds}`);
}

/** Runs a command with its output going to the log; the end of the output is shown when it fails. */
export async function logged([command, ...args]) {
  const line = [path.basename(command), ...args].join(' ');
  appendFileSync(log, `$ ${line}\n`);
  const start = statSync(log).size;
  const output = openSync(log, 'a');
  const code = await exitCode(
    spawn(command, args, {
      cwd: root,
      stdio: ['ignore', output, output],
      env: { ...process.env, NO_COLOR: '1' },
    }),
  );
  closeSync(output);
  if (code === 0) return;
  const tail = readFileSync(log).subarray(start).toString().trimEnd().split('\n').slice(-60).join('\n');
  throw new StepError(`this failed, and setup.log has all of its output: ${line}\n\n${tail}\n`);
}

/** Runs a command on our terminal and returns its exit code. Ctrl-C reaches it too: it decides, we wait. */
export async function attached([command, ...args], env = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  const wait = () => {};
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', wait).on('SIGTERM', forward);
  try {
    return await exitCode(child);
  } finally {
    process.off('SIGINT', wait).off('SIGTERM', forward);
  }
}

/** Runs a script's body and exits with the code that it returns, or 1 after a failed step. */
export async function main(body) {
  writeFileSync(log, '');
  try {
    process.exitCode = await body();
  } catch (error) {
    if (error instanceof StepError) console.error(error.message);
    else if (!(error instanceof StepFailed)) throw error;
    process.exitCode = 1;
  }
}

function exitCode(child) {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
