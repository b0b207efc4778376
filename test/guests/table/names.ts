/** By what a system calls its filesystems in fstab. */
import type { Guestfs } from '../../../lib';
import type { Volume } from './layout';

/** Kinds of names; `device` are those of Linux's drivers, of device-mapper and of RAID. */
export type Naming = 'device' | 'uuid' | 'by-uuid' | 'label' | 'partuuid' | 'partlabel' | 'by-id' | 'by-path';

export interface Names {
  readonly naming: Naming;
  /** Driver of the disks, by whose names the guest knows them; default `vd`. */
  readonly driver?: 'sd' | 'vd' | 'xvd' | 'nvme';
  /** Names of opened volumes in crypttab, by their mount points; default `luks-UUID`, and no crypttab. */
  readonly crypttab?: Readonly<Record<string, string>>;
}

/** Name of a volume. Where a kind of names has none for it, its UUID. */
export async function nameOf(
  g: Guestfs,
  volume: Volume,
  { naming, driver = 'vd', crypttab }: Names,
): Promise<string> {
  const { block, label, path, uuid } = volume;
  const [, letter = 'a', number = ''] = /^\/dev\/sd([a-z])(\d+)$/.exec(block) ?? [];
  const isPartition = number !== '';
  const entry = async (tag: string) => (await g.blkid(block)).get(`PART_ENTRY_${tag}`) ?? '';
  const opened = path === null ? undefined : crypttab?.[path];
  const mapped = block.startsWith('/dev/mapper/')
    ? (opened ?? `luks-${await uuidBelow(g, block)}`)
    : mapperName(block);
  switch (naming) {
    case 'device':
      if (isPartition)
        return driver === 'nvme'
          ? `/dev/nvme${letter.charCodeAt(0) - 97}n1p${number}`
          : `/dev/${driver}${letter}${number}`;
      return isArray(block) ? `/dev/md/${await arrayName(g, block)}` : `/dev/mapper/${mapped}`;
    case 'label':
      return label === null ? `UUID=${uuid}` : `LABEL=${label.replaceAll(' ', '\\040')}`;
    case 'by-uuid':
      return `/dev/disk/by-uuid/${uuid}`;
    case 'partuuid':
      return isPartition ? `PARTUUID=${await entry('UUID')}` : `UUID=${uuid}`;
    case 'partlabel':
      return isPartition ? `PARTLABEL=${(await entry('NAME')).replace(/\\x20| /g, '\\040')}` : `UUID=${uuid}`;
    case 'by-id':
      if (isPartition)
        return `/dev/disk/by-id/ata-QEMU_HARDDISK_QM0000${letter.charCodeAt(0) - 96}-part${number}`;
      if (isArray(block)) return `/dev/disk/by-id/md-uuid-${(await g.mdDetail(block)).get('uuid')}`;
      return path === '/'
        ? `/dev/disk/by-id/dm-name-${mapped}`
        : `/dev/disk/by-id/dm-uuid-LVM-${await volumeIds(g, block)}`;
    case 'by-path':
      return isPartition
        ? `/dev/disk/by-path/pci-0000:00:1f.2-ata-${letter.charCodeAt(0) - 96}.0-part${number}`
        : `UUID=${uuid}`;
    default:
      return `UUID=${uuid}`;
  }
}

export const isArray = (device: string) => device.startsWith('/dev/md');

async function arrayName(g: Guestfs, device: string): Promise<string> {
  const detail = await g.mdDetail(device);
  return (detail.get('name') ?? detail.get('devname') ?? '').replace(/^.*:/, '');
}

/** What LVM calls a volume in /dev/mapper. */
function mapperName(volume: string): string {
  return volume
    .replace('/dev/', '')
    .split('/')
    .map((part) => part.replaceAll('-', '--'))
    .join('-');
}

/** UUID of the encrypted volume that was opened so. */
export async function uuidBelow(g: Guestfs, mapping: string): Promise<string> {
  for (const device of [...(await g.listPartitions()), ...(await g.lvs())]) {
    if (`/dev/mapper/crypt${device.replace('/dev/', '').replace(/\W/g, '_')}` === mapping)
      return await g.vfsUuid(device);
  }
  throw new Error(`nothing was opened as ${mapping}`);
}

async function volumeIds(g: Guestfs, volume: string): Promise<string> {
  const [, , group = ''] = volume.split('/');
  return `${await g.vguuid(group)}${await g.lvuuid(volume)}`.replaceAll('-', '');
}
