// Opening a device takes the appliance longer than reading a piece of it. So one call reads all that is left, unless
// somebody else wants the handle, or nobody reads: then it is given up, and a later one goes on from there.
import { Writable } from 'node:stream';
import { GuestReadStream } from './guest-read-stream';
import type { ReadRange } from './options';

/** The calls that a stream makes to read a device. */
export interface DeviceReader {
  blockdevGetsize64(device: string, options: { signal: AbortSignal }): Promise<bigint>;
  downloadOffset(
    device: string,
    target: Writable,
    offset: number,
    size: number,
    options: { signal: AbortSignal },
  ): Promise<void>;
}

/** So much is read before other calls have their turn: beginning anew is not free. */
const fairShare = 4 * 1024 * 1024;
/** How long the handle waits for somebody to read on. */
const patienceMs = 100;

export class DeviceReadStream extends GuestReadStream {
  readonly #reader: DeviceReader;
  readonly #pendingCalls: () => number;
  #download: Download | undefined;

  /** @param pendingCalls - how many calls the handle has, ours among them */
  constructor(path: string, range: ReadRange, reader: DeviceReader, pendingCalls: () => number) {
    super(path, range);
    this.#reader = reader;
    this.#pendingCalls = pendingCalls;
  }

  override _read(): void {
    if (this.#download) this.#download.goOn();
    else this.#begin();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#download?.giveUp();
    callback(error);
  }

  #begin(): void {
    if (this.destroyed) return;
    const download = new Download();
    this.#download = download;
    this.#run(download).then(
      (isEnd) => (isEnd ? this.push(null) : this.#begin()),
      (error: Error) => {
        this.#download = undefined;
        if (!download.givenUp) this.destroy(error);
        else if (download.wanted) this.#begin();
      },
    );
  }

  /** Whether that was the end. */
  async #run(download: Download): Promise<boolean> {
    const { signal } = download;
    if (this.end > Number.MAX_SAFE_INTEGER - 1) {
      // For the progress of the download, which knows of no end otherwise.
      this.end = Math.max(this.position, Number(await this.#reader.blockdevGetsize64(this.path, { signal })));
    }
    const left = this.end - this.position;
    if (left === 0) return true;
    const count = this.#pendingCalls() > 0 ? Math.min(left, fairShare) : left;
    const intake = new Writable({ write: (chunk, _, done) => this.#pass(download, chunk, done) });
    await this.#reader.downloadOffset(this.path, intake, this.position, count, { signal });
    return count === left || download.passed < count; // less where the device ends before
  }

  #pass(download: Download, chunk: Uint8Array, done: () => void): void {
    if (download.givenUp) return; // the next one reads it again
    download.passed += chunk.length;
    const wantsMore = this.handOn(chunk);
    const isHandleWanted = this.#pendingCalls() > 1;
    if (isHandleWanted && (!wantsMore || download.passed >= fairShare)) download.giveUp(wantsMore);
    else if (wantsMore) done();
    else download.hold(done);
  }
}

/** One call. */
class Download {
  /** Bytes that have been handed on. */
  passed = 0;
  /** Somebody waits for what this one does not bring any more. */
  wanted = false;
  readonly #controller = new AbortController();
  #held: { readonly done: () => void; readonly timer: NodeJS.Timeout } | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get givenUp(): boolean {
    return this.signal.aborted;
  }

  giveUp(wanted = false): void {
    this.wanted ||= wanted;
    clearTimeout(this.#held?.timer);
    this.#controller.abort();
  }

  /** Nobody reads just now. */
  hold(done: () => void): void {
    this.#held = { done, timer: setTimeout(() => this.giveUp(), patienceMs) };
  }

  goOn(): void {
    if (this.givenUp) this.wanted = true;
    clearTimeout(this.#held?.timer);
    const done = this.#held?.done;
    this.#held = undefined;
    if (!this.givenUp) done?.();
  }
}
