/** Hands on the latest of what comes, once in a while: the first at once, the last too unless it is over before. */
export class Throttle<T> {
  readonly #everyMs: number;
  readonly #tell: (latest: T) => Promise<unknown>;
  #latest: { readonly value: T } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(everyMs: number, tell: (latest: T) => Promise<unknown>) {
    this.#everyMs = everyMs;
    this.#tell = tell;
  }

  put(value: T): void {
    if (this.#isOver) return;
    this.#latest = { value };
    if (!this.#timer) this.#flush();
  }

  /** Resolves when nothing is on its way any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#telling;
  }

  #flush(): void {
    const { latest } = { latest: this.#latest };
    this.#latest = undefined;
    this.#timer = undefined;
    if (!latest) return;
    this.#telling = this.#tell(latest.value).catch(() => undefined);
    this.#timer = setTimeout(() => this.#flush(), this.#everyMs).unref();
  }
}
