// Opening a device takes the appliance longer than reading a piece of it. So one call reads all that is left, unless
// somebody else wants the handle, or nobody reads: then it is given up, and a later one goes on from there.
import { Writable } from 'node:stream';
import { GuestfsError } from '../faults/errors';
import { enough } from '../options/abort-signals';
import { later } from '../options/own-timers';
import { GuestReadStream } from './guest-read-stream';
import { largestPiece, type ReadRange } from './options';

/** The calls that a stream makes to read a device. */
export interface DeviceReader {
  size(signal: AbortSignal): Promise<bigint>;
  /** Reads a part of the device; ends well also where the signal has been aborted because that is {@link enough}. */
  download(target: Writable, offset: number, size: number, signal: AbortSignal): Promise<void>;
  /** Reads one piece, by a call of its own. */
  piece(offset: number, size: number, signal: AbortSignal): Promise<Buffer>;
  /** How many calls the handle has, ours among them. */
  pendingCalls(): number;
}

/** Bytes that are read before other calls run: beginning anew is not free. */
const fairShare = 4 * 1024 * 1024;
/** How long the handle waits for somebody to read on. */
const patienceMs = 100;

export class DeviceReadStream extends GuestReadStream {
  readonly #reader: DeviceReader;
  #download: Download | undefined;
  #isSized = false;

  constructor(path: string, range: ReadRange, reader: DeviceReader) {
    super(path, range);
    this.#reader = reader;
  }

  override _read(): void {
    if (this.#download) this.#download.goOn();
    else this.#begin();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#download?.destroy();
    callback(error);
  }

  #begin(): void {
    if (this.destroyed) return;
    const download = new Download();
    this.#download = download;
    this.#run(download).then(
      (isEnd) => {
        if (isEnd) this.push(null);
        else {
          this.#download = undefined;
          if (download.wanted) this.#begin();
        }
      },
      (error: Error) => void this.destroy(error),
    );
  }

  /** Makes a download; resolves with whether that was the end. */
  async #run(download: Download): Promise<boolean> {
    const { signal } = download;
    if (!this.#isSized) {
      // Beyond the end of the device libguestfs has errors where a stream simply ends.
      const size = Number(await this.#reader.size(signal));
      this.end = Math.max(this.position, Math.min(this.end, size));
      this.#isSized = true;
    }
    const left = this.end - this.position;
    if (left === 0) return true;
    const count = this.#reader.pendingCalls() > 0 ? Math.min(left, fairShare) : left;
    const intake = new Writable({ write: (chunk, _, done) => this.#pass(download, chunk, done) });
    try {
      await this.#reader.download(intake, this.position, count, signal);
    } catch (error) {
      if (!hasNoReason(error) || this.position === this.end) throw error;
      return await this.#readPiece(download);
    }
    if (download.givenUp) return false;
    return count === left || download.passed < count; // less where the device ends before
  }

  /** In the middle of a download the appliance cannot tell why it gives up: a piece tells, or leads on. */
  async #readPiece(download: Download): Promise<boolean> {
    const size = Math.min(this.end - this.position, largestPiece);
    const piece = await this.#reader.piece(this.position, size, download.signal);
    if (piece.length === 0) return true;
    download.wanted = this.handOn(piece);
    return false;
  }

  #pass(download: Download, chunk: Uint8Array, done: () => void): void {
    if (download.givenUp) return; // the next one reads it again
    download.passed += chunk.length;
    const wantsMore = this.handOn(chunk);
    // Also when a later one begins because there is room for a little: it is not begun for a little.
    const isFull = !wantsMore && download.passed >= this.readableHighWaterMark;
    const isHandleWanted = this.#reader.pendingCalls() > 1;
    if (isHandleWanted && (isFull || download.passed >= fairShare)) download.giveUp(wantsMore);
    else if (isFull) download.hold(done);
    else done();
  }
}

function hasNoReason(error: unknown): boolean {
  return error instanceof GuestfsError && error.code === 'ERR_GUESTFS';
}

/** One call that reads the device. */
class Download {
  /** Bytes that have been handed on. */
  passed = 0;
  /** Whether somebody waits for what this call does not bring any more. */
  wanted = true;
  readonly #controller = new AbortController();
  #held: { readonly done: () => void; readonly timer: NodeJS.Timeout } | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get givenUp(): boolean {
    return this.signal.aborted;
  }

  giveUp(wanted: boolean): void {
    this.wanted = wanted;
    this.#controller.abort(enough);
  }

  destroy(): void {
    this.#held?.timer.close();
    this.#controller.abort();
  }

  /** Holds the download, for nobody reads just now. */
  hold(done: () => void): void {
    this.#held = { done, timer: later(() => this.giveUp(false), patienceMs) };
  }

  goOn(): void {
    this.wanted = true;
    this.#held?.timer.close();
    const done = this.#held?.done;
    this.#held = undefined;
    if (!this.givenUp) done?.();
  }
}
