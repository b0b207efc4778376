import type { FileType, WalkEntry } from '../bulk/entry';

/** Properties that are compared of two entries with the same path. */
export interface Compared {
  /** Type of the entry. */
  readonly type: FileType;
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size of a file, bytes. */
  readonly size: bigint;
  /** Time of the last change of the content, in nanoseconds since 1970; not compared of folders. */
  readonly mtimeNs: bigint;
  /** Target of a symbolic link. */
  readonly target: string | null;
  /** Device number that a device node stands for. */
  readonly rdev: bigint;
  /** Extended attributes by name, with the option `xattrs`; null where they cannot be read. */
  readonly xattrs: ReadonlyMap<string, Buffer> | null;
  /** SHA-256 of files of equal size, with the option `content`; null where a file could not be read. */
  readonly content: string | null;
}

/** A property that has changed. */
export interface Change<T> {
  /** Value in the first tree. */
  readonly before: T;
  /** Value in the second tree. */
  readonly after: T;
}

/** Properties that have changed; the others are not there. */
export type Changes = { readonly [K in keyof Compared]?: Change<Compared[K]> };

/** An entry that only the second tree has. */
export interface Added {
  /** Kind of the difference. */
  readonly change: 'added';
  /** Path from the top of both trees: `'/etc/passwd'`. */
  readonly path: string;
  /** Null: the first tree has no such entry. */
  readonly before: null;
  /** Entry of the second tree. */
  readonly after: WalkEntry;
}

/** An entry that only the first tree has. */
export interface Removed {
  /** Kind of the difference. */
  readonly change: 'removed';
  /** Path from the top of both trees: `'/etc/passwd'`. */
  readonly path: string;
  /** Entry of the first tree. */
  readonly before: WalkEntry;
  /** Null: the second tree has no such entry. */
  readonly after: null;
}

/** An entry that both trees have, with different properties. */
export interface Changed {
  /** Kind of the difference. */
  readonly change: 'changed';
  /** Path from the top of both trees: `'/etc/passwd'`. */
  readonly path: string;
  /** Entry of the first tree. */
  readonly before: WalkEntry;
  /** Entry of the second tree. */
  readonly after: WalkEntry;
  /** Properties in which the two entries differ. */
  readonly changes: Changes;
  /**
   * Unified difference of the content, with the option `text`; null where it cannot be told so: a file is no text, is larger
   * than 1 MiB, could not be read, or too much has changed. It is not there where the content is the same. It is in the
   * guests' own words: bytes that are not UTF-8 are lone surrogates, as in names.
   */
  readonly text?: string | null;
}

/** A difference between two trees. */
export type Difference = Added | Removed | Changed;

/** Choice of what is compared beside what always is. */
export interface Comparison {
  readonly mtime: boolean;
  readonly xattrs: boolean;
}

/** Changes from one entry to another, but for the content. */
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
