import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A crafted image can make qemu-img eat memory and time: libguestfs sets it the same limits. */
const limited = 'ulimit -v 1048576; ulimit -t 10; exec qemu-img "$@"';

/**
 * The output of qemu-img.
 *
 * @throws what `execFile` throws: `code` 127 where qemu-img is missing, `stderr` with what it said
 */
export async function runQemuImg(args: readonly string[], signal?: AbortSignal): Promise<string> {
  const { stdout } = await run('/bin/sh', ['-c', limited, 'sh', ...args], {
    env: { ...process.env, LC_ALL: 'C' },
    signal,
  });
  return stdout;
}
