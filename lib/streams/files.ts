// Streams over files of the guest, one call for each piece. So other calls on the handle run
// between the pieces, and a stream that nobody reads keeps nobody waiting.
import { Writable } from 'node:stream';
import { GuestfsError } from '../faults/errors';
import { GuestReadStream } from './guest-read-stream';
import { largestPiece, type ReadRange, type WritePlan } from './options';

/** Reads up to `count` bytes at `offset`; none at the end. */
export type ReadPiece = (count: number, offset: number, signal: AbortSignal) => Promise<Buffer>;

/** {@link Guestfs.createReadStream}, which see. */
export class FileReadStream extends GuestReadStream {
  readonly #readPiece: ReadPiece;
  readonly #pieceSize: number;
  readonly #destroyed = new AbortController();

  constructor(path: string, range: ReadRange, readPiece: ReadPiece) {
    super(path, range);
    this.#readPiece = readPiece;
    this.#pieceSize = Math.min(range.highWaterMark, largestPiece);
  }

  override _read(): void {
    const count = Math.min(this.#pieceSize, this.end - this.position);
    if (count === 0) this.push(null);
    else
      this.#readPiece(count, this.position, this.#destroyed.signal).then(
        (bytes) => (bytes.length === 0 ? this.push(null) : this.handOn(bytes)),
        (error: Error) => this.destroy(error),
      );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#destroyed.abort();
    callback(error);
  }
}

/** The calls that a stream makes to write a file. */
export interface FileWriter {
  exists(path: string, options: { signal: AbortSignal }): Promise<boolean>;
  filesize(path: string, options: { signal: AbortSignal }): Promise<bigint>;
  write(path: string, content: string, options: { signal: AbortSignal }): Promise<void>;
  chmod(mode: number, path: string, options: { signal: AbortSignal }): Promise<void>;
  pwrite(
    path: string,
    content: Uint8Array,
    offset: number,
    options: { signal: AbortSignal },
  ): Promise<number>;
}

/** A stream that writes a file of the guest, from {@link Guestfs.createWriteStream}. */
export class GuestWriteStream extends Writable {
  /** Path of the file in the guest. */
  readonly path: string;
  /** Number of bytes written so far. */
  bytesWritten = 0;

  readonly #writer: FileWriter;
  readonly #plan: WritePlan;
  readonly #destroyed = new AbortController();
  #position: number;

  /** @internal */
  constructor(path: string, plan: WritePlan, writer: FileWriter) {
    super({ highWaterMark: plan.highWaterMark });
    this.path = path;
    this.#plan = plan;
    this.#writer = writer;
    this.#position = plan.start;
  }

  /** @internal */
  override _construct(callback: (error?: Error | null) => void): void {
    this.#open().then(
      () => callback(),
      // A stream that was destroyed meanwhile has its error already.
      (error: Error) => callback(this.#destroyed.signal.aborted ? undefined : error),
    );
  }

  // Node calls `_destroy` only when the file has been opened.
  override destroy(error?: Error): this {
    this.#destroyed.abort();
    return super.destroy(error);
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#writeAll(chunk).then(() => callback(), callback);
  }

  /** @internal */
  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#writeAll(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => callback(), callback);
  }

  /** @internal */
  async #open(): Promise<void> {
    const { flags, mode } = this.#plan;
    const options = { signal: this.#destroyed.signal };
    const exists = flags !== 'w' || mode !== undefined ? await this.#writer.exists(this.path, options) : true;
    if (flags === 'wx' && exists) throw failure('EEXIST', `${this.path}: File exists`);
    if (flags === 'r+' && !exists) throw failure('ENOENT', `${this.path}: No such file or directory`);
    if (flags === 'r+') return;
    if (flags === 'a' && exists) {
      this.#position = Number(await this.#writer.filesize(this.path, options));
      return;
    }
    await this.#writer.write(this.path, '', options);
    if (!exists && mode !== undefined) await this.#writer.chmod(mode, this.path, options);
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    const options = { signal: this.#destroyed.signal };
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + largestPiece);
      const written = await this.#writer.pwrite(this.path, piece, this.#position, options);
      at += written;
      this.#position += written;
      this.bytesWritten += written;
    }
  }
}

function failure(code: 'EEXIST' | 'ENOENT', message: string): GuestfsError {
  return new GuestfsError(message, { code, operation: 'createWriteStream' });
}
