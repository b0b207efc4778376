import { signals } from '../options/abort-signals';

/** Work of a pool on each item of its source. */
export interface PoolWork<T, R> {
  /** Number of items that are worked on at a time; asked for once, before the first. */
  concurrency(): number | Promise<number>;
  /** Rejects only for what is wrong with the whole: it ends the iteration. `signal` means that nobody wants the result. */
  run(item: T, index: number, signal: AbortSignal): Promise<R>;
  /** Hears the number of items when the source has no more. */
  exhausted?(count: number): void;
  /** Error to reject with when `signal` is aborted. */
  aborted(reason: unknown): Error;
  readonly signal?: AbortSignal | undefined;
}

interface Taker<R> {
  resolve(result: IteratorResult<R, undefined>): void;
  reject(error: unknown): void;
}

/**
 * Works on the items of a source, several at a time, and gives what comes of them in the order in which it comes.
 *
 * Nothing begins before the first result is asked for. From then on it works ahead of the consumer, but only so far that
 * no more results wait than items may be worked on; the source is asked for an item when there is room for one.
 */
export class Pool<T, R> implements AsyncIterableIterator<R> {
  readonly #source: Iterable<T> | AsyncIterable<T>;
  readonly #work: PoolWork<T, R>;
  #items: Iterator<T> | AsyncIterator<T> | undefined;
  #limit: number | undefined;
  #count = 0;
  #pulling = false;
  /** Whether the source has no more items. */
  #exhausted = false;
  /** Whether nobody wants more results. */
  #stopped = false;
  readonly #running = new Set<AbortController>();
  #ready: R[] = [];
  #takers: Taker<R>[] = [];
  /** Error with which the iteration ends once nothing runs any more. */
  #failure: { readonly error: unknown } | undefined;
  /** Functions to be called when nothing runs any more. */
  #whenIdle: (() => void)[] = [];

  constructor(source: Iterable<T> | AsyncIterable<T>, work: PoolWork<T, R>) {
    this.#source = source;
    this.#work = work;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#advance();
    });
  }

  /** Ends everything; resolves when nothing runs any more. */
  async return(): Promise<IteratorResult<R, undefined>> {
    const sourceClosed = this.#stop();
    this.#failure = undefined;
    this.#advance();
    const [source] = await Promise.allSettled([sourceClosed, this.#idle()]);
    if (source.status === 'rejected') throw source.reason;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #unfollow: (() => void) | undefined;
  readonly #onAbort = () => {
    if (this.#isOver || this.#stopped) return;
    // The abort is what matters, whatever the source says to its end.
    this.#stop().catch(() => undefined);
    this.#failure = { error: this.#work.aborted(this.#work.signal?.reason) };
    this.#advance();
  };

  get #isOver(): boolean {
    return this.#exhausted && this.#running.size === 0 && this.#ready.length === 0;
  }

  get #hasRoom(): boolean {
    if (this.#limit === undefined) return true;
    const running = this.#running.size;
    return running < this.#limit && running + this.#ready.length < 2 * this.#limit;
  }

  /** Delivers what there is, and begins what there is room for; to be called after every change. */
  #advance(): void {
    this.#deliver();
    if (this.#running.size === 0) for (const tell of this.#whenIdle.splice(0)) tell();
    if (!this.#exhausted && !this.#pulling && this.#hasRoom) void this.#pull();
  }

  #deliver(): void {
    while (this.#takers.length > 0 && this.#ready.length > 0) {
      this.#takers.shift()?.resolve({ done: false, value: this.#ready.shift() as R });
    }
    if (!this.#isOver) return;
    this.#unfollow?.();
    for (const taker of this.#takers.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) taker.reject(failure.error);
      else taker.resolve({ done: true, value: undefined });
    }
  }

  async #pull(): Promise<void> {
    this.#pulling = true;
    try {
      await this.#begin();
      if (this.#stopped) return;
      const next = await (this.#items as AsyncIterator<T>).next();
      if (this.#stopped) return;
      if (next.done) this.#end();
      else void this.#run(next.value);
    } catch (error) {
      if (this.#stopped) return;
      this.#failure ??= { error };
      this.#end();
    } finally {
      this.#pulling = false;
    }
    this.#advance();
  }

  async #begin(): Promise<void> {
    if (this.#items) return;
    const { signal } = this.#work;
    if (signal?.aborted) throw this.#work.aborted(signal.reason);
    this.#unfollow = signal && signals.follow(signal, this.#onAbort);
    this.#limit = await this.#work.concurrency();
    if (!this.#stopped) this.#items = iteratorOf(this.#source);
  }

  #end(): void {
    this.#exhausted = true;
    this.#work.exhausted?.(this.#count);
  }

  async #run(item: T): Promise<void> {
    const controller = new AbortController();
    this.#running.add(controller);
    try {
      const result = await this.#work.run(item, this.#count++, controller.signal);
      if (!this.#stopped) this.#ready.push(result);
    } catch (error) {
      this.#running.delete(controller);
      if (!this.#stopped) {
        // Neither the abort of the others nor what the source says to its end may hide it.
        this.#stop().catch(() => undefined);
        this.#failure = { error };
      }
    } finally {
      this.#running.delete(controller);
    }
    this.#advance();
  }

  /** Gives up what runs and what waits; resolves when the source is closed, if it has begun and answers. */
  async #stop(): Promise<void> {
    const begun = this.#exhausted ? undefined : this.#items;
    this.#exhausted = true;
    this.#stopped = true;
    this.#ready = [];
    for (const controller of this.#running) controller.abort();
    const closed = Promise.resolve(begun?.return?.());
    // One that is busy finding the next item may never hear of it.
    if (this.#pulling) closed.catch(() => undefined);
    else await closed;
  }

  #idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }
}

function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  const { [Symbol.asyncIterator]: asynchronous } = source as AsyncIterable<T>;
  return asynchronous ? asynchronous.call(source) : (source as Iterable<T>)[Symbol.iterator]();
}
