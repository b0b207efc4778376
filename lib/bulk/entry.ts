import type { Statns } from '../generated/structs';

/** Type of an entry of a tree. */
export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'blockDevice'
  | 'characterDevice'
  | 'fifo'
  | 'socket'
  | 'unknown';

/** An entry of a tree of the guest, from {@link Guestfs.walk}. Fields are named as in Node's `fs.BigIntStats`. */
export interface WalkEntry {
  /** Path in the guest: the walked folder as it was given, and what follows. */
  readonly path: string;
  /** Last part of the path. */
  readonly name: string;
  /** Depth below the walked folder: 1 for its own entries, 2 for those of its folders, and so on. */
  readonly depth: number;
  /** Type of the entry; a symbolic link is never followed. */
  readonly type: FileType;
  /** Type and permission bits (`st_mode`); `mode & 0o7777` are the permissions. */
  readonly mode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size of the file, bytes; for a symbolic link the length of its target. */
  readonly size: bigint;
  /** Space allocated by the filesystem, in units of 512 bytes. */
  readonly blocks: bigint;
  /** Number of names (hard links) of the inode. */
  readonly nlink: number;
  /** Inode number. */
  readonly ino: bigint;
  /** Device number of the filesystem, inside the appliance. */
  readonly dev: bigint;
  /** Device number that a device node stands for; 0n otherwise. */
  readonly rdev: bigint;
  /** Time of the last access. */
  readonly atime: Date;
  /** Time of the last change of the content. */
  readonly mtime: Date;
  /** Time of the last change of the inode. */
  readonly ctime: Date;
  /** Time of the last access, in nanoseconds since 1970. */
  readonly atimeNs: bigint;
  /** Time of the last change of the content, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Time of the last change of the inode, in nanoseconds since 1970. */
  readonly ctimeNs: bigint;
  /** Target of a symbolic link; null for everything else. */
  readonly target: string | null;
  /** Extended attributes by name; null without the option `xattrs`, and where they cannot be read. */
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
  /**
   * Checksum of the content, hexadecimal (`crc`: decimal); null for everything but files, and without the option
   * `checksum`.
   */
  readonly checksum: string | null;
}

/** Entry of which not everything is known yet. */
export type EntryInTheMaking = { -readonly [K in keyof WalkEntry]: WalkEntry[K] };

/** Types by the bits of `st_mode` that say them. */
const types: ReadonlyMap<number, FileType> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o060000, 'blockDevice'],
  [0o020000, 'characterDevice'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
]);

export function typeOf(mode: number): FileType {
  return types.get(mode & 0o170000) ?? 'unknown';
}

export function entryOf(path: string, name: string, depth: number, stat: Statns): EntryInTheMaking {
  const mode = Number(stat.stMode);
  const atimeNs = nanoseconds(stat.stAtimeSec, stat.stAtimeNsec);
  const mtimeNs = nanoseconds(stat.stMtimeSec, stat.stMtimeNsec);
  const ctimeNs = nanoseconds(stat.stCtimeSec, stat.stCtimeNsec);
  return {
    path,
    name,
    depth,
    type: typeOf(mode),
    mode,
    uid: Number(stat.stUid),
    gid: Number(stat.stGid),
    size: stat.stSize,
    blocks: stat.stBlocks,
    nlink: Number(stat.stNlink),
    ino: stat.stIno,
    dev: stat.stDev,
    rdev: stat.stRdev,
    atime: dateOf(stat.stAtimeSec, stat.stAtimeNsec),
    mtime: dateOf(stat.stMtimeSec, stat.stMtimeNsec),
    ctime: dateOf(stat.stCtimeSec, stat.stCtimeNsec),
    atimeNs,
    mtimeNs,
    ctimeNs,
    target: null,
    xattrs: null,
    checksum: null,
  };
}

function nanoseconds(seconds: bigint, nanoseconds: bigint): bigint {
  return seconds * 1_000_000_000n + nanoseconds;
}

function dateOf(seconds: bigint, nanoseconds: bigint): Date {
  return new Date(Number(seconds) * 1000 + Math.floor(Number(nanoseconds) / 1e6));
}
