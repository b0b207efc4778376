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

export interface ImageReport {
  /** As it was given. */
  path: string;
  /** The disk's name in the rest of the report: `'/dev/sda'`. */
  device: string;
  /** `'raw'`, `'qcow2'`, `'vmdk'`, … as given, else as detected. */
  format: string;
  /** Size of the disk that the guest sees, in bytes. */
  virtualSize: number;
  /** Bytes that the file takes on the host, without its backing files. */
  actualSize: number;
  /** The files that hold what the image itself does not: its backing file, that file's backing file, … */
  backingChain: BackingFile[];
  /** `'mbr'`, `'gpt'`, or another type as blkid(8) names it; null where there is no partition table. */
  partitionTable: string | null;
}

export interface BackingFile {
  /** Absolute path, or what qemu uses instead of one, as `'nbd://…'`. */
  path: string;
  /** Null for a network resource without a declared format: nothing is asked of it. */
  format: string | null;
}

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

export interface FilesystemReport {
  /** What to mount: `'/dev/sda1'`, `'/dev/vg0/root'`. */
  device: string;
  /** `'ext4'`, `'ntfs'`, `'swap'`, … as blkid(8) names it, or `'unknown'`. */
  type: string;
  label: string | null;
  uuid: string | null;
  /** Bytes, by statvfs(2): without the filesystem's own tables. `size` is `used + free`. Null: cannot be mounted. */
  size: number | null;
  used: number | null;
  /** Free bytes, those that are reserved for root included. */
  free: number | null;
  /** Null unless the filesystem is of type `'iso9660'`. */
  iso: IsoReport | null;
}

/** From the primary volume descriptor of a CD or DVD image. */
export interface IsoReport {
  volumeId: string | null;
  systemId: string | null;
  publisherId: string | null;
  dataPreparerId: string | null;
  applicationId: string | null;
  /** ISO 8601, UTC. */
  created: string | null;
  modified: string | null;
}

export interface EncryptedReport {
  /** `'/dev/sda2'` */
  device: string;
  /** `'crypto_LUKS'`, `'BitLocker'` */
  type: string;
  uuid: string | null;
  /** Whether one of the keys fitted. */
  opened: boolean;
  /** Name of the opened volume in the rest of the report: `'/dev/mapper/cryptsda2'`. */
  mapping: string | null;
}

export interface OperatingSystemReport {
  /** The root filesystem, by which libguestfs names the system. */
  root: string;
  /** `'linux'`, `'windows'`, `'freebsd'`, … */
  type: string | null;
  /** `'debian'`, `'fedora'`, `'windows'`, … */
  distro: string | null;
  version: { major: number; minor: number } | null;
  /** For people: `'Fedora Linux 40 (Server Edition)'`. */
  productName: string | null;
  /** `'Server'`, `'Client'`, … */
  productVariant: string | null;
  /** `'x86_64'`, `'aarch64'`, … */
  arch: string | null;
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
  mountpoints: { path: string; device: string }[];
  /** Every filesystem that belongs to the system, swap included. */
  filesystems: string[];
  /** Drive letters of Windows. */
  driveMappings: { drive: string; device: string }[];
  /** Installed packages; null when they were not asked for or cannot be listed. */
  applications: ApplicationReport[] | null;
  /** A PNG image in base64; null when it was not asked for or there is none. */
  icon: string | null;
  windows: WindowsReport | null;
}

export interface ApplicationReport {
  name: string;
  displayName: string | null;
  /** Of the version; 0 where there is none. */
  epoch: number;
  version: string | null;
  release: string | null;
  arch: string | null;
  installPath: string | null;
  publisher: string | null;
  url: string | null;
  /** The source package. */
  source: string | null;
  summary: string | null;
  description: string | null;
}

export interface WindowsReport {
  /** `'/Windows'` */
  systemroot: string | null;
  /** `'ControlSet001'` */
  currentControlSet: string | null;
  /** Path of the hive inside the guest. */
  softwareHive: string | null;
  systemHive: string | null;
}

export interface InspectionProblem {
  /** As a GuestfsError's: `'EIO'`, `'ERR_GUESTFS'`; or `'ERR_GUESTFS_NOT_RECOGNISED'`, `'ERR_GUESTFS_ODD_SIZE'`. */
  code: string;
  /** The method that failed: `'mountRo'`. */
  operation: string;
  /** The disk, partition, volume or root that it concerns. */
  device: string | null;
  message: string;
}
