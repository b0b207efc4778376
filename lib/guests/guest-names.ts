// By what names guests know their devices, and which of the report's devices those are.
import { bytesOf, nameOf } from '../text/bytes';
import { isPartOf } from './blkid';
import { type FstabLine, plainArrayUuid } from './fstab';
import type { EncryptedReport, FilesystemReport, PartitionReport } from './report';

/** Devices of the report, with what names them. */
export interface KnownDevices {
  readonly disks: readonly string[];
  readonly partitions: readonly Pick<PartitionReport, 'device' | 'number' | 'label'>[];
  /** UUIDs of partitions, in the words of blkid, by their devices. */
  readonly partitionUuids: ReadonlyMap<string, string>;
  readonly filesystems: readonly Pick<FilesystemReport, 'device' | 'type' | 'uuid' | 'label'>[];
  readonly encrypted: readonly Pick<EncryptedReport, 'device' | 'uuid' | 'mapping'>[];
  /** Logical volumes, `/dev/VG/LV`. */
  readonly logicalVolumes: readonly string[];
}

/** What the guest, or the appliance, tells beyond, and is only asked for where it matters. */
export interface MoreNames {
  /** Sources of opened volumes by their names, as crypttab has them. */
  readonly crypttab: ReadonlyMap<string, string>;
  /** UUIDs of RAID devices by the guest's names. */
  readonly mdadm: ReadonlyMap<string, string>;
  /** RAID devices of the appliance, with UUIDs and the names that stand in their superblocks. */
  readonly arrays: readonly { readonly device: string; readonly uuid: string; readonly name: string }[];
  /** Logical volumes by the UUIDs of their group and their own, without dashes, one behind the other. */
  readonly volumeIds: ReadonlyMap<string, string>;
}

export const noMoreNames: MoreNames = {
  crypttab: new Map(),
  mdadm: new Map(),
  arrays: [],
  volumeIds: new Map(),
};

/** What a name stands for: a device of the report, or an encrypted volume that is closed; nothing that is here else. */
export interface Named {
  readonly device?: string;
  readonly closed?: string;
}

/** Kinds of filesystems that one driver mounts, or that people call by several names. */
const families = [
  ['ext2', 'ext3', 'ext4'],
  ['vfat', 'msdos', 'fat'],
  ['ntfs', 'ntfs3', 'ntfs-3g'],
  ['iso9660', 'udf'],
  ['swap', 'swsuspend'],
  ['ufs', 'ufs2'],
];

/** The names of one guest's system. */
export class GuestNames {
  readonly #known: KnownDevices;
  readonly #more: MoreNames;
  /** Block device of the root filesystem. */
  readonly #root: string;
  /** Disks by the names that udev makes of their hardware, as far as they are known. */
  readonly #hardware = new Map<string, string>();

  /**
   * @param root block device of the root filesystem
   * @param rootLine what fstab says of it
   */
  constructor(known: KnownDevices, more: MoreNames, root: string, rootLine?: FstabLine) {
    this.#known = known;
    this.#more = more;
    this.#root = root;
    const [prefix] = rootLine ? hardwareName(rootLine.spec) : [];
    const disk = this.#diskOf(root);
    if (prefix !== undefined && disk !== undefined) this.#hardware.set(prefix, disk);
  }

  /** The device on which the filesystem, or the swap space, of a line is. */
  find(line: FstabLine): Named {
    const [exact, guessed] = [this.#exact(line.spec), this.#guessed(line.spec)];
    const filesystems = this.#filesystemsOn(exact).concat(
      // What hardware a guest had is not known: its names are taken only for what fits the line.
      this.#filesystemsOn(guessed).filter(
        ({ device, type }) => fits(line.type, type) && device !== this.#root,
      ),
    );
    const device = this.#nearest(filesystems.map(({ device }) => device));
    if (device !== undefined) {
      const [prefix] = hardwareName(line.spec);
      const disk = this.#diskOf(device);
      if (prefix !== undefined && disk !== undefined) this.#hardware.set(prefix, disk);
      return { device };
    }
    const closed = this.#known.encrypted.find(
      (volume) => volume.mapping === null && exact.includes(volume.device),
    );
    return closed ? { closed: closed.device } : {};
  }

  #filesystemsOn(devices: readonly string[]): KnownDevices['filesystems'] {
    return this.#known.filesystems.filter(({ device }) => devices.includes(device));
  }

  /** Devices to which a name belongs wherever they are: of opened volumes what is in them, of closed ones themselves. */
  #exact(spec: string, depth = 0): readonly string[] {
    const [, tag, value] = /^(UUID|LABEL|PARTUUID|PARTLABEL)=(.*)$/s.exec(spec) ?? [];
    if (tag !== undefined && value !== undefined) return this.#tagged(tag, unquoted(value));
    const [, folder, name] = /^\/dev\/disk\/by-(uuid|label|partuuid|partlabel|id)\/(.+)$/s.exec(spec) ?? [];
    if (folder === 'id') return this.#identified(name ?? '');
    if (folder !== undefined) return this.#tagged(folder.toUpperCase(), decoded(name ?? ''));
    const mapped = /^\/dev\/mapper\/(.+)$/s.exec(spec)?.[1];
    if (mapped !== undefined) return this.#mapped(mapped, depth);
    if (/^\/dev\/md/.test(spec)) return this.#array(spec);
    return this.#known.logicalVolumes.includes(spec) ? [spec] : [];
  }

  #tagged(tag: string, value: string): readonly string[] {
    const { filesystems, encrypted, partitions, partitionUuids } = this.#known;
    switch (tag) {
      case 'UUID':
        return [...filesystems, ...encrypted].filter(hasUuid(value)).map(({ device }) => device);
      case 'LABEL':
        return filesystems.filter(({ label }) => label === value).map(({ device }) => device);
      case 'PARTLABEL':
        return partitions.filter(({ label }) => label === value).map(({ device }) => device);
      default:
        return [...partitionUuids].filter(([, uuid]) => isSame(uuid, value)).map(([device]) => device);
    }
  }

  /** What udev calls a device of device-mapper or of RAID by its own id. */
  #identified(id: string): readonly string[] {
    const [, kind, value = ''] =
      /^(dm-name|dm-uuid-LVM|dm-uuid-CRYPT-\w+|md-uuid|md-name)-(.+)$/s.exec(id) ?? [];
    switch (kind) {
      case undefined:
        return [];
      case 'dm-name':
        return this.#mapped(decoded(value), 0);
      case 'dm-uuid-LVM':
        return [this.#more.volumeIds.get(value)].filter((each) => each !== undefined);
      case 'md-uuid':
        return this.#arrays(({ uuid }) => uuid === plainArrayUuid(value));
      case 'md-name':
        return this.#arrays(({ name }) => name === value);
      default: {
        const uuid = /^[0-9a-f]{32}(?=-)/i.exec(value)?.[0];
        return uuid === undefined ? [] : this.#opened((volume) => isSame(plain(volume.uuid), uuid));
      }
    }
  }

  #mapped(name: string, depth: number): readonly string[] {
    const volume = this.#known.logicalVolumes.find((each) => mapperName(each) === name);
    if (volume !== undefined) return [volume];
    const own = this.#opened(({ mapping }) => mapping === `/dev/mapper/${name}`);
    if (own.length > 0) return own;
    // Volumes may lie in volumes, and what a guest says may go round in circles.
    const source = depth > 3 ? undefined : this.#more.crypttab.get(name);
    const sources = source === undefined ? [] : [...this.#exact(source, depth + 1), ...this.#guessed(source)];
    const listed = this.#opened(({ device }) => sources.includes(device));
    if (listed.length > 0) return listed;
    // Installers name volumes so, and a volume that the initial ramdisk opens may stand in no crypttab.
    const uuid = /^luks-(.+)$/.exec(name)?.[1];
    return uuid === undefined ? [] : this.#opened((each) => isSame(each.uuid, uuid));
  }

  /** Devices as which encrypted volumes were opened, or the volumes themselves while they are closed. */
  #opened(isMeant: (volume: KnownDevices['encrypted'][number]) => boolean): readonly string[] {
    return this.#known.encrypted.filter(isMeant).map(({ device, mapping }) => mapping ?? device);
  }

  #array(spec: string): readonly string[] {
    const [, path = '', part = ''] = /^(\/dev\/md(?:\/.*?\D|\/?\d+|_.*?))(?:p(\d+))?$/s.exec(spec) ?? [];
    const named = this.#arrayNamed(path);
    return part === '' ? [...named, ...this.#arrayNamed(spec)] : named.map((device) => `${device}p${part}`);
  }

  #arrayNamed(path: string): readonly string[] {
    const short = shortArrayName(path);
    const uuid = [...this.#more.mdadm].find(([name]) => shortArrayName(name) === short)?.[1];
    if (uuid !== undefined) return this.#arrays((each) => each.uuid === uuid);
    const named = this.#arrays(({ name }) => name === short || name.endsWith(`:${short}`));
    return named.length > 0 ? named : this.#arrays(({ device }) => device === path);
  }

  #arrays(isMeant: (array: MoreNames['arrays'][number]) => boolean): readonly string[] {
    return this.#more.arrays.filter(isMeant).map(({ device }) => device);
  }

  /** Devices that a name of hardware may stand for: disks are taken to be in the order in which the guest had them. */
  #guessed(spec: string): readonly string[] {
    const [disk, part] = diskNumber(spec);
    if (disk !== undefined) return this.#part(this.#known.disks[disk], part);
    const [prefix, number] = hardwareName(spec);
    if (prefix === undefined) return [];
    const known = this.#hardware.get(prefix);
    const disks = known === undefined ? this.#disksWithoutName(prefix) : [known];
    const devices = disks.flatMap((each) => this.#part(each, number));
    // Several would be a guess too many.
    return devices.length > 1 ? [] : devices;
  }

  /** Disks that may have this name of hardware: those of which no other name of its kind is known. */
  #disksWithoutName(prefix: string): readonly string[] {
    const named = [...this.#hardware].filter(([other]) => isOfOtherHardware(prefix, other));
    return this.#known.disks.filter((disk) => !named.some(([, each]) => each === disk));
  }

  #part(disk: string | undefined, number: number | undefined): readonly string[] {
    if (disk === undefined) return [];
    if (number === undefined) return [disk];
    return this.#known.partitions
      .filter((each) => each.number === number && isPartOf(each.device, disk))
      .map(({ device }) => device);
  }

  /** Of several, as of copies of a disk, that which is nearest to the root. */
  #nearest(devices: readonly string[]): string | undefined {
    const home = this.#homeOf(this.#root);
    return devices.find((device) => this.#homeOf(device) === home) ?? devices[0];
  }

  /** Disk or volume group on which something is. */
  #homeOf(device: string): string {
    const volume = this.#known.encrypted.find(({ mapping }) => mapping === device);
    if (volume) return this.#homeOf(volume.device);
    return this.#diskOf(device) ?? (this.#known.logicalVolumes.includes(device) ? groupIn(device) : device);
  }

  #diskOf(device: string): string | undefined {
    return this.#known.disks.find((disk) => disk === device || isPartOf(device, disk));
  }
}

/** What `/dev/md0`, `/dev/md/0` and `/dev/md_0` have in common. */
const shortArrayName = (path: string) => path.replace(/^\/dev\/md[/_]?/, '');

/** Whether a line of fstab may mean a filesystem of this type. */
function fits(asked: string, type: string): boolean {
  if (asked === 'auto' || asked === type || type === 'unknown') return true;
  return asked
    .split(',')
    .some(
      (each) => each === type || families.some((family) => family.includes(each) && family.includes(type)),
    );
}

const groupIn = (volume: string) => volume.slice(0, volume.lastIndexOf('/'));

/** Name of a logical volume in /dev/mapper, where a dash divides and dashes of names are doubled. */
export function mapperName(volume: string): string {
  const [group = '', name = ''] = volume.replace(/^\/dev\//, '').split('/');
  return [group, name].map((each) => each.replaceAll('-', '--')).join('-');
}

/** Place of a disk among the guest's disks, from 0, and number of the partition, in a name of Linux's drivers. */
function diskNumber(spec: string): [disk?: number, part?: number | undefined] {
  const [, letters, part] = /^\/dev\/(?:sd|hd|vd|xvd|ubd)([a-z]{1,3})(\d*)$/.exec(spec) ?? [];
  if (letters !== undefined) return [letterNumber(letters), numberIn(part)];
  const [, disk, number] =
    /^\/dev\/(?:nvme(?=\d+n1(?:p|$))|mmcblk|cciss\/c0d)(\d+)(?:n1)?(?:p(\d+))?$/.exec(spec) ?? [];
  return disk === undefined ? [] : [Number(disk), numberIn(number)];
}

/** 0 for a, 25 for z, 26 for aa. */
function letterNumber(letters: string): number {
  return [...letters].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 96, 0) - 1;
}

/** What udev calls a disk by its hardware or its place, and the number of the partition. */
function hardwareName(spec: string): [prefix?: string, part?: number | undefined] {
  const name = /^\/dev\/disk\/(by-(?:id|path)\/.+)$/s.exec(spec)?.[1];
  if (name === undefined || /^by-id\/(?:dm|md|lvm)-/.test(name)) return [];
  const [, prefix, part] = /^(.+?)(?:-part(\d+))?$/s.exec(name) ?? [];
  return prefix === undefined ? [] : [prefix, numberIn(part)];
}

/** Whether two names are of different disks: one disk has names of several kinds, and short and long ones of one kind. */
function isOfOtherHardware(a: string, b: string): boolean {
  const kind = (name: string) =>
    /^by-(?:path|id)\/(?:scsi-.|nvme-(?:eui|uuid|nvme)\.|[^-]*-)/.exec(name)?.[0];
  return kind(a) !== undefined && kind(a) === kind(b) && !a.startsWith(b) && !b.startsWith(a);
}

const numberIn = (digits: string | undefined) => (digits ? Number(digits) : undefined);

const isSame = (a: string | null, b: string) => a !== null && a.toLowerCase() === b.toLowerCase();

const hasUuid =
  (value: string) =>
  ({ uuid }: { readonly uuid: string | null }) =>
    isSame(uuid, value);

const plain = (uuid: string | null) => uuid?.replaceAll('-', '') ?? null;

function unquoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? /^'(.*)'$/s.exec(text)?.[1] ?? text;
}

/** Name of a link of udev, in which `\x20` is a blank: byte by byte, for a character may be several. */
function decoded(name: string): string {
  if (!name.includes('\\x')) return name;
  const bytes = bytesOf(name)
    .toString('latin1')
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return nameOf(Buffer.from(bytes, 'latin1'));
}
