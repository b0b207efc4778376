// Where an image has to end: what was copied or downloaded in part opens, and reads as zeros behind its end.
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of the longest table that qemu takes. */
const longestTable = 8 * 2 ** 20;

/** Readers of the least size by formats. */
const readers: Readonly<Record<string, (file: FileHandle) => Promise<number | undefined>>> = {
  qcow2: leastOfQcow2,
  vdi: leastOfVdi,
};

/**
 * The size of the file of an image, and the least that it must have for all that its tables say is in it; undefined where
 * that cannot be told.
 */
export async function leastSizeOfImage(
  path: string,
  format: string,
): Promise<{ readonly size: number; readonly least: number } | undefined> {
  const read = Object.hasOwn(readers, format) ? readers[format] : undefined;
  if (read === undefined) return undefined;
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    const least = stats.isFile() ? await read(file) : undefined;
    return least === undefined ? undefined : { size: stats.size, least };
  } catch {
    return undefined; // what cannot be read now fails, with its reason, when it is added
  } finally {
    await file?.close();
  }
}

/** VirtualBox and qemu allocate whole blocks, one behind the other. */
async function leastOfVdi(file: FileHandle): Promise<number | undefined> {
  const header = await bytesAt(file, 0, 512);
  if (header.length < 512 || header.readUInt32LE(64) !== 0xbeda107f) return undefined;
  const [data, block, allocated] = [0x158, 0x178, 0x184].map((at) => header.readUInt32LE(at));
  return allocated ? Number(data) + (allocated - 1) * Number(block) + 1 : undefined;
}

async function leastOfQcow2(file: FileHandle): Promise<number | undefined> {
  const header = await bytesAt(file, 0, 104);
  if (header.toString('latin1', 0, 4) !== 'QFI\xfb' || header.length < 72) return undefined;
  // Without the table that leads to all others nothing is found.
  const leading = Number(header.readBigUInt64BE(40)) + header.readUInt32BE(36) * 8;
  return Math.max(leading, (await leastByCounts(file, header)) ?? 0);
}

/** By the counts of references to clusters. */
async function leastByCounts(file: FileHandle, header: Buffer): Promise<number | undefined> {
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
