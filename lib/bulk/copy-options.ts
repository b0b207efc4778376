import { invalidType, invalidValue, outOfRange } from '../faults/arguments';
import { reading } from '../options/read';
import type { ProgressEvent } from '../options/types';
import type { FileType, WalkEntry } from './entry';
import { checkTypes } from './walk-options';

/** How far `copyIn` or `copyOut` has come: `position` and `total` are bytes of all files together. */
export interface CopyProgress extends ProgressEvent {
  /** The file of the guest that is being copied, or was last. */
  readonly path: string;
  /** How many bytes have been copied; the same as `position`. */
  readonly bytes: bigint;
  /** How many there are in all; the same as `total`. */
  readonly totalBytes: bigint;
  /** How many files have been copied. */
  readonly files: number;
  /** How many there are in all. */
  readonly totalFiles: number;
}

/** What was not copied, and why. */
export interface SkippedEntry {
  /** Where it comes from. */
  readonly path: string;
  /** What it is. */
  readonly type: FileType;
  /**
   * `'special'`: devices, fifos and sockets are not copied; `'link'`: the option `links` leaves it out; `'vanished'`: it
   * was there when its folder was listed.
   */
  readonly reason: 'special' | 'link' | 'vanished';
}

/** What `copyIn` and `copyOut` have in common. */
export interface CopyOptions {
  /**
   * Rejects with an `AbortError`. What has been copied so far stays: with `copyOut` whole files only, with `copyIn` also
   * the part of a file that had reached the guest.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Progress of the whole, in bytes: at most ten times a second, and at the end. The tree is walked before, to know how
   * much there is to copy.
   */
  readonly onProgress?: ((event: CopyProgress) => void) | undefined;
  /** When libguestfs cannot cancel the running call, kill the appliance instead of waiting for its end. */
  readonly killOnAbort?: boolean | undefined;
  /** Hears of what is not copied. */
  readonly onSkip?: ((skipped: SkippedEntry) => void) | undefined;
}

/** Options of {@link Guestfs.copyOut}. */
export interface CopyOutOptions extends CopyOptions {
  /**
   * Which symbolic links become links on the host. `'inside'`, the default: relative ones that cannot lead out of the
   * copied tree. `'keep'`: all, as they are: whoever follows them later reaches what the guest wants. `'skip'`: none.
   */
  readonly links?: 'inside' | 'keep' | 'skip' | undefined;
  /** Replace files and links that are there already; default true. Folders that are there are filled. */
  readonly overwrite?: boolean | undefined;
  /** Keep the bits for setuid, setgid and sticky; default false. */
  readonly setuid?: boolean | undefined;
  /** Leaves out what it returns false for; a folder with all that is in it. */
  readonly filter?: ((entry: WalkEntry) => boolean) | undefined;
  /** Rejects with `EFBIG`, before anything is copied, when there are more bytes in all; default: no limit. */
  readonly maxBytes?: number | bigint | undefined;
  /** Hears of what could not be copied, and the copy goes on. Without it the copy ends with the error. */
  readonly onError?: ((error: Error, path: string) => void) | undefined;
}

/** The owner of what is copied into a guest. */
export interface Owner {
  /** Number of the user. */
  readonly uid: number;
  /** Number of the group. */
  readonly gid: number;
}

/** Options of {@link Guestfs.copyIn}. */
export interface CopyInOptions extends CopyOptions {
  /** Who owns the copies; default: the numbers that own them on the host. */
  readonly owner?: Owner | undefined;
  /** Leaves out what it returns false for; a folder with all that is in it. The path is the host's. */
  readonly filter?: ((path: string) => boolean) | undefined;
}

/** The options of `copyOut`, each read once and checked. */
export interface CheckedCopyOutOptions extends CopyOutOptions {
  readonly links: 'inside' | 'keep' | 'skip';
  readonly overwrite: boolean;
  readonly maxBytes: bigint | undefined;
}

const common = [
  ['onProgress', 'function'],
  ['killOnAbort', 'boolean'],
  ['onSkip', 'function'],
  ['filter', 'function'],
] as const;

const outTypes: ReadonlyMap<string, string> = new Map<keyof CopyOutOptions, string>([
  ...common,
  ['links', 'string'],
  ['overwrite', 'boolean'],
  ['setuid', 'boolean'],
  ['maxBytes', 'number or bigint'],
  ['onError', 'function'],
]);

const inTypes: ReadonlyMap<string, string> = new Map<keyof CopyInOptions, string>([
  ...common,
  ['owner', 'object'],
]);

export function checkCopyOutOptions(options: unknown): CheckedCopyOutOptions {
  const checked = checkTypes('copyOut', options, outTypes) as CopyOutOptions;
  const { links = 'inside', overwrite = true, maxBytes } = checked;
  if (!['inside', 'keep', 'skip'].includes(links)) {
    throw invalidValue('copyOut', 'options.links', "must be 'inside', 'keep' or 'skip'");
  }
  if (maxBytes !== undefined && !(Number.isInteger(Number(maxBytes)) && maxBytes >= 0)) {
    throw outOfRange('copyOut', 'options.maxBytes', 'an integer >= 0', maxBytes);
  }
  return { ...checked, links, overwrite, maxBytes: maxBytes === undefined ? undefined : BigInt(maxBytes) };
}

export function checkCopyInOptions(options: unknown): CopyInOptions {
  const checked = checkTypes('copyIn', options, inTypes) as CopyInOptions;
  const { owner } = checked;
  if (owner === undefined) return checked;
  const { uid, gid } = reading('copyIn', 'options.owner', () => ({ uid: owner.uid, gid: owner.gid }));
  for (const [name, id] of Object.entries({ uid, gid })) {
    if (typeof id !== 'number') throw invalidType('copyIn', `options.owner.${name}`, 'number', id);
    if (!(Number.isInteger(id) && id >= 0 && id < 2 ** 32)) {
      throw outOfRange('copyIn', `options.owner.${name}`, 'an integer >= 0 and < 2^32', id);
    }
  }
  return { ...checked, owner: { uid, gid } };
}
