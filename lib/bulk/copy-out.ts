// Copies a file or a tree of the guest onto the host.
import { type FileHandle, stat, statfs } from 'node:fs/promises';
import { constants } from 'node:os';
import { posix } from 'node:path';
import { AbortError, errorFor, type GuestfsError } from '../faults/errors';
import { hasVanished, isFatal } from '../faults/kinds';
import type { GuestfsMethods } from '../generated/methods';
import type { CallOptions } from '../options/types';
import { bytesOf } from '../text/bytes';
import { readSmall } from './checksum';
import type { CheckedCopyOutOptions, SkippedEntry } from './copy-options';
import { entryOf, type WalkEntry } from './entry';
import { hostError } from './host-error';
import { HostFolder } from './host-folder';
import { Meter } from './meter';
import { Tasks } from './tasks';
import { type TreeReader, walk } from './walk';

/** The calls by which a tree is copied. */
export type TreeSource = TreeReader & Pick<GuestfsMethods, 'download'>;

/** Number of files that are copied at once: the small ones are read one ahead of the other. */
const filesAtOnce = 16;

/**
 * Copies as `guestfs_copy_out` does: into `localdir`, under its own name. The content of `/` goes straight into
 * `localdir`.
 */
export async function copyOut(
  g: TreeSource,
  remotepath: string,
  localdir: string,
  options: CheckedCopyOutOptions,
): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) throw new AbortError('copyOut', signal.reason);
  try {
    await new CopyOut(g, options).run(remotepath, localdir);
  } catch (error) {
    if (signal?.aborted) throw new AbortError('copyOut', signal.reason);
    throw hostError('copyOut', error);
  }
}

class CopyOut {
  readonly #g: TreeSource;
  readonly #options: CheckedCopyOutOptions;
  readonly #meter: Meter;
  readonly #tasks: Tasks;
  readonly #call: CallOptions;
  readonly #modeMask: number;

  constructor(g: TreeSource, options: CheckedCopyOutOptions) {
    this.#g = g;
    this.#options = options;
    this.#meter = new Meter('copyOut', options.onProgress);
    this.#tasks = new Tasks(filesAtOnce, options.signal);
    this.#call = { signal: this.#tasks.signal, killOnAbort: options.killOnAbort };
    this.#modeMask = options.setuid ? 0o7777 : 0o777;
  }

  async run(remotepath: string, localdir: string): Promise<void> {
    try {
      await this.#copyAll(remotepath, localdir);
    } finally {
      await this.#tasks.stop();
    }
  }

  async #copyAll(remotepath: string, localdir: string): Promise<void> {
    await checkTarget(localdir);
    const path = posix.normalize(remotepath).replace(/(?<=.)\/+$/, '');
    const top = entryOf(path, posix.basename(path), 0, await this.#g.statns(path, this.#call));
    if (top.type !== 'file' && top.type !== 'directory') {
      throw failure('EINVAL', `${path} is neither a file nor a folder`);
    }
    await this.#measure(top);
    const target = HostFolder.at(localdir, this.#options.overwrite);
    if (top.type === 'file') this.#copyFile(top, target);
    else await this.#copyTree(top, target);
    await this.#tasks.finish();
    await target.release();
    this.#meter.end();
  }

  async #measure(top: WalkEntry): Promise<void> {
    const { maxBytes, onProgress } = this.#options;
    if (!onProgress && maxBytes === undefined) return;
    if (top.type === 'file') this.#meter.expect(top.size);
    else {
      // What cannot be read is reported when it is to be copied.
      for await (const { type, size } of this.#walk(top, () => undefined)) {
        if (type === 'file') this.#meter.expect(size);
      }
    }
    const { expected } = this.#meter;
    if (maxBytes !== undefined && expected > maxBytes) {
      throw failure(
        'EFBIG',
        `${top.path} has ${expected} bytes, more than the ${maxBytes} that were allowed`,
      );
    }
  }

  #walk({ path }: WalkEntry, onError: ((error: Error, path: string) => void) | undefined) {
    const { filter } = this.#options;
    return walk(this.#g, path, {
      maxDepth: Number.POSITIVE_INFINITY,
      signal: this.#tasks.signal,
      filter,
      prune: filter && ((folder) => !filter(folder)),
      onError,
    });
  }

  async #copyTree(top: WalkEntry, target: HostFolder): Promise<void> {
    const root = top.name === '' ? target : await target.folder(top.name, top.mode & this.#modeMask, top);
    /** The folders on the way to what comes now; undefined where one could not be made. */
    const open: (HostFolder | undefined)[] = [root];
    const leave = async (depth: number) => {
      while (open.length > depth) await open.pop()?.release();
    };
    for await (const entry of this.#walk(top, this.#options.onError)) {
      await leave(entry.depth);
      const folder = open[entry.depth - 1];
      if (entry.type === 'directory') {
        const make = folder && (() => folder.folder(entry.name, entry.mode & this.#modeMask, entry));
        open.push(make && (await this.#attempt(entry, make)));
      } else if (folder) await this.#copy(entry, folder);
    }
    await leave(top.name === '' ? 1 : 0);
  }

  async #copy(entry: WalkEntry, folder: HostFolder): Promise<void> {
    if (entry.type === 'file') {
      await this.#tasks.room();
      this.#copyFile(entry, folder);
    } else if (entry.type !== 'symlink') this.#skip(entry, 'special');
    else {
      const target = this.#linkTarget(entry);
      if (target === undefined) this.#skip(entry, 'link');
      else await this.#attempt(entry, () => folder.link(entry.name, target, entry));
    }
  }

  #copyFile(entry: WalkEntry, folder: HostFolder): void {
    folder.use();
    this.#tasks.run(async () => {
      await this.#attempt(entry, () => this.#copyContent(entry, folder));
      this.#meter.finished(entry.path, entry.size);
      await folder.release();
    });
  }

  async #copyContent(entry: WalkEntry, folder: HostFolder): Promise<void> {
    const { name, mode, path, size } = entry;
    const content = await readSmall(this.#g, path, size, this.#call);
    await folder.file(name, mode & this.#modeMask, entry, (file) =>
      content ? file.writeFile(content) : this.#download(entry, file),
    );
  }

  /** libguestfs writes into the file that is open here, and opens nothing by a name that may have changed. */
  async #download({ path, size }: WalkEntry, file: FileHandle): Promise<void> {
    const target = `/proc/self/fd/${file.fd}`;
    const { bavail, bsize } = await statfs(target, { bigint: true });
    if (size > bavail * bsize) {
      throw failure('ENOSPC', `${path} has ${size} bytes, and there is only room for ${bavail * bsize}`);
    }
    await this.#g.download(path, target, {
      ...this.#call,
      keepPartial: true, // it has no name of its own to be removed
      onProgress: ({ position, total }) => this.#meter.at(path, total > 0n ? (size * position) / total : 0n),
    });
  }

  /** Target of a link on the host; undefined when there shall be no such link. */
  #linkTarget({ target, depth }: WalkEntry): string | undefined {
    const { links } = this.#options;
    if (!target || links === 'skip') return undefined;
    return links === 'keep' || staysInside(target, depth - 1) ? target : undefined;
  }

  /** Does the work on an entry. Its failure is reported, or ends the copy. */
  async #attempt<T>(entry: WalkEntry, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const { onError } = this.#options;
      if (this.#tasks.signal.aborted || isFatal(error)) throw error;
      if (hasVanished(error) && (error as GuestfsError).operation !== 'copyOut')
        this.#skip(entry, 'vanished');
      else if (onError) onError(hostError('copyOut', error), entry.path);
      else throw error;
      return undefined;
    }
  }

  #skip({ path, type }: WalkEntry, reason: SkippedEntry['reason']): void {
    this.#options.onSkip?.({ path, type, reason });
  }
}

/**
 * Whether a link stays in a tree, when it is so many folders below its top: it goes up at its beginning only, no further
 * than to the top. Since folders are no links, what it passes on its way down are links of the same kind at most.
 */
export function staysInside(target: string, depth: number): boolean {
  if (target.startsWith('/')) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const down = parts.findIndex((part) => part !== '..');
  const up = down < 0 ? parts.length : down;
  return up <= depth && !parts.includes('..', up);
}

async function checkTarget(localdir: string): Promise<void> {
  const target = await stat(bytesOf(localdir)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw errorFor({
      ...{ code: 'ENOENT', errno: constants.errno.ENOENT, operation: 'copyOut', cause },
      problem: `${localdir} does not exist`,
      hint: 'make that folder first',
    });
  });
  if (!target.isDirectory()) throw failure('ENOTDIR', `${localdir} is not a folder`);
}

function failure(code: string, problem: string): GuestfsError {
  return errorFor({ code, operation: 'copyOut', problem });
}
