// The partition table in the first sector of a disk (MBR), and what it says of the disk's size and sectors.

/** Bytes of a sector, unless a disk has larger ones. */
const usualSector = 512;

/** What old tools rounded to, bytes: a partition may end so far behind the disk. */
const rounding = 255 * 63 * usualSector;

/** Types of partitions that say nothing of the disk: none, and that which only protects a GPT. */
const saysNothing: ReadonlySet<number> = new Set([0, 0xee]);

/** A partition of the table, in sectors. */
export interface MbrPartition {
  readonly start: number;
  readonly count: number;
}

/** Partitions in the table; none where there is no table. In the boot sector of a filesystem something else lies there. */
export function partitionsInMbr(head: Buffer): MbrPartition[] {
  if (head.length < usualSector || head.readUInt16LE(510) !== 0xaa55) return [];
  const partitions: MbrPartition[] = [];
  for (let at = 446; at < 510; at += 16) {
    const [status, type] = [head.readUInt8(at), head.readUInt8(at + 4)];
    const [start, count] = [head.readUInt32LE(at + 8), head.readUInt32LE(at + 12)];
    if (status !== 0 && status !== 0x80) return [];
    if (saysNothing.has(type)) continue;
    if (start === 0 || count === 0) return [];
    partitions.push({ start, count });
  }
  return partitions;
}

/** Bytes that a disk with these partitions has at least, by sectors of this size; 0 where there are none. */
export function leastSizeOf(partitions: readonly MbrPartition[], sector: number = usualSector): number {
  const ends = partitions.map(({ start, count }) => (start + count) * sector - rounding);
  return Math.max(0, ...ends);
}
