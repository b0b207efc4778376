// A file or a tree of the host as a tar archive, which is made while it is sent.
import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { AbortError, errorFor, type GuestfsError } from '../faults/errors';
import { signals } from '../options/abort-signals';
import { later } from '../options/own-timers';
import { bytesOf, nameOf } from '../text/bytes';
import type { CopyInOptions } from './copy-options';
import { typeOf } from './entry';
import type { Meter } from './meter';
import { tarEnd, tarHeader, tarPadding } from './tar';

const slash = Buffer.from('/');
/** Size of the pieces, bytes, in which files are read and the archive is handed on. */
const pieceSize = 256 * 1024;
/** Rest of a file, bytes, up to which it is copied to its end when the copy is given up. */
const littleLeft = 4 * pieceSize;
/** Time that storage of the host may take to answer once the copy has been given up. */
const patienceMs = 500;

/** Entry of the host's tree that is to be copied. */
export interface Source {
  readonly path: Buffer;
  /** Path in the archive; empty for a folder of which only the content is copied. */
  readonly name: Buffer;
  readonly stats: BigIntStats;
  /** Set where the program itself has named the entry: a link is followed then, and only then. */
  readonly isNamed?: true;
}

/** A regular file as the archive has it. */
export interface SentFile {
  readonly name: Buffer;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Source that the program has named. It has no name for `.`: what is in the folder goes straight into the guest's. */
export async function sourceAt(localpath: string): Promise<Source> {
  const path = bytesOf(localpath);
  const name = localpath.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const isName = name !== '' && name !== '.' && name !== '..';
  const stats = await stat(path, { bigint: true });
  if (!stats.isFile() && !stats.isDirectory()) {
    throw copyInError('EINVAL', `${localpath} is neither a file nor a folder`);
  }
  return { path, name: isName ? bytesOf(name) : Buffer.alloc(0), stats, isNamed: true };
}

/**
 * The archive of a tree. When it has to end before the tree does, it does so between two files, or else in the middle of
 * one that is known: tar has unpacked all that was sent, and nothing is cut off that is still on its way.
 */
export class Archive {
  readonly #top: Source;
  readonly #options: CopyInOptions;
  readonly #meter: Meter;
  #hasBegun = false;
  #failure: { readonly error: unknown } | undefined;
  /** File that is being sent. */
  #current: SentFile | undefined;
  #partial: SentFile | undefined;
  #last: SentFile | undefined;

  constructor(top: Source, options: CopyInOptions, meter: Meter) {
    this.#top = top;
    this.#options = options;
    this.#meter = meter;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Failure because of which the archive ends before the tree does. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The file in the middle of which the archive has ended. */
  get partial(): SentFile | undefined {
    return this.#partial;
  }

  /** Adds up what there is to copy. */
  async measure(): Promise<void> {
    const { signal } = this.#options;
    for await (const { stats } of withPatience(this.#tree(this.#top), signal)) {
      signal?.throwIfAborted();
      if (stats.isFile()) this.#meter.expect(stats.size);
    }
  }

  /** The files that have been sent, as they are on the host now. */
  async *sent(): AsyncGenerator<SentFile> {
    if (!this.#last) return;
    for await (const { name, stats } of this.#tree(this.#top)) {
      if (!stats.isFile()) continue;
      yield { name, size: stats.size, mtimeNs: stats.mtimeNs };
      if (this.#last.name.equals(name)) return;
    }
  }

  /** Makes the archive, in pieces of some size, for each is written to libguestfs on its own. */
  async *pieces(): AsyncGenerator<Buffer> {
    this.#hasBegun = true;
    let gathered: Buffer[] = [];
    let size = 0;
    try {
      for await (const part of withPatience(this.#parts(), this.#options.signal)) {
        gathered.push(part);
        size += part.length;
        if (size < pieceSize) continue;
        yield Buffer.concat(gathered);
        gathered = [];
        size = 0;
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#partial = this.#current;
    yield Buffer.concat(this.#partial ? gathered : [...gathered, tarEnd]);
  }

  /** A source and what is in it, each folder first. */
  async *#tree(source: Source): AsyncGenerator<Source> {
    if (source.name.length > 0) yield source;
    if (!source.stats.isDirectory()) return;
    const { filter } = this.#options;
    const names = await readdir(source.path, { encoding: 'buffer' });
    for (const each of names.sort(Buffer.compare)) {
      const path = join(source.path, each);
      if (filter && !filter(nameOf(path))) continue;
      const stats = await lstat(path, { bigint: true });
      yield* this.#tree({ path, name: join(source.name, each), stats });
    }
  }

  async *#parts(): AsyncGenerator<Buffer> {
    const { signal, onSkip } = this.#options;
    for await (const source of this.#tree(this.#top)) {
      if (signal?.aborted) throw new AbortError('copyIn', signal.reason);
      const { stats, path } = source;
      if (stats.isFile()) yield* this.#file(source);
      else if (stats.isDirectory()) yield this.#header(source, 'directory', stats);
      else if (stats.isSymbolicLink()) {
        yield this.#header(source, 'symlink', stats, await readlink(path, { encoding: 'buffer' }));
      } else onSkip?.({ path: nameOf(path), type: typeOf(Number(stats.mode)), reason: 'special' });
    }
  }

  async *#file(source: Source): AsyncGenerator<Buffer> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const { signal } = this.#options;
    const file = await open(source.path, O_RDONLY | O_NONBLOCK | (source.isNamed ? 0 : O_NOFOLLOW));
    try {
      const stats = await file.stat({ bigint: true });
      const size = Number(stats.size);
      this.#last = { name: source.name, size: stats.size, mtimeNs: stats.mtimeNs };
      this.#current = this.#last;
      yield this.#header(source, 'file', stats);
      const path = nameOf(source.path);
      for (let at = 0; at < size; ) {
        if (signal?.aborted && size - at > littleLeft) throw new AbortError('copyIn', signal.reason);
        const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw copyInError('EIO', `${path} has become shorter while it was copied`);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
        this.#meter.at(path, BigInt(at));
      }
      this.#current = undefined;
      yield tarPadding(size);
      this.#meter.finished(path, stats.size);
    } finally {
      await file.close();
    }
  }

  #header(
    { name }: Source,
    type: 'file' | 'directory' | 'symlink',
    stats: BigIntStats,
    target?: Buffer,
  ): Buffer {
    const { uid, gid } = this.#options.owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) };
    return tarHeader({
      name,
      type,
      mode: Number(stats.mode) & 0o7777,
      uid,
      gid,
      mtimeNs: stats.mtimeNs,
      size: type === 'file' ? Number(stats.size) : 0,
      ...(target && { target }),
    });
  }
}

export function copyInError(code: string, problem: string): GuestfsError {
  return errorFor({ code, operation: 'copyIn', problem });
}

function join(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, slash, name]);
}

/** Gives what a generator does. After an abort that is waited for only a moment longer: storage of the host may hang. */
async function* withPatience<T>(
  items: AsyncGenerator<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  let wait: () => void = () => undefined;
  const unfollow = signal && signals.follow(signal, () => wait());
  const next = async (): Promise<IteratorResult<T>> => {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        wait = () => {
          timer ??= later(() => reject(new AbortError('copyIn', signal?.reason)), patienceMs);
        };
        if (signal?.aborted) wait();
        items.next().then(resolve, reject);
      });
    } finally {
      timer?.close();
      wait = () => undefined;
    }
  };
  try {
    for (let item = await next(); !item.done; item = await next()) yield item.value;
  } finally {
    unfollow?.();
    // The generator ends when what it waits for does.
    items.return(undefined).catch(() => undefined);
  }
}
