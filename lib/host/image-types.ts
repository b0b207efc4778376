/** A disk image: its path or URI, or that with its format and more. */
export type ImageSource = string | ImageFile;

/** A disk image and its format. */
export interface ImageFile {
  /**
   * Path of the image on the host; or a URI: `file:`, `nbd:`, `nbd+unix:`, `ssh:`, `http:`, `https:`, `ftp:`, `ftps:`,
   * `rbd:`, `iscsi:`, or qemu's own description, `json:{…}`; or `domain:NAME`, all disks of a guest of libvirt. A file
   * whose name looks like one is `./NAME`.
   */
  readonly path: string;
  /**
   * Format: `'raw'`, `'qcow2'`, …; default: detected. Always give it for raw images that a guest could write to: a
   * guest may put the header of another format into its disk and so make the detection open any file of the host.
   */
  readonly format?: string | undefined;
  /**
   * Size of the disk's sectors, 512 or 4096 bytes; default: what its partition table tells, else 512. Needs libguestfs
   * 1.42.
   */
  readonly blocksize?: number | undefined;
  /**
   * Password for the server that the URI names. It reaches qemu through a file that only this user can read, and is in
   * no message, report or command line.
   */
  readonly secret?: string | undefined;
  /**
   * Whether qemu may open what the header of the image names on other machines, or describes as JSON: a backing file,
   * a data file, an extent. Default false: whoever made the image would choose what this machine connects to, and opens.
   */
  readonly followUris?: boolean | undefined;
  /**
   * Folders in which the image must lie with every file that it names, as a backing file: links are followed first. For
   * images whose names, or content, come from others. Default: it may lie anywhere.
   */
  readonly within?: readonly string[] | undefined;
  /** URI of the libvirt that knows the guest of `domain:NAME`; default: libvirt's own, `LIBVIRT_DEFAULT_URI`. */
  readonly libvirturi?: string | undefined;
}

/** A disk image of the guest. */
export interface ImageReport {
  /** Path or URI of the image, as it was given, but without passwords. */
  path: string;
  /** Name of the disk in the rest of the report: `'/dev/sda'`. */
  device: string;
  /** Format, as given or else as detected: `'raw'`, `'qcow2'`, `'vmdk'`, … */
  format: string;
  /** Size of the disk that the guest sees, bytes. */
  virtualSize: number;
  /** Size of the disk's sectors, 512 or 4096 bytes: as given, or as the partition table tells. */
  blocksize: number;
  /** Space that the file takes on the host, bytes, without its backing files; null where a server does not tell. */
  actualSize: number | null;
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
