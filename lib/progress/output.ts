import type { OutputStream } from '../text/output-stream';

/** A stream that may break at any time: writing to it never throws and never raises an unhandled 'error'. */
export class Output {
  readonly #stream: OutputStream;
  #guards = 0;
  #broken = false;
  readonly #break = () => {
    this.#broken = true;
  };

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  /** Terminal size in characters; 80 × 24 where it is unknown (some pseudo-terminals say 0). */
  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  /** Answers the stream's errors until `unguard`: at other times they are the program's own business. */
  guard(): void {
    if (this.#guards++ === 0) this.#stream.on('error', this.#break);
  }

  unguard(): void {
    // An error may follow its write by a while, so a broken stream stays guarded.
    if (--this.#guards === 0 && !this.#broken) this.#stream.off('error', this.#break);
  }

  write(text: string): void {
    if (this.#broken || this.#stream.writable === false) return;
    this.guard();
    try {
      this.#stream.write(text, (error) => {
        if (error) this.#broken = true;
        this.unguard();
      });
    } catch {
      this.#broken = true;
    }
  }
}
