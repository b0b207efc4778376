// The size of a disk's sectors, which no image format tells. A GPT does, whose header lies in the second sector; an MBR does
// where its partitions hold something only if they are counted so.
import { headOfContent, holdsContent } from './content';
import { leastSizeOf, partitionsInMbr } from './mbr';

/** Bytes from the beginning of a disk that are needed. */
export const headOfDisk = 8192;

export type SectorSize = 512 | 4096;

const sizes = [512, 4096] as const;

/** Bytes from the beginning of a disk within which the partitions begin that are looked at: what is before may be read too. */
const farthest = 64 * 2 ** 20;

/** Size of the sectors for which the disk was partitioned, by its GPT; undefined where that cannot be told. */
export function sectorSizeOf(head: Buffer): SectorSize | undefined {
  return sizes.find((size) => isGptHeader(head.subarray(size, size + 512), size));
}

/** Of a disk with 512 bytes a sector, an entry of a partition could begin with these letters where a header would be. */
function isGptHeader(header: Buffer, sector: SectorSize): boolean {
  if (header.length < 92 || header.toString('latin1', 0, 8) !== 'EFI PART') return false;
  const size = header.readUInt32LE(12);
  return size >= 92 && size <= sector && header.readBigUInt64LE(24) === 1n;
}

/** Bytes that a disk has at least, by its partition table; 0 where that does not say. */
export function leastSizeOfDisk(head: Buffer): number {
  const sector = sectorSizeOf(head);
  if (sector === undefined) return leastSizeOf(partitionsInMbr(head));
  return (Number(head.readBigUInt64LE(sector + 32)) + 1) * sector;
}

/**
 * Size of the sectors by which an MBR counts. Hardly a disk needs a look at more than its head: by larger sectors its
 * partitions would not fit onto it.
 *
 * @param read - reads from the disk
 */
export async function sectorSizeOfMbr(
  head: Buffer,
  diskSize: number,
  read: (at: number, length: number) => Promise<Buffer | undefined>,
): Promise<SectorSize | undefined> {
  const partitions = partitionsInMbr(head);
  if (partitions.length === 0) return undefined;
  if (leastSizeOf(partitions, 4096) > diskSize) return 512;
  for (const sector of sizes) {
    for (const { start } of partitions) {
      if (start * sector > farthest) continue;
      const content = await read(start * sector, headOfContent);
      if (content && holdsContent(content)) return sector;
    }
  }
  return undefined;
}
