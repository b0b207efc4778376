import type { ProgressEvent } from '../options/types';

/**
 * Progress events as an async iterable, for a consumer that may be slower than the appliance: of one call's events that
 * nobody has taken yet only the first and the newest are kept.
 */
export class ProgressStream implements AsyncIterableIterator<ProgressEvent> {
  #waiting: Array<{ event: ProgressEvent; readonly first: boolean }> = [];
  #takers: Array<(result: IteratorResult<ProgressEvent, undefined>) => void> = [];
  #serial: number | undefined;
  #ended = false;
  readonly #onReturn: () => void;

  /** @param onReturn - called once, when the consumer or the handle has ended the iteration */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(event: ProgressEvent): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    const first = event.serial !== this.#serial;
    this.#serial = event.serial;
    const newest = this.#waiting.at(-1);
    if (taker) taker({ done: false, value: event });
    else if (!first && newest && !newest.first) newest.event = event;
    else this.#waiting.push({ event, first });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const taker of this.#takers) taker({ done: true, value: undefined });
    this.#takers = [];
    this.#onReturn();
  }

  next(): Promise<IteratorResult<ProgressEvent, undefined>> {
    const next = this.#waiting.shift();
    if (next) return Promise.resolve({ done: false, value: next.event });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  return(): Promise<IteratorResult<ProgressEvent, undefined>> {
    this.#waiting = [];
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
