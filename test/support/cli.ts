import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from './script';

export const program = join(root, 'dist/cli/main.js');

/** Starts the command `guestfs`, as it was compiled. */
export function startCli(...args: string[]): ChildProcessWithoutNullStreams {
  if (!existsSync(program)) throw new Error('dist/ is missing: `npm run build:ts` first');
  return spawn(process.execPath, [program, ...args]);
}

export async function runCli(...args: string[]) {
  const child = startCli(...args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { stdout, stderr, code };
}
