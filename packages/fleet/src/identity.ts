// What an image is now: when nothing of that has changed, neither has what would be found in it.
import { createHash, scrypt } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type ImageFile, type VolumeKey, versions } from 'guestfs';
import { locationOf, readImage } from 'guestfs/internal';

/** What is asked of images, and what more the answer depends on. */
export interface Question {
  readonly task: string;
  readonly options: unknown;
  /** Keys of encrypted volumes. */
  readonly keys: readonly (string | VolumeKey)[];
}

/** Milliseconds for which a file has not changed: what has changed just now may change again in the same tick of its clock. */
const settledMs = 2000;

/**
 * Identity of the images of a job and of what is asked of them: paths, sizes and times of the files, to the nanosecond,
 * of the whole backing chain, in which also the snapshots of qcow2 images show, for they are written into the file.
 * Undefined where nothing tells that an image has changed, as on a server, in a device, and just after a change.
 */
export async function identityOf(
  { task, options, keys }: Question,
  guests: readonly (readonly ImageFile[])[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const hash = createHash('sha256').update(
    JSON.stringify([1, versions.guestfs, task, options, await hidden(keys)]),
  );
  for (const guest of guests) {
    hash.update('guest');
    for (const file of guest) {
      if (locationOf(file.path).kind !== 'file') return undefined;
      const { backingChain, format } = await readImage(file, signal);
      if (backingChain.some(({ path }) => /^[^/]*:/.test(path))) return undefined;
      hash.update(JSON.stringify([format, file.blocksize]));
      for (const { path } of [file, ...backingChain]) {
        const facts = await ofFile(path);
        if (facts === undefined) return undefined;
        hash.update(facts);
      }
    }
  }
  return `${task}-${hash.digest('hex')}`;
}

async function ofFile(path: string): Promise<string | undefined> {
  const [real, stats] = await Promise.all([realpath(path), stat(path, { bigint: true })]);
  const { size, mtimeNs, ctimeNs, ino, rdev } = stats;
  // A device's times say nothing of what is on it.
  if (rdev !== 0n) return undefined;
  if (Math.abs(Date.now() - Number(ctimeNs / 1_000_000n)) < settledMs) return undefined;
  // The number of the device is another one on each machine.
  return JSON.stringify([real, String(size), String(mtimeNs), String(ctimeNs), String(ino)]);
}

const hiddenOf = new WeakMap<object, Promise<string>>();

/** Keys so that nobody who reads the store can try what they may be. */
async function hidden(keys: readonly (string | VolumeKey)[]): Promise<string> {
  if (keys.length === 0) return '';
  const known = hiddenOf.get(keys) ?? derived(JSON.stringify(keys), 'guestfs-fleet');
  hiddenOf.set(keys, known);
  return await known;
}

async function derived(text: string, salt: string): Promise<string> {
  const bytes = await (promisify(scrypt) as (text: string, salt: string, length: number) => Promise<Buffer>)(
    text,
    salt,
    16,
  );
  return bytes.toString('hex');
}
