import { guarded } from '../options/callbacks';
import type { CopyProgress } from './copy-options';

const intervalMs = 100;

/** Adds up what is copied, and tells of it from time to time. */
export class Meter {
  readonly #operation: string;
  readonly #listener: ((event: CopyProgress) => void) | undefined;
  #totalBytes = 0n;
  #totalFiles = 0;
  #bytes = 0n;
  /** Bytes of the file that is under way. */
  #part = 0n;
  #files = 0;
  #path = '';
  #told = 0;
  #hasEnded = false;

  constructor(operation: string, listener: ((event: CopyProgress) => void) | undefined) {
    this.#operation = operation;
    this.#listener = listener;
  }

  /** Adds a file that will be copied. */
  expect(size: bigint): void {
    this.#totalBytes += size;
    this.#totalFiles++;
  }

  get expected(): bigint {
    return this.#totalBytes;
  }

  /** Notes how much of a file has been copied by now. */
  at(path: string, bytes: bigint): void {
    this.#path = path;
    this.#part = bytes;
    this.#tell();
  }

  /** Notes that a file has been copied, or will not be. */
  finished(path: string, size: bigint): void {
    this.#path = path;
    this.#part = 0n;
    this.#bytes += size;
    this.#files++;
    this.#tell();
  }

  /** Notes that all has been copied: only now that is told, for the last that was sent may not arrive. */
  end(): void {
    this.#hasEnded = true;
    this.#bytes = this.#totalBytes;
    this.#files = this.#totalFiles;
    this.#part = 0n;
    this.#told = 0;
    this.#tell();
  }

  #tell(): void {
    const listener = this.#listener;
    const now = performance.now();
    if (!listener || (this.#told > 0 && now - this.#told < intervalMs)) return;
    this.#told = now;
    const total = this.#totalBytes;
    const most = this.#hasEnded || total === 0n ? total : total - 1n;
    // What changes meanwhile does not take it beyond the end.
    const position = this.#bytes + this.#part < most ? this.#bytes + this.#part : most;
    const files = Math.min(this.#files, this.#totalFiles);
    const event: CopyProgress = {
      operation: this.#operation,
      procNr: 0,
      serial: 0,
      position,
      total,
      ratio: total > 0n ? ratioOf(position, total) : this.#totalFiles > 0 ? files / this.#totalFiles : 1,
      pulse: false,
      path: this.#path,
      bytes: position,
      totalBytes: total,
      files,
      totalFiles: this.#totalFiles,
    };
    guarded(() => listener(event));
  }
}

/** Ratio of two numbers, 1 only where they are equal: near the end a double may not hold the difference. */
function ratioOf(position: bigint, total: bigint): number {
  const ratio = Number(position) / Number(total);
  return position < total ? Math.min(ratio, 1 - Number.EPSILON) : ratio;
}
