import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type FileTarget, GuestfsError } from '../../lib';
import type { TreeSource } from '../../lib/bulk/copy-out';
import type { Dirent, Statns, Xattr } from '../../lib/generated/structs';
import type { CallOptions } from '../../lib/options/types';
import { bytesOf } from '../../lib/text/bytes';

/** A tree: folders are objects, files are text or bytes, and the rest says what it is. */
export interface FakeFolder {
  [name: string]: FakeNode;
}

export type FakeNode = string | Uint8Array | FakeFolder | FakeOther;

/** What is no plain file or folder, or has something special. */
export class FakeOther {
  readonly mode: number;
  readonly target: string;
  readonly stat: Partial<Statns>;
  readonly xattrs: Record<string, string>;
  readonly content: FakeNode;

  constructor(details: Partial<FakeOther>) {
    this.mode = details.mode ?? 0o100644;
    this.target = details.target ?? '';
    this.stat = details.stat ?? {};
    this.xattrs = details.xattrs ?? {};
    this.content = details.content ?? '';
  }
}

export const link = (target: string) => new FakeOther({ mode: 0o120777, target });

/**
 * A guest whose filesystem is an object. As libguestfs it answers calls one after the other, says neither why a name of
 * many has no stat nor which of many names a call failed for, and refuses answers that are too long.
 */
export class FakeGuest implements TreeSource {
  /** The calls that were made, with the path or the number of names. */
  readonly calls: [method: string, what: string | number][] = [];
  /** How many wait or run. */
  pending = 0;
  mostPending = 0;
  /** Called before a call is answered. */
  before: (method: string, what: string | number) => void = () => undefined;
  readonly #root: FakeFolder;
  readonly #inodes = new Map<FakeNode | string, bigint>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(root: FakeFolder) {
    this.#root = root;
  }

  count(method: string): number {
    return this.calls.filter(([each]) => each === method).length;
  }

  statns(path: string, options?: CallOptions): Promise<Statns> {
    return this.#call('statns', path, options, () => this.#stat(path));
  }

  lstatns(path: string, options?: CallOptions): Promise<Statns> {
    return this.#call('lstatns', path, options, () => this.#stat(path));
  }

  lstatnslist(path: string, names: readonly string[], options?: CallOptions): Promise<Statns[]> {
    return this.#call('lstatnslist', names.length, options, () =>
      checked(names).map((name) => {
        try {
          return this.#stat(`${path}/${name}`);
        } catch {
          return { ...noStat, stIno: -1n };
        }
      }),
    );
  }

  readlink(path: string, options?: CallOptions): Promise<string> {
    return this.#call('readlink', path, options, () => (this.#find(path) as FakeOther).target);
  }

  readlinklist(path: string, names: readonly string[], options?: CallOptions): Promise<string[]> {
    return this.#call('readlinklist', names.length, options, () =>
      checked(names).map((name) => (this.#find(`${path}/${name}`) as FakeOther).target),
    );
  }

  lxattrlist(path: string, names: readonly string[], options?: CallOptions): Promise<Xattr[]> {
    return this.#call('lxattrlist', names.length, options, () =>
      checked(names).flatMap((name) => {
        const node = this.#find(`${path}/${name}`);
        const xattrs = Object.entries(node instanceof FakeOther ? node.xattrs : {});
        const header = { attrname: '', attrval: Buffer.from(`${xattrs.length}\0`) };
        return [
          header,
          ...xattrs.map(([attrname, value]) => {
            if (value === 'unreadable') throw failure('EIO', attrname);
            return { attrname, attrval: Buffer.from(value) };
          }),
        ];
      }),
    );
  }

  readdir(path: string, options?: CallOptions): Promise<Dirent[]> {
    return this.#call('readdir', path, options, () => {
      const names = ['.', '..', ...this.#list(path)];
      if (names.join('').length > 2 ** 20) {
        throw failure('ERR_GUESTFS_MESSAGE_TOO_LARGE', 'the answer is too large');
      }
      return names.map((name) => ({ ino: 1n, ftyp: 'u', name }));
    });
  }

  ls0(path: string, target: FileTarget, options?: CallOptions): Promise<void> {
    return this.#call('ls0', path, options, async () => {
      const stream = target as NodeJS.WritableStream;
      const bytes = Buffer.concat(this.#list(path).flatMap((name) => [bytesOf(name), Buffer.alloc(1)]));
      for (let at = 0; at < bytes.length; at += 1000) stream.write(bytes.subarray(at, at + 1000));
      stream.end();
      await once(stream, 'finish');
    });
  }

  pread(path: string, count: number, offset: number | bigint, options?: CallOptions): Promise<Buffer> {
    return this.#call('pread', path, options, () =>
      this.#content(path).subarray(Number(offset), Number(offset) + count),
    );
  }

  checksum(type: string, path: string, options?: CallOptions): Promise<string> {
    return this.#call('checksum', path, options, () =>
      createHash(type).update(this.#content(path)).digest('hex'),
    );
  }

  download(path: string, target: FileTarget, options?: CallOptions): Promise<void> {
    return this.#call('download', path, options, () => {
      const content = this.#content(path);
      const { length } = content;
      const half = { operation: 'download', procNr: 1, serial: 1, position: BigInt(length) / 2n };
      options?.onProgress?.({ ...half, total: BigInt(length), ratio: 0.5, pulse: false });
      writeFileSync(target as string, content);
    });
  }

  #call<T>(
    method: string,
    what: string | number,
    options: CallOptions | undefined,
    answer: () => T | Promise<T>,
  ): Promise<T> {
    this.calls.push([method, what]);
    this.mostPending = Math.max(this.mostPending, ++this.pending);
    const call = this.#queue.then(async () => {
      await nextTurn();
      this.pending--;
      if (options?.signal?.aborted) throw Object.assign(new Error('aborted'), { code: 'ABORT_ERR' });
      this.before(method, what);
      return await answer();
    });
    this.#queue = call.catch(() => undefined);
    return call;
  }

  #find(path: string): FakeNode {
    let node: FakeNode = this.#root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const folder = contentOf(node);
      if (!isFolder(folder)) throw failure('ENOTDIR', path);
      const next: FakeNode | undefined = folder[name];
      if (next === undefined) throw failure('ENOENT', path);
      node = next;
    }
    return node;
  }

  #list(path: string): string[] {
    const folder = contentOf(this.#find(path));
    if (!isFolder(folder)) throw failure('ENOTDIR', path);
    return Object.keys(folder).reverse();
  }

  #content(path: string): Buffer {
    return Buffer.from(contentOf(this.#find(path)) as Uint8Array);
  }

  #stat(path: string): Statns {
    const node = this.#find(path);
    const content = contentOf(node);
    const key = typeof node === 'string' ? path : node;
    if (!this.#inodes.has(key)) this.#inodes.set(key, BigInt(this.#inodes.size + 2));
    const special = node instanceof FakeOther ? node : undefined;
    const size = isFolder(content) ? Object.keys(content).length * 20 : Buffer.from(content as string).length;
    return {
      ...noStat,
      stIno: this.#inodes.get(key) as bigint,
      stMode: BigInt(special?.mode ?? (isFolder(content) ? 0o40755 : 0o100644)),
      stSize: BigInt(size),
      ...special?.stat,
    };
  }
}

const noStat = Object.fromEntries(
  [
    ...['stDev', 'stIno', 'stMode', 'stNlink', 'stUid', 'stGid', 'stRdev', 'stSize', 'stBlksize', 'stBlocks'],
    ...['stAtimeSec', 'stAtimeNsec', 'stMtimeSec', 'stMtimeNsec', 'stCtimeSec', 'stCtimeNsec'],
    ...['stSpare1', 'stSpare2', 'stSpare3', 'stSpare4', 'stSpare5', 'stSpare6'],
  ].map((name) => [name, 0n]),
) as unknown as Statns;

function contentOf(node: FakeNode): Exclude<FakeNode, FakeOther> {
  return node instanceof FakeOther ? contentOf(node.content) : node;
}

function isFolder(node: FakeNode): node is FakeFolder {
  return typeof node === 'object' && !(node instanceof Uint8Array) && !(node instanceof FakeOther);
}

function checked(names: readonly string[]): readonly string[] {
  const wrong = names.find((name) => name.includes('/'));
  if (wrong !== undefined) throw failure('ERR_GUESTFS', `'${wrong}' is not a file name`);
  return names;
}

function failure(code: string, message: string): GuestfsError {
  return new GuestfsError(message, { code, operation: 'fake' });
}
