import type { Statns } from '../generated/structs';

/** What a name of a tree stands for. */
export type FileType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'blockDevice'
  | 'characterDevice'
  | 'fifo'
  | 'socket'
  | 'unknown';

/** Something in a tree of the guest, as {@link Guestfs.walk} finds it. Names are those of `fs.BigIntStats`. */
export interface WalkEntry {
  /** In the guest: the folder that is walked, and what follows. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** 1 for what is in the folder that is walked, 2 for what is in a folder of that, and so on. */
  readonly depth: number;
  /** What it is; a symbolic link is never followed. */
  readonly type: FileType;
  /** Permissions and the bits of the type, as `st_mode`: `mode & 0o7777` are the permissions. */
  readonly mode: number;
  /** Number of the owner. */
  readonly uid: number;
  /** Number of the group. */
  readonly gid: number;
  /** Bytes. */
  readonly size: bigint;
  /** How much the filesystem has allocated, in units of 512 bytes. */
  readonly blocks: bigint;
  /** How many names the inode has. */
  readonly nlink: number;
  /** Number of the inode. */
  readonly ino: bigint;
  /** The device on which it is, as the appliance numbers it. */
  readonly dev: bigint;
  /** Which device a device node stands for. */
  readonly rdev: bigint;
  /** When it was last read. */
  readonly atime: Date;
  /** When its content changed. */
  readonly mtime: Date;
  /** When its inode changed. */
  readonly ctime: Date;
  /** The same exactly: nanoseconds since 1970. */
  readonly atimeNs: bigint;
  /** Likewise. */
  readonly mtimeNs: bigint;
  /** Likewise. */
  readonly ctimeNs: bigint;
  /** Where a symbolic link points to; null for everything else. */
  readonly target: string | null;
  /** Extended attributes by name, with the option `xattrs`; else null, as where they cannot be read. */
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
  /** Of the content of a file, with the option `checksum`; else null. */
  readonly checksum: string | null;
}

/** What is not known yet is filled in later. */
export type EntryInTheMaking = { -readonly [K in keyof WalkEntry]: WalkEntry[K] };

/** By the bits of `st_mode` that say the type. */
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
