// Compares two trees by walking both side by side: neither is ever held in memory as a whole.
import { checkPath } from '../bulk/check-path';
import { checksumOf } from '../bulk/checksum';
import type { WalkEntry } from '../bulk/entry';
import { checkTypes } from '../bulk/walk-options';
import { invalidType } from '../faults/arguments';
import { AbortError } from '../faults/errors';
import { hasVanished, isFatal } from '../faults/kinds';
import { Guestfs } from '../guestfs';
import { signals } from '../options/abort-signals';
import { reading } from '../options/read';
import { type Changes, changesOf, type Difference, inWalkOrder } from './differences';
import { textDifference } from './text';

/** Options of {@link compare}. */
export interface CompareOptions {
  /** Ends the comparison with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Compare the content of files of equal size, by their SHA-256; default false: files of equal size and time then
   * count as equal.
   */
  readonly content?: boolean | undefined;
  /**
   * Tell how the content of changed text files differs, as a unified difference: {@link Changed.text}. Files of 1 MiB at
   * most are read; default false.
   */
  readonly text?: boolean | undefined;
  /** Compare the times of the last change of the content; default true. Those of folders are never compared. */
  readonly mtime?: boolean | undefined;
  /** Compare extended attributes, those of SELinux among them; default false. */
  readonly xattrs?: boolean | undefined;
  /** Leaves out of both trees the entries for which it returns false, as {@link WalkOptions.filter} does. */
  readonly filter?: ((entry: WalkEntry) => boolean) | undefined;
  /** Keeps both walks out of the folders for which it returns true, as {@link WalkOptions.prune} does. */
  readonly prune?: ((directory: WalkEntry) => boolean) | undefined;
  /**
   * Receives the error and the path of each entry that could not be read, and the comparison goes on; the entries of a
   * folder that cannot be read count as missing. Default: the first error ends the comparison.
   */
  readonly onError?: ((error: Error, path: string) => void) | undefined;
}

export const compareTypes: ReadonlyMap<string, string> = new Map([
  ['content', 'boolean'],
  ['text', 'boolean'],
  ['mtime', 'boolean'],
  ['xattrs', 'boolean'],
  ['filter', 'function'],
  ['prune', 'function'],
  ['onError', 'function'],
] satisfies [keyof CompareOptions, string][]);

/** One of the two trees. */
export interface Tree {
  readonly g: Guestfs;
  readonly directory: string;
}

/**
 * Compares two folders, of one handle or of two: yields what was added, removed and changed on the way from the first
 * to the second, in the order of {@link Guestfs.walk}. Nothing is yielded when the folders are equal.
 *
 * ```ts
 * for await (const { path, change } of compare(before, '/etc', after, '/etc')) console.log(change, path);
 * ```
 *
 * @param gA - handle with the first folder
 * @param dirA - first folder, the state before
 * @param gB - handle with the second folder
 * @param dirB - second folder, the state after
 * @throws TypeError, RangeError for bad options
 */
export function compare(
  gA: Guestfs,
  dirA: string,
  gB: Guestfs,
  dirB: string,
  options?: CompareOptions,
): AsyncGenerator<Difference, void, undefined> {
  const checked = checkTypes('compare', options, compareTypes) as CompareOptions;
  for (const [name, g] of Object.entries({ gA, gB })) {
    const isHandle = reading('compare', name, () => g instanceof Guestfs);
    if (!isHandle) throw invalidType('compare', name, 'Guestfs', g);
  }
  checkPath('compare', 'dirA', dirA);
  checkPath('compare', 'dirB', dirB);
  return compareTrees({ g: gA, directory: dirA }, { g: gB, directory: dirB }, checked);
}

/** Number of pairs of files that may be read ahead of the loop. */
const pairsAhead = 8;

/** Two entries with the same path, or one that the other tree lacks. */
interface Pair {
  readonly path: string;
  readonly before: WalkEntry | null;
  readonly after: WalkEntry | null;
}

/** `giveUp` ends calls that cannot be cancelled, when the comparison is over or left. */
export async function* compareTrees(
  a: Tree,
  b: Tree,
  options: CompareOptions,
  giveUp?: () => void,
): AsyncGenerator<Difference, void, undefined> {
  const left = new AbortController();
  const abort = () => left.abort(options.signal?.reason);
  const unfollow = options.signal && signals.follow(options.signal, abort);
  if (options.signal?.aborted) abort();
  const judge = new Judge(a, b, options, left.signal);
  /** Comparisons that are going on, in the order of the walk. */
  const queue: Promise<Difference | undefined>[] = [];
  try {
    for await (const pair of pairsOf(a, b, { ...options, signal: left.signal })) {
      const difference = judge.differenceOf(pair);
      difference.catch(() => undefined); // it is awaited later
      queue.push(difference);
      if (queue.length < pairsAhead) continue;
      const next = await queue.shift();
      if (next) yield next;
    }
    for (const each of queue) {
      const next = await each;
      if (next) yield next;
    }
  } catch (error) {
    if (options.signal?.aborted) throw new AbortError('compare', options.signal.reason);
    throw error;
  } finally {
    unfollow?.();
    left.abort();
    giveUp?.();
    await Promise.allSettled(queue);
  }
}

/** Walks both trees at once. */
async function* pairsOf(a: Tree, b: Tree, options: CompareOptions): AsyncGenerator<Pair> {
  const befores = new Side(a, options);
  const afters = new Side(b, options);
  try {
    await Promise.all([befores.advance(), afters.advance()]);
    for (;;) {
      const [before, after] = [befores.current, afters.current];
      if (!before && !after) return;
      const order = !before ? 1 : !after ? -1 : inWalkOrder(before.path, after.path);
      yield {
        path: ((order <= 0 ? before : after) as Placed).path,
        before: (order <= 0 && before?.entry) || null,
        after: (order >= 0 && after?.entry) || null,
      };
      await Promise.all([order <= 0 && befores.advance(), order >= 0 && afters.advance()]);
    }
  } finally {
    await Promise.allSettled([befores.end(), afters.end()]);
  }
}

/** An entry, and its path from the top of its tree. */
interface Placed {
  readonly entry: WalkEntry;
  readonly path: string;
}

/** One of the walks, and where it is. */
class Side {
  current: Placed | undefined;
  readonly #walk: AsyncGenerator<WalkEntry, void, undefined>;
  readonly #top: number;

  constructor({ g, directory }: Tree, { signal, xattrs, filter, prune, onError }: CompareOptions) {
    this.#walk = g.walk(directory, { signal, xattrs, filter, prune, onError });
    this.#top = directory.replace(/\/+$/, '').length;
  }

  async advance(): Promise<void> {
    const { value: entry } = await this.#walk.next();
    this.current = entry ? { entry, path: entry.path.slice(this.#top) } : undefined;
  }

  async end(): Promise<void> {
    await this.#walk.return();
  }
}

/** Says how pairs differ. */
class Judge {
  readonly #a: Tree;
  readonly #b: Tree;
  readonly #options: CompareOptions;
  readonly #signal: AbortSignal;

  constructor(a: Tree, b: Tree, options: CompareOptions, signal: AbortSignal) {
    this.#a = a;
    this.#b = b;
    this.#options = options;
    this.#signal = signal;
  }

  /** Difference of a pair; undefined when both are the same. */
  async differenceOf({ path, before, after }: Pair): Promise<Difference | undefined> {
    if (before && after) {
      const changes = await this.#changesOf(before, after);
      if (Object.keys(changes).length === 0) return undefined;
      const changed = { change: 'changed' as const, path, before, after, changes };
      const areFiles = before.type === 'file' && after.type === 'file';
      if (!this.#options.text || !areFiles) return changed;
      const text = await this.#text(path, before, after);
      return text === '' ? changed : { ...changed, text };
    }
    if (after) return { change: 'added', path, before: null, after };
    return before ? { change: 'removed', path, before, after: null } : undefined;
  }

  async #changesOf(before: WalkEntry, after: WalkEntry): Promise<Changes> {
    const { mtime = true, xattrs = false, content = false } = this.#options;
    const changes = changesOf(before, after, { mtime, xattrs });
    const areFiles = before.type === 'file' && after.type === 'file';
    if (!content || !areFiles || before.size !== after.size || before.size === 0n) return changes;
    const [first, second] = await Promise.all([this.#hash(this.#a, before), this.#hash(this.#b, after)]);
    return first === second ? changes : { ...changes, content: { before: first, after: second } };
  }

  /** Unified difference of two files; null when one of them cannot be read. */
  async #text(path: string, before: WalkEntry, after: WalkEntry): Promise<string | null> {
    try {
      const sides = [
        { g: this.#a.g, entry: before },
        { g: this.#b.g, entry: after },
      ] as const;
      return await textDifference(path, ...sides, { signal: this.#signal });
    } catch (error) {
      return this.#unreadable(error, before);
    }
  }

  /** SHA-256 of a file's content; null when the file cannot be read, or is gone. */
  async #hash({ g }: Tree, entry: WalkEntry): Promise<string | null> {
    try {
      return await checksumOf(g, 'sha256', entry, { signal: this.#signal });
    } catch (error) {
      return this.#unreadable(error, entry);
    }
  }

  #unreadable(error: unknown, entry: WalkEntry): null {
    const { onError } = this.#options;
    if (hasVanished(error)) return null;
    if (!onError || isFatal(error)) throw error;
    onError(error as Error, entry.path);
    return null;
  }
}
