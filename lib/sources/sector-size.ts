// The size of a disk's sectors, which no image format tells. A GPT does: its header lies in the second sector.

/** Bytes from the beginning of a disk that are needed. */
export const headOfDisk = 8192;

export type SectorSize = 512 | 4096;

/** Size of the sectors for which the disk was partitioned, bytes; undefined where that cannot be told. */
export function sectorSizeOf(head: Buffer): SectorSize | undefined {
  return ([512, 4096] as const).find((size) => isGptHeader(head.subarray(size, size + 512), size));
}

/** Of a disk with 512 bytes a sector, an entry of a partition could begin with these letters where a header would be. */
function isGptHeader(header: Buffer, sector: SectorSize): boolean {
  if (header.length < 92 || header.toString('latin1', 0, 8) !== 'EFI PART') return false;
  const size = header.readUInt32LE(12);
  return size >= 92 && size <= sector && header.readBigUInt64LE(24) === 1n;
}
