import { runProgram } from './programs';

/** A crafted image can make qemu-img eat memory and time: libguestfs sets it the same limits. */
const limited = 'ulimit -v 1048576; ulimit -t 10; exec qemu-img "$@"';

/** So that its threads share the memory: each on its own would reserve 64 MiB and more of it. */
const oneArena = { MALLOC_ARENA_MAX: '1' };

/**
 * The output of qemu-img.
 *
 * @param timeout milliseconds after which it is killed, and `killed` set in the error
 * @throws what `execFile` throws: `code` 127 where qemu-img is missing, `stderr` with what it said
 */
export function runQemuImg(args: readonly string[], signal?: AbortSignal, timeout?: number): Promise<string> {
  const env = { ...process.env, ...oneArena, LC_ALL: 'C' };
  return runProgram('/bin/sh', ['-c', limited, 'sh', ...args], { env, signal, timeout });
}
