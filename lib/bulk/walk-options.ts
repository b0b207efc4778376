import { invalidType, invalidValue, outOfRange, unknownOption } from '../faults/arguments';
import { checkSignal, readOptions } from '../options/read';
import type { WalkEntry } from './entry';

/**
 * Algorithm of a checksum; `'crc'` is that of POSIX cksum. Only newer versions of libguestfs have `'gost'` and
 * `'gost12'`.
 */
export type ChecksumType =
  | 'crc'
  | 'md5'
  | 'sha1'
  | 'sha224'
  | 'sha256'
  | 'sha384'
  | 'sha512'
  | 'gost'
  | 'gost12';

/** Options of {@link Guestfs.walk}. */
export interface WalkOptions {
  /** Ends the walk with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /** Depth of the walk, 1 or more: 1 for the entries of the folder itself; default: no limit. */
  readonly maxDepth?: number | undefined;
  /** Stay on the filesystem of the folder: mount points below are listed, but not entered; default false. */
  readonly oneFileSystem?: boolean | undefined;
  /**
   * Leaves out the entries for which it returns false; a folder left out is entered all the same. The function is
   * called ahead of the loop, in no particular order, and before link targets, attributes and checksums are read.
   */
  readonly filter?: ((entry: WalkEntry) => boolean) | undefined;
  /**
   * Keeps the walk out of the folders for which it returns true. The function is called ahead of the loop, as `filter`.
   */
  readonly prune?: ((directory: WalkEntry) => boolean) | undefined;
  /** Read the extended attributes of each entry; default false. */
  readonly xattrs?: boolean | undefined;
  /** Algorithm by which to make a checksum of each file's content; default: no checksums. */
  readonly checksum?: ChecksumType | undefined;
  /**
   * Receives the error and the path of each folder, file or link that could not be read, and the walk goes on. Default:
   * the first error ends the walk. An entry that has vanished since its folder was listed is no error.
   */
  readonly onError?: ((error: Error, path: string) => void) | undefined;
}

/** The options, each read once and checked. */
export interface CheckedWalkOptions extends WalkOptions {
  readonly maxDepth: number;
}

const checksumTypes = ['crc', 'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'gost', 'gost12'];

const optionTypes: ReadonlyMap<string, string> = new Map([
  ['maxDepth', 'number'],
  ['oneFileSystem', 'boolean'],
  ['filter', 'function'],
  ['prune', 'function'],
  ['xattrs', 'boolean'],
  ['checksum', 'string'],
  ['onError', 'function'],
] satisfies [keyof WalkOptions, string][]);

export function checkWalkOptions(operation: string, options: unknown): CheckedWalkOptions {
  const checked = checkTypes(operation, options, optionTypes) as WalkOptions;
  const { maxDepth = Number.POSITIVE_INFINITY, checksum } = checked;
  if (maxDepth !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxDepth) && maxDepth >= 1)) {
    throw outOfRange(operation, 'options.maxDepth', 'an integer >= 1', maxDepth);
  }
  if (checksum !== undefined && !checksumTypes.includes(checksum)) {
    throw invalidValue(operation, 'options.checksum', `must be one of ${checksumTypes.join(', ')}`);
  }
  return { ...checked, maxDepth };
}

/** What `typeof` says of an option's values. */
export type OptionType = string | readonly string[];

/** Options of which only the type matters, and a signal. */
export function checkTypes(
  operation: string,
  options: unknown,
  types: ReadonlyMap<string, OptionType>,
): Record<string, unknown> {
  const { signal, ...others } = readOptions(operation, options);
  for (const [name, value] of Object.entries(others)) {
    const expected = types.get(name);
    if (expected === undefined) throw unknownOption(operation, name, ['signal', ...types.keys()]);
    const known = [expected].flat();
    if (!known.includes(typeof value) || value === null) {
      throw invalidType(operation, `options.${name}`, known.join(' or '), value);
    }
  }
  return { ...others, signal: checkSignal(operation, signal) };
}
