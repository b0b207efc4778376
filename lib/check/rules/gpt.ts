import type { Guestfs } from '../../guestfs';
import { crc32 } from '../crc32';
import type { GuestRule, Sighting } from '../rule';

/** Bytes of a table of partitions: 128 entries take 16 KiB, and what is larger than this is none. */
const largest = 2 ** 20;

export const gptBackup: GuestRule = {
  id: 'gpt-backup',
  severity: 'warning',
  title: 'A GPT whose copies do not match',
  advice:
    'Write the table anew: sgdisk --move-second-header DISK after the image was made larger, sgdisk --verify DISK to see what else is wrong',
  help: 'A GPT stands at both ends of a disk, so that one can be mended by the other. Looked at are both headers and both tables: whether they are there, whether their checksums are right, and whether they say the same. Images that were made larger have the second one in the middle.',
  checkGuest: async ({ g, report }) => {
    const found: Sighting[] = [];
    let hasGpt = false;
    for (const { device } of report.images) {
      const faults = await faultsOf(g, device);
      hasGpt ||= faults !== undefined;
      found.push(...(faults ?? []).map((seen) => ({ device, seen: `${device}: ${seen}` })));
    }
    return hasGpt ? found : undefined;
  },
};

interface Header {
  readonly own: bigint;
  readonly other: bigint;
  readonly entriesAt: bigint;
  readonly entriesCrc: number;
  readonly entriesBytes: number;
  readonly isIntact: boolean;
  /** What both headers have in common: usable blocks, the id of the disk, the table. */
  readonly common: string;
}

/** What is wrong with the GPT of a disk; undefined where it has none. */
async function faultsOf(g: Guestfs, disk: string): Promise<string[] | undefined> {
  const [block, size] = [Number(await g.blockdevGetss(disk)), await g.blockdevGetsize64(disk)];
  const blocks = size / BigInt(block);
  if (blocks < 6n) return undefined;
  const read = async (at: bigint) =>
    at > 0n && at < blocks ? headerIn(await g.preadDevice(disk, block, at * BigInt(block))) : undefined;
  const [first, last] = [await read(1n), await read(blocks - 1n)];
  if (!first && !last) return (await isProtected(g, disk)) ? ['neither of its tables is there'] : undefined;
  if (!first) return ['the table at its beginning is not there'];
  if (!first.isIntact) return ['the header at its beginning is damaged: its checksum is wrong'];
  const faults: string[] = [];
  if (first.own !== 1n) faults.push('the header at its beginning says that it stands elsewhere');
  if (!(await hasRightEntries(g, disk, block, blocks, first)))
    faults.push('the table at its beginning is damaged: its checksum is wrong');
  if (first.other !== blocks - 1n) {
    const where = last
      ? 'the header says that it stands elsewhere'
      : `it stands ${await placeOf(read, first)}`;
    faults.push(`the backup is not at its end: ${where}`);
    return faults;
  }
  if (!last) return [...faults, 'the backup at its end is not there'];
  if (!last.isIntact) return [...faults, 'the header of the backup is damaged: its checksum is wrong'];
  if (last.own !== blocks - 1n || last.other !== 1n) faults.push('the backup says that it stands elsewhere');
  if (last.common !== first.common) faults.push('the backup says something else');
  else if (!(await hasRightEntries(g, disk, block, blocks, last)))
    faults.push('the table of the backup is damaged: its checksum is wrong');
  return faults;
}

async function placeOf(
  read: (at: bigint) => Promise<Header | undefined>,
  { other }: Header,
): Promise<string> {
  return (await read(other)) ? `in block ${other}, as if the disk ended there` : 'nowhere';
}

/** Whether the first sector says that there is a GPT. */
async function isProtected(g: Guestfs, disk: string): Promise<boolean> {
  const bytes = await g.preadDevice(disk, 512, 0);
  if (bytes.length < 512 || bytes.readUInt16LE(510) !== 0xaa55) return false;
  return [446, 462, 478, 494].some((at) => bytes[at + 4] === 0xee);
}

function headerIn(bytes: Buffer): Header | undefined {
  if (bytes.length < 512 || bytes.toString('latin1', 0, 8) !== 'EFI PART') return undefined;
  const length = bytes.readUInt32LE(12);
  const isSized = length >= 92 && length <= bytes.length;
  const head = Buffer.from(bytes.subarray(0, isSized ? length : 92));
  head.fill(0, 16, 20);
  const [count, entry] = [bytes.readUInt32LE(80), bytes.readUInt32LE(84)];
  return {
    ...{ own: bytes.readBigUInt64LE(24), other: bytes.readBigUInt64LE(32) },
    ...{
      entriesAt: bytes.readBigUInt64LE(72),
      entriesCrc: bytes.readUInt32LE(88),
      entriesBytes: count * entry,
    },
    isIntact: isSized && crc32(head) === bytes.readUInt32LE(16),
    common: `${bytes.toString('hex', 40, 72)}${bytes.toString('hex', 80, 92)}`,
  };
}

async function hasRightEntries(
  g: Guestfs,
  disk: string,
  block: number,
  blocks: bigint,
  { entriesAt, entriesBytes, entriesCrc }: Header,
): Promise<boolean> {
  const end = entriesAt * BigInt(block) + BigInt(entriesBytes);
  if (entriesBytes === 0 || entriesBytes > largest || entriesAt < 2n || end > blocks * BigInt(block))
    return false;
  return crc32(await g.preadDevice(disk, entriesBytes, entriesAt * BigInt(block))) === entriesCrc;
}
