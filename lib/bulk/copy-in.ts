// Copies a file or a tree of the host into the guest: as a tar archive that is made on the way.
import { type BigIntStats, constants } from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { AbortError, GuestfsError } from '../faults/errors';
import type { GuestfsMethods } from '../generated/methods';
import { bytesOf, nameOf } from '../text/bytes';
import type { CopyInOptions } from './copy-options';
import { typeOf } from './entry';
import { hostError } from './host-error';
import { Meter } from './meter';
import { tarEnd, tarHeader, tarPadding } from './tar';

/** The calls by which a tree gets into the guest. */
export type TreeTarget = Pick<GuestfsMethods, 'isDir' | 'realpath' | 'tarIn'>;

const slash = Buffer.from('/');
/** Files are read, and the archive is handed on, in pieces of about this size. */
const pieceSize = 256 * 1024;

/** Something on the host that is to be copied. */
interface Source {
  readonly path: Buffer;
  /** In the archive. */
  readonly name: Buffer;
  readonly stats: BigIntStats;
  /** The program itself has named it: a link is followed then, and only then. */
  readonly isNamed?: true;
}

/** As `guestfs_copy_in`: into `remotedir`, under its own name. */
export async function copyIn(
  g: TreeTarget,
  localpath: string,
  remotedir: string,
  options: CopyInOptions,
): Promise<void> {
  const { signal } = options;
  if (signal?.aborted) throw new AbortError('copyIn', signal.reason);
  try {
    await new CopyIn(options).run(g, localpath, remotedir);
  } catch (error) {
    if (signal?.aborted) throw new AbortError('copyIn', signal.reason);
    throw hostError('copyIn', error);
  }
}

class CopyIn {
  readonly #options: CopyInOptions;
  readonly #meter: Meter;

  constructor(options: CopyInOptions) {
    this.#options = options;
    this.#meter = new Meter('copyIn', options.onProgress);
  }

  async run(g: TreeTarget, localpath: string, remotedir: string): Promise<void> {
    const top = await topOf(localpath);
    const { signal, killOnAbort } = this.#options;
    if (!(await g.isDir(remotedir, { followsymlinks: true, signal }))) {
      throw failure('ENOTDIR', `${remotedir} is not a folder of the guest`);
    }
    // libguestfs unpacks outside of the guest's root: a link would lead elsewhere.
    const folder = await g.realpath(remotedir, { signal });
    if (this.#options.onProgress) await this.#measure(top);
    await g.tarIn(this.#archive(top), folder, { signal, killOnAbort });
    this.#meter.end();
  }

  async #measure(top: Source): Promise<void> {
    for await (const { stats } of this.#tree(top)) if (stats.isFile()) this.#meter.expect(stats.size);
  }

  /** It and what is in it, each folder first. */
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

  /** In pieces of some size, for each is written to libguestfs on its own. */
  async *#archive(top: Source): AsyncGenerator<Buffer> {
    let gathered: Buffer[] = [];
    let size = 0;
    for await (const part of this.#parts(top)) {
      gathered.push(part);
      size += part.length;
      if (size < pieceSize) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      size = 0;
    }
    yield Buffer.concat([...gathered, tarEnd]);
  }

  async *#parts(top: Source): AsyncGenerator<Buffer> {
    for await (const source of this.#tree(top)) {
      const { stats, path } = source;
      if (stats.isFile()) yield* this.#file(source);
      else if (stats.isDirectory()) yield this.#header(source, 'directory', stats);
      else if (stats.isSymbolicLink()) {
        yield this.#header(source, 'symlink', stats, await readlink(path, { encoding: 'buffer' }));
      } else {
        this.#options.onSkip?.({ path: nameOf(path), type: typeOf(Number(stats.mode)), reason: 'special' });
      }
    }
  }

  async *#file(source: Source): AsyncGenerator<Buffer> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = await open(source.path, O_RDONLY | O_NONBLOCK | (source.isNamed ? 0 : O_NOFOLLOW));
    try {
      const stats = await file.stat({ bigint: true });
      const size = Number(stats.size);
      yield this.#header(source, 'file', stats);
      const path = nameOf(source.path);
      for (let at = 0; at < size; ) {
        const piece = Buffer.allocUnsafe(Math.min(pieceSize, size - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw failure('EIO', `${path} has become shorter while it was copied`);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
        this.#meter.at(path, BigInt(at));
      }
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
      mtime: Number(stats.mtimeNs / 1_000_000_000n),
      size: type === 'file' ? Number(stats.size) : 0,
      ...(target && { target }),
    });
  }
}

/** Without a name, as for `.`, what is in a folder goes straight into the guest's. */
async function topOf(localpath: string): Promise<Source> {
  const path = bytesOf(localpath);
  const name = localpath.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const isName = name !== '' && name !== '.' && name !== '..';
  const stats = await stat(path, { bigint: true });
  if (!stats.isFile() && !stats.isDirectory()) {
    throw failure('EINVAL', `${localpath} is neither a file nor a folder`);
  }
  return { path, name: isName ? bytesOf(name) : Buffer.alloc(0), stats, isNamed: true };
}

function join(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, slash, name]);
}

function failure(code: string, message: string): GuestfsError {
  return new GuestfsError(`copyIn: ${message}`, { code, operation: 'copyIn' });
}
