// Where a qcow2 image has to end: what was copied or downloaded in part opens, and reads as zeros behind its end.
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of the longest table that qemu takes. */
const longestTable = 8 * 2 ** 20;

/** The least bytes that the file of a qcow2 image must have for all clusters that it uses; undefined where that cannot be told. */
export async function leastSizeOfQcow2(path: string): Promise<number | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return await leastSize(file);
  } catch {
    return undefined; // what cannot be read now fails, with its reason, when it is added
  } finally {
    await file?.close();
  }
}

async function leastSize(file: FileHandle): Promise<number | undefined> {
  const header = await bytesAt(file, 0, 104);
  if (header.toString('latin1', 0, 4) !== 'QFI\xfb' || header.length < 72) return undefined;
  const [version, bits] = [header.readUInt32BE(4), header.readUInt32BE(20)];
  if (bits < 9 || bits > 21) return undefined;
  const cluster = 2 ** bits;
  const order = version >= 3 && header.length >= 100 ? header.readUInt32BE(96) : 4;
  const tableAt = Number(header.readBigUInt64BE(48));
  const length = header.readUInt32BE(56) * cluster;
  if (order > 6 || length > longestTable || !Number.isSafeInteger(tableAt)) return undefined;
  const table = await bytesAt(file, tableAt, length);
  if (table.length < length) return tableAt + length;
  const last = lastEntry(table);
  if (last === undefined) return undefined;
  const block = await bytesAt(file, last.offset, cluster);
  if (block.length < cluster) return last.offset + cluster;
  let byte = block.length - 1;
  while (byte >= 0 && block[byte] === 0) byte--;
  if (byte < 0) return undefined;
  const refcountBits = 2 ** order;
  const clusters = last.index * ((cluster * 8) / refcountBits) + Math.floor((byte * 8) / refcountBits);
  // Of the last one, which may hold what is compressed, a part may be enough.
  return clusters * cluster + 1;
}

/** The last block of reference counts that is there. */
function lastEntry(table: Buffer): { index: number; offset: number } | undefined {
  for (let index = table.length / 8 - 1; index >= 0; index--) {
    const offset = Number(table.readBigUInt64BE(index * 8) & ~0x1ffn);
    if (offset !== 0) return Number.isSafeInteger(offset) ? { index, offset } : undefined;
  }
  return undefined;
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
