// Archives as streams. While one is under way, the handle does nothing else.
import { PassThrough, Writable } from 'node:stream';

/** Begins when it is first read: an archive that nobody reads keeps no other call waiting. */
export class ArchiveReadStream extends PassThrough {
  #begin: (() => void) | undefined;

  /** @internal `begin` starts the call that writes into this stream, ended by the signal. */
  constructor(begin: (target: Writable, signal: AbortSignal) => Promise<void>) {
    super({ highWaterMark: 1 << 20 });
    const closed = new AbortController();
    this.once('close', () => closed.abort());
    this.#begin = () => {
      // A stream that libguestfs has written into already knows of the error.
      begin(this, closed.signal).catch((error: Error) => void this.destroy(error));
    };
  }

  override _read(size: number): void {
    this.#begin?.();
    this.#begin = undefined;
    super._read(size);
  }
}

/** Finishes when libguestfs has unpacked all that was written. */
export class ArchiveWriteStream extends Writable {
  readonly #archive = new PassThrough({ highWaterMark: 1 << 20 });
  readonly #closed = new AbortController();
  readonly #begin: () => Promise<void>;
  #unpacked: Promise<void> | undefined;

  /** @internal `begin` starts the call that reads the given stream, ended by the signal. */
  constructor(begin: (source: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>) {
    super({ highWaterMark: 1 << 20 });
    this.#begin = () => begin(this.#archive, this.#closed.signal);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#unpack();
    if (this.#archive.write(chunk)) callback();
    else this.#archive.once('drain', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#archive.end();
    this.#unpack().then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#closed.abort(error);
    callback(error);
  }

  #unpack(): Promise<void> {
    if (!this.#unpacked) {
      this.#unpacked = this.#begin();
      this.#unpacked.catch((error: Error) => void this.destroy(error));
    }
    return this.#unpacked;
  }
}
