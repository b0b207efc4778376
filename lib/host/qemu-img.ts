import { type ChildProcess, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A crafted image can make qemu-img eat memory and time: libguestfs sets it the same limits. */
const limited = 'ulimit -v 1048576; ulimit -t 10; exec qemu-img "$@"';

/** So that its threads share the memory: each on its own would reserve 64 MiB and more of it. */
const oneArena = { MALLOC_ARENA_MAX: '1' };

/** Bytes. An image may have 65,536 snapshots, each of which takes some 250. */
const mostOutput = 64 * 2 ** 20;

/**
 * The output of qemu-img.
 *
 * @throws what `execFile` throws: `code` 127 where qemu-img is missing, `stderr` with what it said
 */
export async function runQemuImg(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const running = run('/bin/sh', ['-c', limited, 'sh', ...args], {
    env: { ...process.env, ...oneArena, LC_ALL: 'C' },
    maxBuffer: mostOutput,
    signal,
  });
  if (children.size === 0) process.on('exit', endAll);
  children.add(running.child);
  try {
    return (await running).stdout;
  } finally {
    children.delete(running.child);
    if (children.size === 0) process.off('exit', endAll);
  }
}

const children = new Set<ChildProcess>();

/** What waits for a pipe, or for a disk that does not answer, would outlive a program that calls `process.exit()`. */
function endAll(): void {
  for (const child of children) child.kill('SIGKILL');
}
