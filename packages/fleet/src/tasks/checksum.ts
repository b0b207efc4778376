import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { ProgressEvent } from 'guestfs';
import type { z } from 'zod';
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
    for (const { path } of images) checksums.push(await checksumOf(path, algorithm, signal, onProgress));
    return checksums;
  },
};

async function checksumOf(
  path: string,
  algorithm: string,
  signal: AbortSignal,
  onProgress: (event: ProgressEvent) => void,
): Promise<FileChecksum> {
  // Neither a pipe nor a device that waits for somebody may hold it up.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
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

function event(position: number, total: number): ProgressEvent {
  return {
    ...{ operation: 'checksum', procNr: 0, serial: 0, pulse: false },
    ...{ position: BigInt(position), total: BigInt(total), ratio: total === 0 ? 1 : position / total },
  };
}
