/** A disk image: its path, or its path and format. */
export type ImageSource = string | ImageFile;

/** A disk image and its format. */
export interface ImageFile {
  /** Path of the image on the host. */
  readonly path: string;
  /**
   * Format: `'raw'`, `'qcow2'`, …; default: detected. Always give it for raw images that a guest could write to: a
   * guest may put the header of another format into its disk and so make the detection open any file of the host.
   */
  readonly format?: string | undefined;
  /**
   * Size of the disk's sectors, 512 or 4096 bytes; default: what its partition table (GPT) tells, else 512. Needs
   * libguestfs 1.42.
   */
  readonly blocksize?: number | undefined;
}

/** A disk image of the guest. */
export interface ImageReport {
  /** Path of the image, as it was given. */
  path: string;
  /** Name of the disk in the rest of the report: `'/dev/sda'`. */
  device: string;
  /** Format, as given or else as detected: `'raw'`, `'qcow2'`, `'vmdk'`, … */
  format: string;
  /** Size of the disk that the guest sees, bytes. */
  virtualSize: number;
  /** Size of the disk's sectors, 512 or 4096 bytes: as given, or as the partition table tells. */
  blocksize: number;
  /** Space that the file takes on the host, bytes, without its backing files. */
  actualSize: number;
  /** Backing files that hold what the image itself does not: its own, the backing file of that one, … */
  backingChain: BackingFile[];
  /** Type of the partition table: `'mbr'`, `'gpt'`, or another in the words of blkid(8); null where there is none. */
  partitionTable: string | null;
}

/** A backing file of an image. */
export interface BackingFile {
  /** Absolute path, or the URI or JSON that qemu takes in its place, such as `'nbd://…'`. */
  path: string;
  /** Format of the file, as the image declares it or else as detected; null where it is not known. */
  format: string | null;
}
