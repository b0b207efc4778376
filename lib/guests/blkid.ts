// One blkid(8) tells all of a device: what is on it, and what its partition table says of it.
import type { EncryptedReport, FilesystemReport, PartitionReport } from './report';

/** The output of `blkid -p -o export`. */
export type BlkidOutput = ReadonlyMap<string, string>;

const efiSystemPartition = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const mbrActive = 0x80n;
const gptLegacyBootable = 0x4n;
/** Sectors of partition tables, whatever the disk's own sectors are. */
const sectorSize = 512;

/** Extended partitions hold others; the GPT types are Microsoft's own: reserved, snapshot, and dynamic disks. */
const neverFilesystems: ReadonlySet<string> = new Set([
  '0x5',
  '0xf',
  '0x85',
  'e3c9e316-0b5c-4db8-817d-f92df00215ae',
  'caddebf1-4400-4de8-b103-12117dcf3ccf',
  '5808c8aa-7e8f-42e0-85d2-e1e90434cfb3',
  'af9b60a0-1431-4f62-bc68-3311714a69ad',
]);

/** A value without the backslashes with which blkid protects it from a shell. */
export function valueIn(output: BlkidOutput, name: string): string | null {
  return output.get(name)?.replace(/\\(.)/g, '$1') || null;
}

/** Whether blkid may have changed a value beyond recovery: it writes other than ASCII like cat -v. */
export function isMangled(value: string | null): value is string {
  return value !== null && /M-|\^|\\/.test(value);
}

export function partitionTableOf(output: BlkidOutput): string | null {
  return tableType(valueIn(output, 'PTTYPE'));
}

export function tableType(name: string | null): string | null {
  return name === 'dos' || name === 'msdos' ? 'mbr' : name;
}

/** Partition that a device is; undefined when it is none. */
export function partitionOf(device: string, output: BlkidOutput): PartitionReport | undefined {
  const number = output.get('PART_ENTRY_NUMBER');
  const type = tableType(valueIn(output, 'PART_ENTRY_SCHEME'));
  if (number === undefined || type === null) return undefined;
  const start = Number(output.get('PART_ENTRY_OFFSET')) * sectorSize;
  const size = Number(output.get('PART_ENTRY_SIZE')) * sectorSize;
  const id = output.get('PART_ENTRY_TYPE');
  const flags = BigInt(output.get('PART_ENTRY_FLAGS') ?? 0);
  const mbrId = type === 'mbr' && id !== undefined ? Number(id) : null;
  const gptType = type === 'gpt' && id !== undefined ? id.toUpperCase() : null;
  return {
    device,
    number: Number(number),
    start,
    end: start + size - 1,
    size,
    type,
    mbrId,
    gptType,
    bootable:
      type === 'gpt'
        ? (flags & gptLegacyBootable) !== 0n || gptType === efiSystemPartition
        : (flags & mbrActive) !== 0n,
    label: valueIn(output, 'PART_ENTRY_NAME'),
    content: valueIn(output, 'TYPE'),
  };
}

export function encryptedOf(device: string, output: BlkidOutput): EncryptedReport | undefined {
  if (output.get('USAGE') !== 'crypto') return undefined;
  const type = valueIn(output, 'TYPE') ?? 'unknown';
  return { device, type, uuid: valueIn(output, 'UUID'), opened: false, mapping: null };
}

/** What makes a device one of its kind for LVM, RAID and btrfs; undefined for what the kernel tells apart without. */
export function identityOf(output: BlkidOutput): string | undefined {
  const type = valueIn(output, 'TYPE');
  if (type !== 'LVM2_member' && type !== 'linux_raid_member' && type !== 'btrfs') return undefined;
  const own = valueIn(output, type === 'LVM2_member' ? 'UUID' : 'UUID_SUB');
  return own === null ? undefined : `${type} ${own}`;
}

/** Filesystem on a device; undefined when the device holds something else, or nothing could be on it. */
export function filesystemOf(device: string, output: BlkidOutput): FilesystemReport | undefined {
  const type = valueIn(output, 'TYPE');
  const usage = output.get('USAGE');
  if (usage === 'raid' || usage === 'crypto' || type?.endsWith('_member')) return undefined;
  if (type === null && (output.has('PTTYPE') || neverFilesystems.has(output.get('PART_ENTRY_TYPE') ?? ''))) {
    return undefined;
  }
  return {
    ...unknownFilesystem(device),
    type: type ?? 'unknown',
    label: valueIn(output, 'LABEL'),
    uuid: valueIn(output, 'UUID'),
  };
}

export function unknownFilesystem(device: string): FilesystemReport {
  return { device, type: 'unknown', label: null, uuid: null, size: null, used: null, free: null, iso: null };
}

/** Swap and the like have no files, and what nobody recognises is not offered to the kernel's drivers. */
export function isMountable(output: BlkidOutput): boolean {
  return output.get('USAGE') === 'filesystem';
}

/** UUID without dashes: LVM writes its UUIDs with them, or without. */
export function plainUuid(uuid: string): string {
  return uuid.replaceAll('-', '');
}

/** `/dev/sda1` of `/dev/sda`, `/dev/md0p1` of `/dev/md0`. */
export function isPartOf(partition: string, disk: string): boolean {
  return partition.startsWith(disk) && /^p?\d+$/.test(partition.slice(disk.length));
}
