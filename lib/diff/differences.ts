import type { FileType, WalkEntry } from '../bulk/entry';

/** What is compared of two things that have the same path. */
export interface Compared {
  /** What it is. */
  readonly type: FileType;
  /** Permissions, `0o7777` at most. */
  readonly mode: number;
  /** Number of the owner. */
  readonly uid: number;
  /** Number of the group. */
  readonly gid: number;
  /** Of files, in bytes. */
  readonly size: bigint;
  /** When the content changed, in nanoseconds since 1970; not of folders. */
  readonly mtimeNs: bigint;
  /** Where a symbolic link points to. */
  readonly target: string | null;
  /** Which device a device node stands for. */
  readonly rdev: bigint;
  /** Extended attributes, with the option `xattrs`. */
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
  /** The SHA-256 of files of the same size, with the option `content`; null where it could not be read. */
  readonly content: string | null;
}

/** One of the things that have changed. */
export interface Change<T> {
  /** In the first tree. */
  readonly before: T;
  /** In the second. */
  readonly after: T;
}

/** What has changed. */
export type Changes = { readonly [K in keyof Compared]?: Change<Compared[K]> };

/** What only the second tree has. */
export interface Added {
  /** Tells it from the other differences. */
  readonly change: 'added';
  /** From the top of both trees: `/etc/passwd`. */
  readonly path: string;
  /** There is nothing. */
  readonly before: null;
  /** What is in the second tree. */
  readonly after: WalkEntry;
}

/** What only the first tree has. */
export interface Removed {
  /** Tells it from the other differences. */
  readonly change: 'removed';
  /** From the top of both trees. */
  readonly path: string;
  /** What is in the first tree. */
  readonly before: WalkEntry;
  /** There is nothing. */
  readonly after: null;
}

/** What both trees have, but not the same. */
export interface Changed {
  /** Tells it from the other differences. */
  readonly change: 'changed';
  /** From the top of both trees. */
  readonly path: string;
  /** What is in the first tree. */
  readonly before: WalkEntry;
  /** What is in the second tree. */
  readonly after: WalkEntry;
  /** Only what is not the same. */
  readonly changes: Changes;
}

/** A difference between two trees. */
export type Difference = Added | Removed | Changed;

/** What is compared, beside what always is. */
export interface Comparison {
  readonly mtime: boolean;
  readonly xattrs: boolean;
}

/** All but the content. */
export function changesOf(before: WalkEntry, after: WalkEntry, { mtime, xattrs }: Comparison): Changes {
  const changes: { -readonly [K in keyof Compared]?: { before: unknown; after: unknown } } = {};
  const compare = <K extends keyof WalkEntry & keyof Compared>(
    name: K,
    same = before[name] === after[name],
  ) => {
    if (!same) changes[name] = { before: before[name], after: after[name] };
  };
  compare('type');
  const modes = [before.mode & 0o7777, after.mode & 0o7777];
  if (modes[0] !== modes[1]) changes.mode = { before: modes[0], after: modes[1] };
  compare('uid');
  compare('gid');
  compare('target');
  if (xattrs) compare('xattrs', haveSameAttributes(before, after));
  if (before.type !== after.type) return changes as Changes;
  if (before.type === 'file') compare('size');
  if (mtime && before.type !== 'directory') compare('mtimeNs');
  if (before.type === 'blockDevice' || before.type === 'characterDevice') compare('rdev');
  return changes as Changes;
}

function haveSameAttributes({ xattrs: a }: WalkEntry, { xattrs: b }: WalkEntry): boolean {
  if (a === null || b === null) return a === b;
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.equals(value));
}

/**
 * Less than 0 when the first comes before the second in a walk, more than 0 when behind it. Paths are from the top; a
 * folder's content comes before what follows the folder.
 */
export function inWalkOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const slash = 0x2f;
const rank = (code: number) => (code === slash ? -1 : code);
