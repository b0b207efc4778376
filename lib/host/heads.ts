// The first bytes of images and of the disks in them. They are looked at, and never believed.
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { runQemuImg } from './qemu-img';
import { onceAnswering } from './storage';

/** The first bytes of a file or block device, at most `length`; undefined where they cannot be read. */
export async function headOfFile(
  path: string,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  return await onceAnswering([path], signal, () => readHead(path, length)).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return undefined; // whoever opens it says why
  });
}

async function readHead(path: string, length: number): Promise<Buffer | undefined> {
  let file: FileHandle | undefined;
  try {
    // What is no file may keep whoever opens it waiting.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile() && !facts.isBlockDevice()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file?.close();
  }
}

/**
 * The first blocks of 4096 bytes of the disk in an image, read by qemu-img into `file` on the way.
 *
 * @throws what `execFile` throws
 */
export async function headOfDiskIn(
  image: { readonly name: string; readonly format: string },
  blocks: number,
  file: string,
  signal: AbortSignal | undefined,
  timeout?: number,
): Promise<Buffer> {
  const { name, format } = image;
  const block = ['bs=4096', `count=${blocks}`];
  await runQemuImg(
    ['dd', '-U', '-f', format, '-O', 'raw', ...block, `if=${name}`, `of=${file}`],
    signal,
    timeout,
  );
  return await readFile(file);
}
