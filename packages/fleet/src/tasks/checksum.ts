import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ImageFile, ProgressEvent } from 'guestfs';
import { locationOf } from 'guestfs/internal';
import type { z } from 'zod';
import { FleetError } from '../errors';
import { isBelow } from '../images';
import { checkedBy, checksumOptions } from './options';
import type { Task } from './task';

/** Checksum of the file of an image. */
export interface FileChecksum {
  /** Path of the file. */
  readonly path: string;
  /** Size of the file, bytes. */
  readonly size: number;
  readonly algorithm: string;
  /** Checksum in hexadecimal digits. */
  readonly checksum: string;
}

/** Checksums of the files of a guest's disks, each as it is: no appliance is launched. */
export const checksumTask: Task<z.infer<typeof checksumOptions>, FileChecksum[]> = {
  name: 'checksum',
  options: checkedBy('checksum', checksumOptions),
  async run({ images, options: { algorithm = 'sha256' }, signal, onProgress }) {
    const checksums: FileChecksum[] = [];
    for (const image of images) checksums.push(await checksumOf(image, algorithm, signal, onProgress));
    return checksums;
  },
};

async function checksumOf(
  { path, within }: ImageFile,
  algorithm: string,
  signal: AbortSignal,
  onProgress: (event: ProgressEvent) => void,
): Promise<FileChecksum> {
  if (locationOf(path).kind !== 'file')
    throw new FleetError('ERR_GUESTFS_FLEET_OPTION', 'checksum: it takes files, and no images on servers');
  // Neither a pipe nor a device that waits for somebody may hold it up.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await checkOpened(file, path, within);
    const stat = await file.stat();
    if (!stat.isFile()) throw Object.assign(new Error(`${path} is no file`), { code: 'EINVAL' });
    const hash = createHash(algorithm);
    let size = 0;
    const tell = (chunk: Buffer) => {
      size += chunk.length;
      onProgress(event(size, Math.max(stat.size, size)));
    };
    const content = createReadStream('', { fd: file, autoClose: false, highWaterMark: 1 << 20 }).on(
      'data',
      (chunk) => tell(chunk as Buffer),
    );
    await pipeline(content, hash, { signal });
    return { path, size, algorithm, checksum: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** What has been opened may be another file than was looked at, where somebody puts a link in its place. */
async function checkOpened(
  file: FileHandle,
  path: string,
  within: readonly string[] | undefined,
): Promise<void> {
  if (!within) return;
  const folders = await Promise.all(within.map((folder) => realpath(folder)));
  if (isBelow(await realpath(`/proc/self/fd/${file.fd}`), folders)) return;
  throw new FleetError(
    'ERR_GUESTFS_FLEET_IMAGE_REFUSED',
    `${JSON.stringify(path)} is not opened: it has just become a link that leads elsewhere`,
  );
}

function event(position: number, total: number): ProgressEvent {
  return {
    ...{ operation: 'checksum', procNr: 0, serial: 0, pulse: false },
    ...{ position: BigInt(position), total: BigInt(total), ratio: total === 0 ? 1 : position / total },
  };
}
