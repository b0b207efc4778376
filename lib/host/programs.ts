// Programs of this machine that look at files, and end when nobody wants to know any more.
import { type ChildProcess, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Bytes. An image may have 65,536 snapshots, each of which takes qemu-img some 250 to tell. */
const mostOutput = 64 * 2 ** 20;

/**
 * The output of a program, which is killed when `signal` is aborted.
 *
 * @throws what `execFile` throws; at once when `signal` is aborted, also where the host does not let the program go
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { env, signal }: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const running = run(file, args, { env, maxBuffer: mostOutput, signal, killSignal: 'SIGKILL' });
  if (children.size === 0) process.on('exit', endAll);
  children.add(running.child);
  try {
    return (await running).stdout;
  } finally {
    // What waits for a disk that does not answer may not even end when it is killed: nothing is to wait for it.
    if (signal?.aborted) running.child.unref();
    children.delete(running.child);
    if (children.size === 0) process.off('exit', endAll);
  }
}

const children = new Set<ChildProcess>();

/** What waits for a pipe, or for a disk that does not answer, would outlive a program that calls `process.exit()`. */
function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
