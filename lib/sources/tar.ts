// The entries of a tar archive, of which an OVA is one: where they are, and nothing is unpacked.
import type { FileHandle } from 'node:fs/promises';

export interface TarEntry {
  readonly name: string;
  /** Offset of its content, bytes. */
  readonly offset: number;
  readonly size: number;
}

/** An archive that ends within a file. */
export class CutArchive extends Error {
  readonly entry: string;

  constructor(entry: string) {
    super(`cut within ${entry}`);
    this.entry = entry;
  }
}

/** More than any appliance has; an archive may have millions. */
const mostEntries = 10_000;

const block = 512;

/** The files in an archive, in their order, until something is none. @throws CutArchive */
export async function* tarEntries(file: FileHandle, size: number): AsyncGenerator<TarEntry> {
  let longName: string | undefined;
  let at = 0;
  for (let count = 0; count < mostEntries && at + block <= size; count++) {
    const { buffer: header } = await file.read(Buffer.alloc(block), 0, block, at);
    if (header.toString('latin1', 257, 262) !== 'ustar') return;
    const length = sizeIn(header);
    const offset = at + block;
    if (!Number.isSafeInteger(length) || length < 0) return;
    if (offset + length > size) throw new CutArchive(longName ?? nameIn(header));
    const type = header.toString('latin1', 156, 157);
    if (type === 'L') longName = textIn(await read(file, offset, Math.min(length, 4096)));
    else if (type === '0' || type === '\0') {
      yield { name: longName ?? nameIn(header), offset, size: length };
      longName = undefined;
    }
    at = offset + Math.ceil(length / block) * block;
  }
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** Octal digits, or since there are larger files a number with its first bit set. */
function sizeIn(header: Buffer): number {
  if ((header[124] ?? 0) & 0x80) return Number(header.readBigUInt64BE(128));
  return Number.parseInt(header.toString('latin1', 124, 136).replace(/[\0 ]+$/, ''), 8);
}

function nameIn(header: Buffer): string {
  const [name, prefix] = [textIn(header.subarray(0, 100)), textIn(header.subarray(345, 500))];
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textIn(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\0[\s\S]*$/, '');
}
