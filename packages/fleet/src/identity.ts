// What an image is now: when nothing of that has changed, neither has what would be found in it.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ImageFile } from 'guestfs';
import { locationOf, readImage } from 'guestfs/internal';

/**
 * Identity of the images of a job and of what is asked of them: paths, sizes and times of the files, to the nanosecond,
 * of the whole backing chain, in which also the snapshots of qcow2 images show, for they are written into the file.
 * Undefined where nothing tells that an image has changed, as on a server.
 */
export async function identityOf(
  task: string,
  options: unknown,
  guests: readonly (readonly ImageFile[])[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const hash = createHash('sha256').update(JSON.stringify([1, task, options]));
  for (const guest of guests) {
    hash.update('guest');
    for (const file of guest) {
      if (locationOf(file.path).kind !== 'file') return undefined;
      const { backingChain, format } = await readImage(file, signal);
      if (backingChain.some(({ path }) => /^[^/]*:/.test(path))) return undefined;
      hash.update(JSON.stringify([format, file.blocksize]));
      for (const { path } of [file, ...backingChain]) hash.update(await ofFile(path));
    }
  }
  return `${task}-${hash.digest('hex')}`;
}

async function ofFile(path: string): Promise<string> {
  const [real, { size, mtimeNs, ctimeNs, ino, dev, rdev }] = await Promise.all([
    realpath(path),
    stat(path, { bigint: true }),
  ]);
  // A device's times say nothing of what is on it.
  if (rdev !== 0n) return `${real} ${hostname()} ${process.hrtime.bigint()}`;
  // The number of the device is another one on each machine.
  return JSON.stringify([real, String(size), String(mtimeNs), String(ctimeNs), String(ino), dev === 0n]);
}
