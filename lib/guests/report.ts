import type { ImageReport } from '../host/image-types';
import type { Inspectable } from './images';

/**
 * Result of `inspect()`: what is in the images of one guest. Plain data: it survives JSON, numbers are exact (beyond
 * 2^53 those of whole sectors). Sizes and offsets are bytes; `null` stands for what is not there or not known.
 *
 * Most texts come from the guest. Make them printable before they reach a terminal, and never run or open what they
 * name.
 */
export interface InspectionReport {
  /** Images, in the order in which they were given. */
  images: ImageReport[];
  /** Partitions, disk by disk. */
  partitions: PartitionReport[];
  /**
   * Filesystems and swap spaces, on disks, partitions, RAID and logical volumes. Partitions in which nothing is
   * recognised are listed with the type `'unknown'`; containers (encrypted volumes, members of RAID and LVM) are not.
   * Subvolumes of btrfs come last, and share the sizes of the filesystem in which they are.
   */
  filesystems: FilesystemReport[];
  /** Encrypted volumes, opened or not. The contents of opened ones are in the rest of the report. */
  encrypted: EncryptedReport[];
  /** Installed operating systems, and live systems that libguestfs recognises; empty for a disk with data only. */
  operatingSystems: OperatingSystemReport[];
  /** Problems: what could not be found out, and why. The rest of the report does not suffer from them. */
  problems: InspectionProblem[];
  /** All volumes, and what each lies on; only with the option `volumes`. */
  volumes?: VolumeReport[];
  /** Where the space of the operating systems, and of filesystems that belong to none, goes; only with the option `usage`. */
  usage?: UsageReport[];
  /** Times that the inspection took; only with the option `times`. */
  times?: InspectionTimes;
}

/** A volume: a disk, what lies on it, what lies on that, and so on. */
export interface VolumeReport {
  /** Name of the volume: `'/dev/sda1'`, `'/dev/vg0/root'`; of a volume group `'vg0'`. */
  name: string;
  /** Kind of the volume. What a partition contains is a volume of the same name. */
  kind: 'filesystem' | 'encrypted' | 'lv' | 'vg' | 'pv' | 'partition' | 'device';
  /** Type: `'ext4'`, `'crypto_LUKS'`; of a partition what its table says, of a disk its partition table. */
  type: string | null;
  /** Label; null when there is none. */
  label: string | null;
  /** Size, bytes; null where it cannot be known. */
  size: number | null;
  /** Names of what it lies on. */
  parents: string[];
  /** UUID; null when there is none. */
  uuid: string | null;
}

/** Space that a tree of files takes. */
export interface UsageReport {
  /** Root of the operating system, or the filesystem. */
  device: string;
  /** The tree, folded to its largest folders. */
  tree: UsageNode;
}

/** A folder, and the space that it takes. */
export interface UsageNode {
  /** Name of the folder; of the outermost `'/'`. */
  name: string;
  /** Allocated space, bytes, with all that lies in the folder; a file with several names counts once. */
  bytes: number;
  /** Number of files and other entries that are no folders, with all that lies in the folder. */
  files: number;
  /** Folders in it that are large enough to be told apart, the largest first. */
  children: UsageNode[];
}

/** Times of an inspection, milliseconds. */
export interface InspectionTimes {
  /** Time until the appliance was up, the check of the images included. */
  launch: number;
  /** Time of the whole. */
  total: number;
}

/** A partition of a disk. */
export interface PartitionReport {
  /** Device of the partition: `'/dev/sda1'`. */
  device: string;
  /** Number of the partition, from 1; that of a logical MBR partition, from 5. */
  number: number;
  /** Offset of the first byte on the disk, bytes. */
  start: number;
  /** Offset of the last byte on the disk, bytes. */
  end: number;
  /** Size of the partition, bytes. */
  size: number;
  /** Type of the partition table: `'mbr'`, `'gpt'`, … */
  type: string;
  /** MBR type byte: 0x83 for Linux, 0x07 for NTFS, …; null without an MBR. */
  mbrId: number | null;
  /** GPT type, upper case: `'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'` for an EFI system partition; null without a GPT. */
  gptType: string | null;
  /** Boot flag. MBR: active; GPT: bootable by a legacy BIOS, or an EFI system partition. */
  bootable: boolean;
  /** Name of the partition itself (GPT), not the label of its filesystem; null when there is none. */
  label: string | null;
  /** Type of the content: `'ext4'`, `'LVM2_member'`, `'crypto_LUKS'`, …; null when nothing is recognised. */
  content: string | null;
}

/** A filesystem, swap space, or a partition in which nothing was recognised. */
export interface FilesystemReport {
  /** Device or subvolume to mount: `'/dev/sda1'`, `'/dev/vg0/root'`, `'btrfsvol:/dev/sda2/@home'`. */
  device: string;
  /** Type in the words of blkid(8): `'ext4'`, `'ntfs'`, `'swap'`, …, or `'unknown'`. */
  type: string;
  /** Label; null when there is none. */
  label: string | null;
  /** UUID in the filesystem's own notation (NTFS and FAT have short ones); null when there is none. */
  uuid: string | null;
  /** Size by statvfs(2), bytes, without the filesystem's own tables: `used + free`. Null when it cannot be mounted. */
  size: number | null;
  /** Space in use, bytes; null when the filesystem cannot be mounted. */
  used: number | null;
  /** Free space, bytes, including what is reserved for root; null when the filesystem cannot be mounted. */
  free: number | null;
  /** Descriptor of a filesystem of type `'iso9660'`; null for other types. */
  iso: IsoReport | null;
}

/** Primary volume descriptor of a CD or DVD image; null stands for an empty field. */
export interface IsoReport {
  /** Label of the volume: `'Debian 12.5.0 amd64 n'`. */
  volumeId: string | null;
  /** System that can use the image: `'LINUX'`. */
  systemId: string | null;
  /** Publisher of the image. */
  publisherId: string | null;
  /** Person or program that prepared the data. */
  dataPreparerId: string | null;
  /** Program that made the image. */
  applicationId: string | null;
  /** Time of creation, ISO 8601, UTC. */
  created: string | null;
  /** Time of the last change, ISO 8601, UTC. */
  modified: string | null;
}

/** An encrypted volume. */
export interface EncryptedReport {
  /** Device of the volume: `'/dev/sda2'`. */
  device: string;
  /** Type of the encryption: `'crypto_LUKS'` or `'BitLocker'`. */
  type: string;
  /** UUID of the volume itself, not of its content. */
  uuid: string | null;
  /** True when one of the keys has opened the volume. */
  opened: boolean;
  /** Device of the opened volume in the rest of the report: `'/dev/mapper/cryptsda2'`; null while closed. */
  mapping: string | null;
}

/** An installed operating system, or a live one. */
export interface OperatingSystemReport {
  /** Root filesystem, by which libguestfs names the system. */
  root: string;
  /** Kind of system: `'linux'`, `'windows'`, `'freebsd'`, … */
  type: string | null;
  /**
   * Distribution in libguestfs's words: `'debian'`, `'fedora'`, `'windows'`, …; where it does not know it, in the system's
   * own, the `ID` of its os-release(5): `'amzn'`, `'raspbian'`.
   */
  distro: string | null;
  /** Version in libguestfs's numbers: 12.5 is major 12, minor 5; minor is 0 where versions are one number. */
  version: {
    /** First number of the version. */
    major: number;
    /** Second number of the version. */
    minor: number;
  } | null;
  /**
   * Version as the system itself writes it: `'22.04'`, `'12.5'`, `'10.0.22631'`; null where it has none, as rolling
   * distributions, and where its root cannot be mounted.
   */
  versionText: string | null;
  /**
   * Name for people, in the system's own words: `'Fedora Linux 40 (Server Edition)'`. Windows 11 is called so, though
   * its registry says 10.
   */
  productName: string | null;
  /** Variables of the system's os-release(5), such as `ID` and `VERSION_CODENAME`; null where there is none. */
  osRelease: Record<string, string> | null;
  /** Variant of the product, of Windows: `'Server'`, `'Client'`, … */
  productVariant: string | null;
  /** Architecture of the system: `'x86_64'`, `'aarch64'`, … */
  arch: string | null;
  /** Host name from the configuration files. */
  hostname: string | null;
  /** Id of the system in the libosinfo database: `'debian12'`. */
  osinfo: string | null;
  /** Format of packages: `'deb'`, `'rpm'`, … */
  packageFormat: string | null;
  /** Tool that installs packages: `'apt'`, `'dnf'`, … */
  packageManager: string | null;
  /** Build of Windows or of a rolling distribution; null also where libguestfs is older than 1.50. */
  buildId: string | null;
  /**
   * Filesystems that the system mounts, in the order in which they can be mounted: the `root` at `/`, and what its own
   * `/etc/fstab` names of the other devices of this report.
   */
  mountpoints: {
    /** Mount point: `'/boot'`. */
    path: string;
    /** Filesystem: `'/dev/sda1'`. */
    device: string;
  }[];
  /** Filesystems that belong to the system, swap included. */
  filesystems: string[];
  /** Drive letters of Windows; empty for other systems. */
  driveMappings: {
    /** Drive letter: `'C'`. */
    drive: string;
    /** Filesystem of the drive: `'/dev/sda2'`. */
    device: string;
  }[];
  /**
   * Installed packages; null with `applications: false`, and where they cannot be listed, which a problem tells unless
   * the distribution has none.
   */
  applications: ApplicationReport[] | null;
  /**
   * What has listed the packages: `'database'` when the database of the system's package manager was read itself, of Windows
   * its registry, which tells more of each; `'libguestfs'` where that is not understood; null where there is no list.
   */
  applicationsSource: 'database' | 'libguestfs' | null;
  /** Icon of the system, a PNG image in base64; null without `icon: true`, and where there is none. */
  icon: string | null;
  /** Particulars of Windows; null for other systems. */
  windows: WindowsReport | null;
}

/** An installed package or program; null stands for what the system does not tell. */
export interface ApplicationReport {
  /** Name of the package. */
  name: string;
  /** Name for people, where that is another one. */
  displayName: string | null;
  /** Epoch of the version; 0 where there is none. */
  epoch: number;
  /** Version without epoch and release. */
  version: string | null;
  /** Release, the packager's number behind the version: `'3+deb12u1'`. */
  release: string | null;
  /** Architecture in the words of the package manager: `'amd64'`. */
  arch: string | null;
  /** Folder of a program of Windows, in the notation of Windows. */
  installPath: string | null;
  /** Maker or vendor of the program. */
  publisher: string | null;
  /** Site of the project. */
  url: string | null;
  /** Source package. */
  source: string | null;
  /** Version of the source package, whole: `'2.36-9'`. */
  sourceVersion: string | null;
  /** Licence in the words of the package. */
  license: string | null;
  /** Bytes that it takes once it is installed. */
  installedSize: number | null;
  /** Time of its installation, ISO 8601; with dpkg, the time at which the list of its files was written; of Windows, the day. */
  installTime: string | null;
  /** Distribution or repository that it comes from. */
  origin: string | null;
  /** Label of the module of RPM that it belongs to: `'nodejs:18:8090020231206:a75119d5'`. */
  module: string | null;
  /** Description of one line. */
  summary: string | null;
  /** Description of several lines. */
  description: string | null;
}

/** Particulars of a Windows system; null stands for what is not known. */
export interface WindowsReport {
  /** Folder in which Windows is installed: `'/Windows'`. */
  systemroot: string | null;
  /** Control set in use: `'ControlSet001'`. */
  currentControlSet: string | null;
  /** Path of the SOFTWARE hive inside the guest. */
  softwareHive: string | null;
  /** Path of the SYSTEM hive inside the guest. */
  systemHive: string | null;
  /** Build by the registry: `'22631'`. */
  currentBuild: string | null;
  /** Release by the registry, as Windows displays it: `'23H2'`. */
  displayVersion: string | null;
}

/** A problem: something that could not be found out, and why. */
export interface InspectionProblem {
  /**
   * Code, as that of a GuestfsError: `'EIO'`, `'ERR_GUESTFS'`, `'ERR_GUESTFS_ODD_SIZE'`; or
   * `'ERR_GUESTFS_NOT_RECOGNISED'`, `'ERR_GUESTFS_MEMBERS_MISSING'`, `'ERR_GUESTFS_COPIES'`,
   * `'ERR_GUESTFS_NO_PACKAGE_LIST'`;
   * `'ERR_GUESTFS_FSTAB'` for a line of the system's table of mounts that is left out; `'ERR_GUESTFS_HIBERNATED'`,
   * `'ERR_GUESTFS_UNCLEAN'` for filesystems that their system has not left; `'ERR_GUESTFS_UNMOUNTABLE'` for those that the
   * kernel refuses, with its reason.
   */
  code: string;
  /** Name of the method that failed: `'mountRo'`. */
  operation: string;
  /** Disk, partition, volume or root concerned; null for the guest as a whole. */
  device: string | null;
  /** Explanation, in the words of libguestfs or the appliance. */
  message: string;
}

/** An image that {@link inspectAll} has inspected. */
export interface InspectedImage<T extends Inspectable = Inspectable> {
  /** Image, as it was given. */
  readonly image: T;
  /** Place of the image among the images, from 0. */
  readonly index: number;
  /** Report of what is in the image. */
  readonly report: InspectionReport;
  /** Undefined, which tells the result from a {@link FailedImage}. */
  readonly error?: undefined;
}

/** An image that {@link inspectAll} could not inspect. */
export interface FailedImage<T extends Inspectable = Inspectable> {
  /** Image, as it was given. */
  readonly image: T;
  /** Place of the image among the images, from 0. */
  readonly index: number;
  /** Undefined, which tells the result from an {@link InspectedImage}. */
  readonly report?: undefined;
  /** Error with which {@link inspect} rejected. */
  readonly error: Error;
}

/** Result for one image of {@link inspectAll}: a `report`, or an `error`. */
export type InspectionResult<T extends Inspectable = Inspectable> = InspectedImage<T> | FailedImage<T>;
