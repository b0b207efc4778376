// Where a disk ends by its own partition table: an image that ends before is not whole.

/** Bytes of a sector by which an MBR counts, and GPT where its header does not lie elsewhere. */
const usualSector = 512;

/** What old tools rounded to, bytes: a partition may end so far behind the disk. */
const rounding = 255 * 63 * usualSector;

/** Types of partitions that say nothing of the disk: none, and that which only protects a GPT. */
const saysNothing: ReadonlySet<number> = new Set([0, 0xee]);

/**
 * Bytes that a disk has at least, by its partition table; undefined where it has none, or where it does not say.
 *
 * @param head - its first bytes, two sectors at least
 * @param sector - size of its sectors, where its GPT tells it
 */
export function leastSizeOfDisk(head: Buffer, sector: number | undefined): number | undefined {
  if (sector !== undefined) return (Number(head.readBigUInt64LE(sector + 32)) + 1) * sector;
  const end = endOfMbr(head);
  return end === undefined ? undefined : end - rounding;
}

/** End of the last partition of an MBR. In the boot sector of a filesystem something else lies there. */
function endOfMbr(head: Buffer): number | undefined {
  if (head.length < usualSector || head.readUInt16LE(510) !== 0xaa55) return undefined;
  let end: number | undefined;
  for (let at = 446; at < 510; at += 16) {
    const [status, type] = [head.readUInt8(at), head.readUInt8(at + 4)];
    const [start, count] = [head.readUInt32LE(at + 8), head.readUInt32LE(at + 12)];
    if (status !== 0 && status !== 0x80) return undefined;
    if (saysNothing.has(type)) continue;
    if (start === 0 || count === 0) return undefined;
    end = Math.max(end ?? 0, (start + count) * usualSector);
  }
  return end;
}
