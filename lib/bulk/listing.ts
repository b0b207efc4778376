import { isUtf8 } from 'node:buffer';
import { Writable } from 'node:stream';
import { codeOf } from '../faults/kinds';
import type { GuestfsMethods } from '../generated/methods';
import type { CallOptions } from '../options/types';
import { nameOf } from '../text/bytes';

/** The names in a folder of the guest, sorted. */
export async function listNames(
  g: Pick<GuestfsMethods, 'readdir' | 'ls0'>,
  path: string,
  options: CallOptions,
): Promise<string[]> {
  const names = await readNames(g, path, options);
  return names.filter((name) => name !== '.' && name !== '..' && name !== '').sort();
}

async function readNames(
  g: Pick<GuestfsMethods, 'readdir' | 'ls0'>,
  path: string,
  options: CallOptions,
): Promise<string[]> {
  try {
    return (await g.readdir(path, options)).map(({ name }) => name);
  } catch (error) {
    if (codeOf(error) !== 'ERR_GUESTFS_MESSAGE_TOO_LARGE') throw error;
    return await streamNames(g, path, options);
  }
}

/** Lists a folder by a stream, which takes much longer: each name is a message of its own. */
async function streamNames(
  g: Pick<GuestfsMethods, 'ls0'>,
  path: string,
  options: CallOptions,
): Promise<string[]> {
  const splitter = new NameSplitter();
  await g.ls0(path, splitter, options);
  return splitter.names;
}

/** Takes names that end with NUL, piece by piece. */
export class NameSplitter extends Writable {
  readonly names: string[] = [];
  #rest: Buffer = Buffer.alloc(0);

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const end = bytes.lastIndexOf(0) + 1;
    this.#rest = bytes.subarray(end);
    if (end > 0) this.#take(bytes.subarray(0, end - 1));
    callback();
  }

  #take(bytes: Buffer): void {
    if (isUtf8(bytes)) {
      for (const name of bytes.toString().split('\0')) this.names.push(name);
      return;
    }
    for (let start = 0; start <= bytes.length; ) {
      const end = bytes.indexOf(0, start);
      const stop = end < 0 ? bytes.length : end;
      this.names.push(nameOf(bytes.subarray(start, stop)));
      start = stop + 1;
    }
  }
}
