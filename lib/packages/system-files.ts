// Files of a system of which databases are read: parts of large ones, and small ones in bulk.
import { typeOf } from '../bulk/entry';
import { listNames } from '../bulk/listing';
import { GuestfsError } from '../faults/errors';
import { codeOf } from '../faults/kinds';
import type { Guestfs } from '../guestfs';

/** A file of which parts can be read. */
export interface SystemFile {
  /** Bytes of the file. */
  readonly size: number;
  /** Reads so many bytes; fewer where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What readers of databases ask a system for. Links are followed inside of it. */
export interface SystemFiles {
  /** A plain file; undefined where there is none. */
  open(path: string): Promise<SystemFile | undefined>;
  /** Names in a folder; none where there is no folder. */
  list(folder: string): Promise<string[]>;
  /** Times of the last change of files of a folder, seconds since 1970; those that are not there are left out. */
  times(folder: string, names: readonly string[]): Promise<Map<string, number>>;
}

/** Bytes of a part that is read at once, and kept for a while. */
const chunkSize = 1 << 20;

const keptChunks = 32;

/** Reads a file in chunks, of which the last ones are kept. */
export class ChunkedFile implements SystemFile {
  readonly size: number;
  readonly #fetch: (offset: number, length: number) => Promise<Buffer>;
  readonly #chunks = new Map<number, Buffer>();

  constructor(size: number, fetch: (offset: number, length: number) => Promise<Buffer>) {
    this.size = size;
    this.#fetch = fetch;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const end = Math.min(offset + length, this.size);
    const parts: Buffer[] = [];
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / chunkSize);
      const chunk = await this.#chunk(index);
      const from = at - index * chunkSize;
      const part = chunk.subarray(from, Math.min(chunk.length, from + end - at));
      if (part.length === 0) break;
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  async #chunk(index: number): Promise<Buffer> {
    const known = this.#chunks.get(index);
    if (known) {
      // It is the one that was used last.
      this.#chunks.delete(index);
      this.#chunks.set(index, known);
      return known;
    }
    const offset = index * chunkSize;
    const chunk = await this.#fetch(offset, Math.min(chunkSize, this.size - offset));
    this.#chunks.set(index, chunk);
    const [oldest] = this.#chunks.keys();
    if (this.#chunks.size > keptChunks) this.#chunks.delete(oldest as number);
    return chunk;
  }
}

/** Reads a whole file of which the size is known; one that is larger than `most` bytes is none. */
export async function wholeOf(file: SystemFile, most: number): Promise<Buffer | undefined> {
  return file.size > most ? undefined : await file.read(0, file.size);
}

/** Codes of what is not there, where links that lead nowhere count as such. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Names of which the times are asked for in one call: a message has 4 MiB. */
const namesInCall = 1000;

/** The files of the guest that is mounted. */
export class GuestFiles implements SystemFiles {
  readonly #g: GuestCalls;

  constructor(g: GuestCalls) {
    this.#g = g;
  }

  async open(path: string): Promise<SystemFile | undefined> {
    const stat = await unlessAbsent(this.#g.statns(path));
    if (!stat || typeOf(Number(stat.stMode)) !== 'file') return undefined;
    return new ChunkedFile(Number(stat.stSize), (offset, length) => this.#g.pread(path, length, offset));
  }

  async list(folder: string): Promise<string[]> {
    return (await unlessAbsent(listNames(this.#g, folder, {}))) ?? [];
  }

  async times(folder: string, names: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (let at = 0; at < names.length; at += namesInCall) {
      const some = names.slice(at, at + namesInCall);
      const stats = (await unlessAbsent(this.#g.lstatnslist(folder, some))) ?? [];
      for (const [index, { stIno, stMtimeSec }] of stats.entries())
        if (stIno !== -1n) found.set(some[index] as string, Number(stMtimeSec));
    }
    return found;
  }
}

type GuestCalls = Pick<Guestfs, 'statns' | 'pread' | 'readdir' | 'ls0' | 'lstatnslist'>;

export async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof GuestfsError && absent.has(codeOf(error))) return undefined;
    throw error;
  }
}
