// Copies a file or a tree of the host into the guest.
import { AbortError, GuestfsError, outOfSpace } from '../faults/errors';
import { isFatal } from '../faults/kinds';
import type { GuestfsMethods } from '../generated/methods';
import { signals } from '../options/abort-signals';
import { later } from '../options/own-timers';
import { nameOf } from '../text/bytes';
import { Archive, copyInError, type SentFile, sourceAt } from './archive';
import { namesInBundle } from './bundle';
import type { CopyInOptions } from './copy-options';
import { entryOf } from './entry';
import { hostError } from './host-error';
import { Meter } from './meter';

/** The calls by which a tree gets into the guest. */
export type TreeTarget = Pick<GuestfsMethods, 'isDir' | 'realpath' | 'tarIn' | 'lstatnslist' | 'rm'>;

/** Time that the guest may take for what has been sent to it once the copy has been given up. */
const unpackingMs = 5000;
/** Step of the coarsest times of a filesystem, those of FAT. */
const coarsestNs = 2_000_000_000n;

/** Copies as `guestfs_copy_in` does: into `remotedir`, under its own name. */
export async function copyIn(
  g: TreeTarget,
  localpath: string,
  remotedir: string,
  options: CopyInOptions,
): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) throw new AbortError('copyIn', signal.reason);
  try {
    await new CopyIn(g, options).run(localpath, remotedir);
  } catch (error) {
    if (signal?.aborted) throw new AbortError('copyIn', signal.reason);
    throw hostError('copyIn', isFull(error) ? outOfSpace('copyIn', error, remotedir) : error);
  }
}

function isFull(error: unknown): error is GuestfsError {
  return error instanceof GuestfsError && error.code === 'ENOSPC';
}

class CopyIn {
  readonly #g: TreeTarget;
  readonly #options: CopyInOptions;

  constructor(g: TreeTarget, options: CopyInOptions) {
    this.#g = g;
    this.#options = options;
  }

  async run(localpath: string, remotedir: string): Promise<void> {
    const { signal, onProgress } = this.#options;
    const top = await sourceAt(localpath);
    if (!(await this.#g.isDir(remotedir, { followsymlinks: true, signal }))) {
      throw copyInError('ENOTDIR', `${remotedir} is not a folder of the guest`);
    }
    // libguestfs unpacks outside of the guest's root: a link would lead elsewhere.
    const folder = await this.#g.realpath(remotedir, { signal });
    const meter = new Meter('copyIn', onProgress);
    const archive = new Archive(top, this.#options, meter);
    if (onProgress) await archive.measure();
    signal?.throwIfAborted();
    const refusal = await this.#unpack(archive, folder).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const failure = archive.failure ?? refusal;
    if (!failure) return meter.end();
    if (!refusal || !isFatal(refusal.error))
      await this.#removePartial(archive, folder, refusal !== undefined);
    throw failure.error;
  }

  /** An abort lets tar finish with what has been sent, so that it is known what is whole. */
  async #unpack(archive: Archive, folder: string): Promise<void> {
    const { signal, killOnAbort } = this.#options;
    const cancel = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      if (archive.hasBegun) timer = later(() => cancel.abort(), unpackingMs);
      else cancel.abort();
    };
    const unfollow = signal && signals.follow(signal, end);
    try {
      await this.#g.tarIn(archive.pieces(), folder, { signal: cancel.signal, killOnAbort });
    } finally {
      unfollow?.();
      timer?.close();
    }
  }

  /**
   * Removes the files of which the guest has only a part: the one in the middle of which the archive ends, or those that
   * tar could not write: it goes on to the next one, and dates both alike.
   */
  async #removePartial(archive: Archive, folder: string, isRefused: boolean): Promise<void> {
    const { partial } = archive;
    if (partial) return await this.#removeShorter(folder, [partial], () => true);
    if (!isRefused) return;
    const isDated = (sent: bigint, found: bigint) => {
      const difference = sent - found;
      return difference < coarsestNs && difference > -coarsestNs;
    };
    for await (const files of bundlesOf(archive.sent())) await this.#removeShorter(folder, files, isDated);
  }

  /** Removes those of some files of one folder that are shorter than they should be. */
  async #removeShorter(
    folder: string,
    files: readonly SentFile[],
    isOurs: (sentNs: bigint, foundNs: bigint) => boolean,
  ): Promise<void> {
    const parent = `${folder}/${nameOf(folderOf(files[0] as SentFile))}`;
    const names = files.map(({ name }) => nameOf(name.subarray(name.lastIndexOf(slash) + 1)));
    // The first failure is the one to be told.
    const stats = await this.#g.lstatnslist(parent, names).catch(() => []);
    for (const [index, { size, mtimeNs }] of files.entries()) {
      const stat = stats[index];
      const name = names[index] as string;
      if (!stat || stat.stIno === -1n) continue;
      const found = entryOf(`${parent}/${name}`, name, 1, stat);
      if (found.type !== 'file' || found.size >= size || !isOurs(mtimeNs, found.mtimeNs)) continue;
      await this.#g.rm(found.path).catch(() => undefined);
    }
  }
}

const slash = '/'.charCodeAt(0);

/** Path in the archive of the folder in which a file is. */
function folderOf({ name }: SentFile): Buffer {
  return name.subarray(0, Math.max(name.lastIndexOf(slash), 0));
}

/** Files that follow each other and are in the same folder. */
async function* bundlesOf(files: AsyncIterable<SentFile>): AsyncGenerator<SentFile[]> {
  let bundle: SentFile[] = [];
  for await (const file of files) {
    const [first] = bundle;
    if (first && (bundle.length === namesInBundle || !folderOf(first).equals(folderOf(file)))) {
      yield bundle;
      bundle = [];
    }
    bundle.push(file);
  }
  if (bundle.length > 0) yield bundle;
}
