// Walks a tree with few calls: one lists a folder, and one tells of 500 names in it; libguestfs has none that
// tells of names in several folders. Calls are queued ahead of the loop, so that the appliance always has something to do,
// up to a limit, so that neither memory nor the time that other calls of the program wait grows with the tree.
import { AbortError, GuestfsError } from '../faults/errors';
import { hasVanished, isFatal } from '../faults/kinds';
import type { GuestfsMethods } from '../generated/methods';
import type { Statns } from '../generated/structs';
import { signals } from '../options/abort-signals';
import type { CallOptions } from '../options/types';
import { askForAll, attributesOf, namesInBundle } from './bundle';
import { checksumOf } from './checksum';
import { type EntryInTheMaking, entryOf, type WalkEntry } from './entry';
import { listNames } from './listing';
import type { CheckedWalkOptions, ChecksumType } from './walk-options';

/** The calls by which a tree is read. */
export type TreeReader = Pick<
  GuestfsMethods,
  | 'checksum'
  | 'ls0'
  | 'lstatns'
  | 'lstatnslist'
  | 'lxattrlist'
  | 'pread'
  | 'readdir'
  | 'readlink'
  | 'readlinklist'
  | 'statns'
>;

/** Number of names ahead of the loop that are looked at. */
const lookahead = 8 * namesInBundle;
/** Number of calls that may wait in the handle's queue. */
const mostCalls = 24;

/** Number of files of one bundle of which checksums are made: the next is queued while one is sent. */
const checksumsAtOnce = 4;

/** Place of a name on its way from the listing of its folder to the loop. */
type Stage = 'listed' | 'asked' | 'known' | 'ready';

/** A name in the order of the walk; what is in a folder is put behind the folder's own when it has been listed. */
interface Item {
  readonly folder: Folder;
  readonly name: string;
  stage: Stage;
  /** Entry of the name; undefined when it has vanished or is left out. */
  entry: EntryInTheMaking | undefined;
  /** Folder into which the walk goes, until it is being listed. */
  toList: Folder | undefined;
  /** Whether the names in the folder will be put behind it. */
  listing: boolean;
  next: Item | undefined;
}

/** Names of a folder that follow each other. */
interface Bundle {
  readonly folder: Folder;
  readonly items: readonly Item[];
}

interface Folder {
  readonly path: string;
  /** Depth of the names in the folder. */
  readonly depth: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly parent: Folder | undefined;
}

/** Everything below a folder: each folder before what is in it, and names in the order of their characters. */
export async function* walk(
  g: TreeReader,
  directory: string,
  options: CheckedWalkOptions,
): AsyncGenerator<WalkEntry, void, undefined> {
  const { signal } = options;
  if (signal?.aborted) throw new AbortError('walk', signal.reason);
  const walker = new Walker(g, withoutSlashes(directory), options);
  try {
    await walker.begin();
    for (;;) {
      const entry = walker.take();
      if (entry) yield entry;
      else if (walker.done) return;
      else await walker.more();
    }
  } catch (error) {
    if (signal?.aborted) throw new AbortError('walk', signal.reason);
    throw error;
  } finally {
    await walker.end();
  }
}

class Walker {
  readonly #g: TreeReader;
  readonly #directory: string;
  readonly #options: CheckedWalkOptions;
  readonly #left = new AbortController();
  readonly #call: CallOptions;
  readonly #abort = () => this.#left.abort();
  #unfollow: (() => void) | undefined;
  readonly #tasks = new Set<Promise<void>>();
  /** First name that has not been taken yet; the others follow it in order. */
  #first: Item | undefined;
  #takenSincePlan = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;
  #device = 0n;

  constructor(g: TreeReader, directory: string, options: CheckedWalkOptions) {
    this.#g = g;
    this.#directory = directory;
    this.#options = options;
    this.#call = { signal: this.#left.signal };
  }

  async begin(): Promise<void> {
    const { signal } = this.#options;
    this.#unfollow = signal && signals.follow(signal, this.#abort);
    const { stDev, stIno } = await this.#g.statns(this.#directory, this.#call);
    this.#device = stDev;
    const root: Folder = {
      path: this.#directory,
      depth: 1,
      dev: stDev,
      ino: stIno,
      parent: undefined,
    };
    this.#first = this.#itemsOf(root, await this.#list(root), undefined);
    this.#plan();
  }

  get done(): boolean {
    return this.#first === undefined;
  }

  /** The next entry, if it is known. */
  take(): WalkEntry | undefined {
    if (this.#failure) throw this.#failure.error;
    while (this.#first?.stage === 'ready') {
      const item = this.#first;
      const { entry } = item;
      item.entry = undefined;
      // What is in the folder comes behind it, when it is known.
      const stays = item.listing || item.toList;
      if (!stays) this.#advance(item);
      if (entry) return entry;
      if (stays) return undefined;
    }
    return undefined;
  }

  #advance(item: Item): void {
    this.#first = item.next;
    if (++this.#takenSincePlan >= namesInBundle / 2) this.#plan();
  }

  /** Resolves when there may be more to take. */
  async more(): Promise<void> {
    this.#plan();
    if (this.#failure) throw this.#failure.error;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Leaves nothing running. */
  async end(): Promise<void> {
    this.#unfollow?.();
    this.#left.abort();
    await Promise.allSettled(this.#tasks);
  }

  /** Makes the calls for what comes next. */
  #plan(): void {
    this.#takenSincePlan = 0;
    let item = this.#first;
    for (let ahead = 0; item && ahead < lookahead && this.#tasks.size < mostCalls; ahead++) {
      if (item.stage === 'listed') this.#describe(bundleFrom(item));
      else if (item.toList) this.#enter(item, item.toList);
      item = item.next;
    }
  }

  #run(task: () => Promise<void>): void {
    const running: Promise<void> = task()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#tasks.delete(running);
        if (!this.#failure) this.#plan();
        this.#wake();
      });
    this.#tasks.add(running);
  }

  /** The first failure ends everything. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#left.abort();
  }

  #enter(item: Item, folder: Folder): void {
    item.toList = undefined;
    item.listing = true;
    this.#run(async () => {
      const names = await this.#list(folder).catch((error: unknown) => {
        if (!hasVanished(error)) this.#report(error, folder.path);
        return [];
      });
      item.next = this.#itemsOf(folder, names, item.next);
      item.listing = false;
    });
  }

  #list({ path }: Folder): Promise<string[]> {
    return listNames(this.#g, path, this.#call);
  }

  /** The names of a folder as items, `rest` behind them. */
  #itemsOf(folder: Folder, names: readonly string[], rest: Item | undefined): Item | undefined {
    let next = rest;
    for (let i = names.length - 1; i >= 0; i--) {
      const name = names[i] as string;
      next = { folder, name, stage: 'listed', entry: undefined, toList: undefined, listing: false, next };
    }
    return next;
  }

  #describe({ folder, items }: Bundle): void {
    for (const item of items) item.stage = 'asked';
    this.#run(async () => {
      const stats = await this.#stats(folder, namesOf(items));
      const { onError: _, filter, prune } = this.#options;
      for (const [i, item] of items.entries()) {
        const entry = await this.#entryOf(item, stats[i]);
        if (!entry) continue;
        if (entry.type === 'directory') item.toList = this.#folderOf(item, entry, prune);
        if (!filter || filter(entry)) item.entry = entry;
      }
      for (const item of items) item.stage = 'known';
      const wanted = items.filter(({ entry }) => entry);
      const details = this.#addDetails({ folder, items: wanted });
      this.#plan(); // for what follows, meanwhile
      await details;
      for (const item of items) item.stage = 'ready';
    });
  }

  async #stats({ path }: Folder, names: readonly string[]): Promise<Statns[]> {
    try {
      return await this.#g.lstatnslist(path, names, this.#call);
    } catch (error) {
      if (!hasVanished(error)) this.#report(error, path);
      return [];
    }
  }

  /** Makes the entry of a name; undefined when it has vanished. */
  async #entryOf(item: Item, listed: Statns | undefined): Promise<EntryInTheMaking | undefined> {
    const path = pathOf(item);
    // libguestfs says that it has no stat, but not why.
    const stat = listed?.stIno === -1n ? await this.#statAlone(path) : listed;
    return stat && entryOf(path, item.name, item.folder.depth, stat);
  }

  async #statAlone(path: string): Promise<Statns | undefined> {
    try {
      return await this.#g.lstatns(path, this.#call);
    } catch (error) {
      if (!hasVanished(error)) this.#report(error, path);
      return undefined;
    }
  }

  /** The folder, if the walk goes into it. */
  #folderOf(item: Item, entry: WalkEntry, prune: CheckedWalkOptions['prune']): Folder | undefined {
    const parent = item.folder;
    const { maxDepth, oneFileSystem } = this.#options;
    const { path, depth, dev, ino } = entry;
    if (depth >= maxDepth || (oneFileSystem && dev !== this.#device) || prune?.(entry)) return undefined;
    const folder = { path, depth: depth + 1, dev, ino, parent };
    if (!isInside(folder, parent)) return folder;
    const message = `${path} is a folder that contains itself: the filesystem is broken`;
    this.#report(new GuestfsError(message, { code: 'ELOOP', operation: 'walk' }), path);
    return undefined;
  }

  async #addDetails(bundle: Bundle): Promise<void> {
    const { xattrs, checksum } = this.#options;
    const details = [this.#addTargets(bundle)];
    if (xattrs) details.push(this.#addAttributes(bundle));
    if (checksum) details.push(this.#addChecksums(bundle.items, checksum));
    // All of them end before the walk does.
    const outcomes = await Promise.allSettled(details);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #addTargets({ folder, items }: Bundle): Promise<void> {
    const links = items.filter(({ entry }) => entry?.type === 'symlink');
    const targets = await this.#ask({ folder, items: links }, (names) =>
      this.#g.readlinklist(folder.path, names, this.#call),
    );
    for (const [i, { entry }] of links.entries()) {
      if (!entry) continue;
      // libguestfs gives no text, and does not say why.
      entry.target =
        targets[i] || (await this.#detail(entry, () => this.#g.readlink(entry.path, this.#call)));
    }
  }

  async #addAttributes(bundle: Bundle): Promise<void> {
    const attributes = await this.#ask(bundle, async (names) =>
      attributesOf(await this.#g.lxattrlist(bundle.folder.path, names, this.#call)),
    );
    for (const [i, { entry }] of bundle.items.entries()) if (entry) entry.xattrs = attributes[i] ?? null;
  }

  async #addChecksums(items: readonly Item[], type: ChecksumType): Promise<void> {
    const files = items.flatMap(({ entry }) => (entry?.type === 'file' ? [entry] : []));
    const next = files.values();
    const work = async () => {
      for (const entry of next) {
        entry.checksum = await this.#detail(entry, () => checksumOf(this.#g, type, entry, this.#call));
      }
    };
    const workers = Array.from({ length: checksumsAtOnce }, () => work().catch((error) => this.#fail(error)));
    await Promise.all(workers);
  }

  /** Something of a single entry, or null when that cannot be had. */
  async #detail<T>({ path }: WalkEntry, get: () => Promise<T>): Promise<T | null> {
    try {
      return await get();
    } catch (error) {
      if (!hasVanished(error)) this.#report(error, path);
      return null;
    }
  }

  #ask<T>(
    { folder, items }: Bundle,
    call: (names: readonly string[]) => Promise<T[]>,
  ): Promise<(T | undefined)[]> {
    return askForAll<T | undefined>(namesOf(items), call, (error, name) => {
      if (!hasVanished(error)) this.#report(error, join(folder.path, name));
      return undefined;
    });
  }

  #report(error: unknown, path: string): void {
    const { onError } = this.#options;
    if (!onError || isFatal(error)) throw error;
    onError(error as Error, path);
  }
}

/** Names of one folder that have been listed and not been asked for, as many as fit into a message. */
function bundleFrom(first: Item): Bundle {
  const { folder } = first;
  const items: Item[] = [];
  for (
    let item: Item | undefined = first;
    item?.folder === folder && item.stage === 'listed' && items.length < namesInBundle;
    item = item.next
  ) {
    items.push(item);
  }
  return { folder, items };
}

function namesOf(items: readonly Item[]): string[] {
  return items.map(({ name }) => name);
}

function pathOf({ folder, name }: Item): string {
  return join(folder.path, name);
}

function join(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

function withoutSlashes(path: string): string {
  return path.length > 1 ? path.replace(/(?<=.)\/+$/, '') : path;
}

/** Whether the folder is one of those that it is in. */
function isInside({ dev, ino }: Folder, parent: Folder | undefined): boolean {
  for (let each = parent; each; each = each.parent) if (each.dev === dev && each.ino === ino) return true;
  return false;
}
