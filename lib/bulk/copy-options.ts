import { invalidType, invalidValue, outOfRange } from '../faults/arguments';
import { reading } from '../options/read';
import type { ProgressEvent } from '../options/types';
import type { FileType, WalkEntry } from './entry';
import { checkTypes, type OptionType } from './walk-options';

/** How far `copyIn` or `copyOut` has come: `position` and `total` are bytes of all files together. */
export interface CopyProgress extends ProgressEvent {
  /** The file of the guest that is being copied, or was last. */
  readonly path: string;
  /** Bytes copied so far; equal to `position`. */
  readonly bytes: bigint;
  /** Bytes to copy in all; equal to `total`. */
  readonly totalBytes: bigint;
  /** Number of files copied so far. */
  readonly files: number;
  /** Number of files to copy in all. */
  readonly totalFiles: number;
}

/** An entry that was not copied, and why. */
export interface SkippedEntry {
  /** Path of the entry at the source: with `copyOut` in the guest, with `copyIn` on the host. */
  readonly path: string;
  /** Type of the entry. */
  readonly type: FileType;
  /**
   * Reason why the entry was not copied. `'special'`: a device, fifo or socket, which is never copied; `'link'`: a
   * symbolic link that the option `links` leaves out; `'vanished'`: gone since its folder was listed.
   */
  readonly reason: 'special' | 'link' | 'vanished';
}

/** Options that `copyIn` and `copyOut` have in common. */
export interface CopyOptions {
  /**
   * Aborts the copy, which rejects with an `AbortError`. What has been copied so far stays: whole files only. With
   * `copyIn` a file that was being replaced is gone then; and only a guest that takes more than five seconds for what has
   * been sent to it keeps a part of the last file.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Receives the progress of the whole copy, in bytes: at most ten times a second, and at the end. The tree is walked
   * before, to know how much there is to copy.
   */
  readonly onProgress?: ((event: CopyProgress) => void) | undefined;
  /** Kill the appliance when an aborted call cannot be cancelled, instead of waiting for its end; default false. */
  readonly killOnAbort?: boolean | undefined;
  /** Receives each entry that is not copied. */
  readonly onSkip?: ((skipped: SkippedEntry) => void) | undefined;
}

/** Options of {@link Guestfs.copyOut}. */
export interface CopyOutOptions extends CopyOptions {
  /**
   * Symbolic links that become links on the host. `'inside'`, the default: relative ones that cannot lead out of the
   * copied tree. `'keep'`: all, as they are, so that whoever follows one later reaches what the guest wants. `'skip'`:
   * none.
   */
  readonly links?: 'inside' | 'keep' | 'skip' | undefined;
  /** Replace existing files and links; default true: else each is an error, `EEXIST`. Existing folders are filled. */
  readonly overwrite?: boolean | undefined;
  /** Keep the setuid, setgid and sticky bits; default false. */
  readonly setuid?: boolean | undefined;
  /** Leaves out the entries for which it returns false; a folder with everything inside. */
  readonly filter?: ((entry: WalkEntry) => boolean) | undefined;
  /**
   * Most bytes to copy; with more in all the copy rejects with `EFBIG`, before anything is copied. Default: no limit.
   */
  readonly maxBytes?: number | bigint | undefined;
  /**
   * Receives the error and the path of each entry that could not be copied, and the copy goes on. Default: the first
   * error ends the copy.
   */
  readonly onError?: ((error: Error, path: string) => void) | undefined;
}

/** The owner of what is copied into a guest. */
export interface Owner {
  /** User id, 0 to 4294967295. */
  readonly uid: number;
  /** Group id, 0 to 4294967295. */
  readonly gid: number;
}

/** Options of {@link Guestfs.copyIn}. */
export interface CopyInOptions extends CopyOptions {
  /** Owner of the copies; default: the ids of the owners on the host. */
  readonly owner?: Owner | undefined;
  /** Leaves out the paths (of the host) for which it returns false; a folder with everything inside. */
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

const outTypes: ReadonlyMap<string, OptionType> = new Map<keyof CopyOutOptions, OptionType>([
  ...common,
  ['links', 'string'],
  ['overwrite', 'boolean'],
  ['setuid', 'boolean'],
  ['maxBytes', ['number', 'bigint']],
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
