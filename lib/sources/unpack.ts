// Unpacks an image into a file of the workspace, where it cannot be read in its place.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { image, unusableTmpdir } from '../faults/faults';
import type { Need } from '../faults/packages';
import { brokenPack, missingProgram } from '../faults/source-faults';
import { UnusableImage } from '../host/unusable-image';
import type { Packing } from './packing';

/** Part of a file that is packed. */
export interface Packed {
  readonly path: string;
  /** What may be shown of it. */
  readonly shown: string;
  readonly packing: Exclude<Packing, 'tar'>;
  readonly offset: number;
  readonly size: number;
}

/** Bytes that stay free, for the appliance has to write too. */
const reserve = 256 * 2 ** 20;

/** Bytes of the largest disk that is unpacked: sparse files can be any size. */
const largest = 64 * 2 ** 40;

/** @param onProgress hears how many of the packed bytes have been read */
export async function unpack(
  packed: Packed,
  to: string,
  signal: AbortSignal | undefined,
  onProgress: (read: number) => void,
): Promise<void> {
  const { path, shown, packing, offset, size } = packed;
  if (size === 0) throw UnusableImage.for(brokenPack(shown, 'it ends before it begins'));
  const source = createReadStream(path, { start: offset, end: offset + size - 1 });
  let read = 0;
  source.on('data', (chunk) => {
    read += chunk.length;
    onProgress(read);
  });
  source.pause();
  const write = (bytes: AsyncIterable<Buffer>) => writeSparse(bytes, to, shown);
  try {
    if (packing === 'gzip') await pipeline(source, createGunzip(), write, { signal });
    else await throughProgram(source, packing, shown, write, signal);
  } catch (error) {
    if (signal?.aborted || error instanceof UnusableImage) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noSpace(to);
    throw UnusableImage.for(brokenPack(shown, `${packing} says ${message.replace(/[.;]$/, '')}`), error);
  } finally {
    source.destroy();
  }
}

const needs: Readonly<Record<string, Need>> = { xz: 'xz', zstd: 'zstd', bzip2: 'bzip2' };

async function throughProgram(
  source: Readable,
  program: string,
  shown: string,
  write: (bytes: AsyncIterable<Buffer>) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const child = spawn(program, ['-d', '-c'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
    env: { ...process.env, LC_ALL: 'C' },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, 2048);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      const fault =
        isMissing && UnusableImage.for(missingProgram(program, shown, [needs[program] as Need]), error);
      reject(fault || error);
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(said.trim().split('\n')[0] || `exit code ${code}`));
    });
  });
  ended.catch(() => undefined); // it is awaited below
  // What it says decides, not that its pipe has closed.
  const fed = pipeline(source, child.stdin, { signal }).catch(() => undefined);
  try {
    await write(child.stdout as AsyncIterable<Buffer>);
    await fed;
    await ended;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Writes what is not zero, until the disk of this machine has no space for more. */
async function writeSparse(bytes: AsyncIterable<Buffer>, to: string, shown: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(to));
  let space = bavail * bsize - reserve;
  const file = await open(to, 'wx', 0o600);
  try {
    let at = 0;
    for await (const chunk of bytes) {
      if (chunk.some((byte) => byte !== 0)) {
        space -= chunk.length;
        if (space < 0) throw noSpace(to);
        await file.write(chunk, 0, chunk.length, at);
      }
      at += chunk.length;
      if (at > largest)
        throw UnusableImage.for(image(shown, 'unpacked it is larger than any disk', undefined));
    }
    await file.truncate(at);
  } finally {
    await file.close();
  }
}

function noSpace(to: string): UnusableImage {
  return UnusableImage.for(unusableTmpdir(dirname(dirname(to)), 'No space left on device'));
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}
