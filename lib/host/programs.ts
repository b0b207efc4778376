// Programs of this machine that look at files, and end when nobody wants to know any more.
import { type ChildProcess, execFile } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Bytes. An image may have 65,536 snapshots, each of which takes qemu-img some 250 to tell. */
const mostOutput = 64 * 2 ** 20;

/**
 * The output of a program, which is killed when `signal` is aborted.
 *
 * @throws what `execFile` throws; soon when `signal` is aborted, also where the host does not let the program go
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  {
    env,
    cwd,
    signal,
    timeout,
  }: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly signal?: AbortSignal | undefined;
    /** Milliseconds after which it is killed. */
    readonly timeout?: number | undefined;
  } = {},
): Promise<string> {
  const running = run(file, args, {
    env,
    cwd,
    maxBuffer: mostOutput,
    signal,
    timeout,
    killSignal: 'SIGKILL',
  });
  if (children.size === 0) process.on('exit', endAll);
  children.add(running.child);
  try {
    return (await running).stdout;
  } finally {
    if (signal?.aborted) await ended(running.child);
    children.delete(running.child);
    if (children.size === 0) process.off('exit', endAll);
  }
}

/** Milliseconds that a killed program may take to be gone. One that waits for a disk that does not answer never is. */
const lastMoment = 500;

/** Waits until a killed program is gone, so that nothing is left of it, but for a moment only. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, lastMoment);
    child.once('exit', () => {
      clearTimeout(patience);
      resolve();
    });
  });
  child.unref();
}

const children = new Set<ChildProcess>();

/** What waits for a pipe, or for a disk that does not answer, would outlive a program that calls `process.exit()`. */
function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
