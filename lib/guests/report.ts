import type { ImageReport } from '../host/image-types';
import type { Inspectable } from './images';

/**
 * What `inspect()` found in the images of one guest. Plain data: it survives JSON, numbers are exact. Sizes and
 * offsets are bytes; `null` stands for what is not there or not known.
 *
 * Most texts come from the guest. Make them printable before they reach a terminal, and never run or open what they
 * name.
 */
export interface InspectionReport {
  /** The images in the order in which they were given. */
  images: ImageReport[];
  /** All partitions, disk by disk. */
  partitions: PartitionReport[];
  /**
   * What can hold files or swap, on disks, partitions, RAID and logical volumes. Partitions in which nothing is
   * recognised are listed with the type `'unknown'`; containers (encrypted volumes, members of RAID and LVM) are not.
   */
  filesystems: FilesystemReport[];
  /** Encrypted volumes, opened or not. What opened ones hold is reported like the rest. */
  encrypted: EncryptedReport[];
  /** Installed operating systems, and live systems that libguestfs recognises; empty for a disk with data only. */
  operatingSystems: OperatingSystemReport[];
  /** What could not be found out. None of it kept the rest from being reported. */
  problems: InspectionProblem[];
}

/** A partition of a disk. */
export interface PartitionReport {
  /** `'/dev/sda1'` */
  device: string;
  /** From 1; logical MBR partitions from 5. */
  number: number;
  /** First byte on the disk. */
  start: number;
  /** Last byte on the disk, inclusive. */
  end: number;
  /** Bytes. */
  size: number;
  /** Type of the partition table: `'mbr'`, `'gpt'`, … */
  type: string;
  /** The MBR type byte: 0x83 for Linux, 0x07 for NTFS, … */
  mbrId: number | null;
  /** The GPT type, upper case: `'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'` for an EFI system partition. */
  gptType: string | null;
  /** MBR: the active flag. GPT: legacy BIOS bootable, or an EFI system partition. */
  bootable: boolean;
  /** The partition's own name (GPT), not the label of its filesystem. */
  label: string | null;
  /** What its content looks like: `'ext4'`, `'LVM2_member'`, `'crypto_LUKS'`, … */
  content: string | null;
}

/** A filesystem, swap space, or a partition in which nothing was recognised. */
export interface FilesystemReport {
  /** What to mount: `'/dev/sda1'`, `'/dev/vg0/root'`. */
  device: string;
  /** `'ext4'`, `'ntfs'`, `'swap'`, … as blkid(8) names it, or `'unknown'`. */
  type: string;
  /** Null: it has none. */
  label: string | null;
  /** As the filesystem writes it: NTFS and FAT have short ones. Null: it has none. */
  uuid: string | null;
  /** Bytes, by statvfs(2): without the filesystem's own tables. `size` is `used + free`. Null: cannot be mounted. */
  size: number | null;
  /** Bytes in use. */
  used: number | null;
  /** Free bytes, those that are reserved for root included. */
  free: number | null;
  /** Null unless the filesystem is of type `'iso9660'`. */
  iso: IsoReport | null;
}

/** From the primary volume descriptor of a CD or DVD image. */
export interface IsoReport {
  /** The volume's label: `'Debian 12.5.0 amd64 n'`. */
  volumeId: string | null;
  /** The system that can use the image: `'LINUX'`. */
  systemId: string | null;
  /** Who published the image. */
  publisherId: string | null;
  /** Who prepared its data. */
  dataPreparerId: string | null;
  /** The program that made it. */
  applicationId: string | null;
  /** ISO 8601, UTC. */
  created: string | null;
  /** Likewise. */
  modified: string | null;
}

/** An encrypted volume. */
export interface EncryptedReport {
  /** `'/dev/sda2'` */
  device: string;
  /** `'crypto_LUKS'`, `'BitLocker'` */
  type: string;
  /** The volume's own, not that of what is in it. */
  uuid: string | null;
  /** Whether one of the keys fitted. */
  opened: boolean;
  /** Name of the opened volume in the rest of the report: `'/dev/mapper/cryptsda2'`. */
  mapping: string | null;
}

/** An installed operating system, or a live one. */
export interface OperatingSystemReport {
  /** The root filesystem, by which libguestfs names the system. */
  root: string;
  /** `'linux'`, `'windows'`, `'freebsd'`, … */
  type: string | null;
  /** `'debian'`, `'fedora'`, `'windows'`, … */
  distro: string | null;
  /** 12.5 is major 12, minor 5; minor is 0 where versions are one number. */
  version: {
    /** The first number. */
    major: number;
    /** The second number. */
    minor: number;
  } | null;
  /** For people: `'Fedora Linux 40 (Server Edition)'`. */
  productName: string | null;
  /** `'Server'`, `'Client'`, … */
  productVariant: string | null;
  /** `'x86_64'`, `'aarch64'`, … */
  arch: string | null;
  /** From the system's configuration files. */
  hostname: string | null;
  /** The system's id in the libosinfo database: `'debian12'`. */
  osinfo: string | null;
  /** `'deb'`, `'rpm'`, … */
  packageFormat: string | null;
  /** `'apt'`, `'dnf'`, … */
  packageManager: string | null;
  /** Build of Windows or of a rolling distribution; null also where libguestfs is older than 1.50. */
  buildId: string | null;
  /** Where the system mounts what, in the order in which it can be mounted. */
  mountpoints: {
    /** Where: `'/boot'`. */
    path: string;
    /** What: `'/dev/sda1'`. */
    device: string;
  }[];
  /** Every filesystem that belongs to the system, swap included. */
  filesystems: string[];
  /** Drive letters of Windows. */
  driveMappings: {
    /** The letter: `'C'`. */
    drive: string;
    /** The filesystem: `'/dev/sda2'`. */
    device: string;
  }[];
  /** Installed packages; null when they were not asked for or cannot be listed. */
  applications: ApplicationReport[] | null;
  /** A PNG image in base64; null when it was not asked for or there is none. */
  icon: string | null;
  /** Null for other systems. */
  windows: WindowsReport | null;
}

/** An installed package or program. What the system does not tell is null. */
export interface ApplicationReport {
  /** The package's name. */
  name: string;
  /** The name for people, where it is another one. */
  displayName: string | null;
  /** Of the version; 0 where there is none. */
  epoch: number;
  /** Without epoch and release. */
  version: string | null;
  /** The packager's number behind the version: `'3+deb12u1'`. */
  release: string | null;
  /** As the package manager names it: `'amd64'`. */
  arch: string | null;
  /** Folder of a Windows program. */
  installPath: string | null;
  /** Who makes or sells it. */
  publisher: string | null;
  /** The project's site. */
  url: string | null;
  /** The source package. */
  source: string | null;
  /** One line. */
  summary: string | null;
  /** Several lines. */
  description: string | null;
}

/** What only Windows has. */
export interface WindowsReport {
  /** `'/Windows'` */
  systemroot: string | null;
  /** `'ControlSet001'` */
  currentControlSet: string | null;
  /** Path of the hive inside the guest. */
  softwareHive: string | null;
  /** Likewise. */
  systemHive: string | null;
}

/** Something that could not be found out, and why. */
export interface InspectionProblem {
  /** As a GuestfsError's: `'EIO'`, `'ERR_GUESTFS'`; or `'ERR_GUESTFS_NOT_RECOGNISED'`, `'ERR_GUESTFS_ODD_SIZE'`. */
  code: string;
  /** The method that failed: `'mountRo'`. */
  operation: string;
  /** The disk, partition, volume or root that it concerns. */
  device: string | null;
  /** What went wrong, in the words of libguestfs or the appliance. */
  message: string;
}

/** An image that {@link inspectAll} has inspected. */
export interface InspectedImage<T extends Inspectable = Inspectable> {
  /** As it was given. */
  readonly image: T;
  /** Its place among the images, from 0. */
  readonly index: number;
  /** What is in it. */
  readonly report: InspectionReport;
  /** Undefined: there was none. */
  readonly error?: undefined;
}

/** An image that {@link inspectAll} could not inspect. */
export interface FailedImage<T extends Inspectable = Inspectable> {
  /** As it was given. */
  readonly image: T;
  /** Its place among the images, from 0. */
  readonly index: number;
  /** Undefined: there is none. */
  readonly report?: undefined;
  /** What {@link inspect} rejected with. */
  readonly error: Error;
}

/** What came of one image: a `report`, or an `error`. */
export type InspectionResult<T extends Inspectable = Inspectable> = InspectedImage<T> | FailedImage<T>;
