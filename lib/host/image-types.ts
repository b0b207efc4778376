/** A disk image: its path, or its path and format. */
export type ImageSource = string | ImageFile;

/** A disk image and its format. */
export interface ImageFile {
  /** On the host. */
  readonly path: string;
  /**
   * `'raw'`, `'qcow2'`, …; default: detected. Always give it for raw images that a guest could write to: a guest may
   * put the header of another format into its disk and so make the detection open any file of the host.
   */
  readonly format?: string | undefined;
}

/** A disk image. */
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

/** A file on which an image is built. */
export interface BackingFile {
  /** Absolute path, or what qemu uses instead of one, as `'nbd://…'`. */
  path: string;
  /** Null for a network resource without a declared format: nothing is asked of it. */
  format: string | null;
}
