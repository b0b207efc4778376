import { signals } from '../options/abort-signals';

/** Work that goes on side by side, some at a time; the first failure ends all of it. */
export class Tasks {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();
  readonly #ended = new AbortController();
  readonly #unfollow: (() => void) | undefined;
  readonly #abort = () => this.#ended.abort();
  #failure: { readonly error: unknown } | undefined;

  constructor(most: number, signal: AbortSignal | undefined) {
    this.#most = most;
    this.#unfollow = signal && signals.follow(signal, this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /** Signal that is aborted when the work is to end. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  run(task: () => Promise<void>): void {
    const running: Promise<void> = task()
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#abort();
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when one more may run. */
  async room(): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for all tasks. */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends what still runs, and waits for that. What had failed before is why everything else did. */
  async stop(): Promise<void> {
    const failure = this.#failure;
    this.#unfollow?.();
    this.#abort();
    await Promise.allSettled(this.#running);
    if (failure) throw failure.error;
  }
}
