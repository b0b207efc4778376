// The write-ahead log of SQLite: pages that have been written, and have not come into the database yet.
import type { SystemFile } from './system-files';

const headerSize = 32;
const frameHeaderSize = 24;
const magic = 0x377f0682;

/** Bytes of the largest log that is read. */
const most = 256 * 2 ** 20;

/**
 * Pages of the last transaction that is whole, by their numbers. What comes after it, or fails its checksum, is none of
 * the database: SQLite itself leaves it out.
 */
export async function readLog(log: SystemFile, pageSize: number): Promise<Map<number, Buffer>> {
  const committed = new Map<number, Buffer>();
  const header = await log.read(0, headerSize);
  if (header.length < headerSize || log.size > most) return committed;
  const isBigEndian = header.readUInt32BE(0) === magic + 1;
  if (!isBigEndian && header.readUInt32BE(0) !== magic) return committed;
  if (header.readUInt32BE(8) !== pageSize) return committed;
  const sum = new Checksum(isBigEndian);
  sum.add(header.subarray(0, 24));
  if (!sum.is(header, 24)) return committed;
  let pending = new Map<number, Buffer>();
  for (let at = headerSize; at + frameHeaderSize + pageSize <= log.size; at += frameHeaderSize + pageSize) {
    const frame = await log.read(at, frameHeaderSize + pageSize);
    const page = frame.subarray(frameHeaderSize);
    sum.add(frame.subarray(0, 8));
    sum.add(page);
    const isOfThisLog = frame.subarray(8, 16).equals(header.subarray(16, 24));
    if (!isOfThisLog || !sum.is(frame, 16)) break;
    pending.set(frame.readUInt32BE(0), page);
    const isCommit = frame.readUInt32BE(4) !== 0;
    if (!isCommit) continue;
    for (const [number, each] of pending) committed.set(number, each);
    pending = new Map();
  }
  return committed;
}

class Checksum {
  #first = 0;
  #second = 0;
  readonly #isBigEndian: boolean;

  constructor(isBigEndian: boolean) {
    this.#isBigEndian = isBigEndian;
  }

  add(bytes: Buffer): void {
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const [a, b] = this.#isBigEndian
        ? [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
        : [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
      this.#first = (this.#first + a + this.#second) >>> 0;
      this.#second = (this.#second + b + this.#first) >>> 0;
    }
  }

  is(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}
