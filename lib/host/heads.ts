// The first bytes of images and of the disks in them. They are looked at, and never believed.
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { runQemuImg } from './qemu-img';
import { onceAnswering } from './storage';

/** Bytes of a file or block device from `at` on, the first ones if that is left out, at most `length`; undefined where they cannot be read. */
export async function headOfFile(
  path: string,
  length: number,
  signal: AbortSignal | undefined,
  at = 0,
): Promise<Buffer | undefined> {
  return await onceAnswering([path], signal, () => readHead(path, length, at)).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return undefined; // whoever opens it says why
  });
}

async function readHead(path: string, length: number, at: number): Promise<Buffer | undefined> {
  let file: FileHandle | undefined;
  try {
    // What is no file may keep whoever opens it waiting.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile() && !facts.isBlockDevice()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file?.close();
  }
}

/**
 * Bytes of the disk in an image, in whole sectors of 512, read by qemu-img into `file` on the way.
 *
 * @throws what `execFile` throws
 */
export async function headOfDiskIn(
  image: { readonly name: string; readonly format: string },
  { at, length }: { readonly at: number; readonly length: number },
  file: string,
  signal: AbortSignal | undefined,
  timeout?: number,
): Promise<Buffer> {
  const { name, format } = image;
  // Of the sectors that it counts, qemu-img dd leaves out those that it skips.
  const part = ['bs=512', `skip=${at / 512}`, `count=${(at + length) / 512}`];
  await runQemuImg(
    ['dd', '-U', '-f', format, '-O', 'raw', ...part, `if=${name}`, `of=${file}`],
    signal,
    timeout,
  );
  return (await readFile(file)).subarray(0, length);
}
