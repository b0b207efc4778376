import { type Observable, type OperationObserver, observe } from '../calls/operations';
import type { ProgressEvent } from '../options/types';

/** Something that takes a while and is no call of a handle. */
export class Job implements Observable {
  readonly #operation: string;
  readonly #kind: 'image' | undefined;
  readonly #observers = new Set<OperationObserver>();
  /** Step that was told last. */
  #step: string | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** @param kind - set where it is the whole work on an image */
  constructor(operation: string, kind?: 'image') {
    this.#operation = operation;
    this.#kind = kind;
  }

  [observe](observer: OperationObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  start(): void {
    for (const each of this.#observers) each.started(this.#itself);
  }

  /** Tells how far the job has come; a `total` of 1 is a pulse. */
  progress(position: number, total: number): void {
    const event: ProgressEvent = {
      ...{ operation: this.#operation, procNr: 0, serial: 0, pulse: total === 1 },
      ...{ position: BigInt(position), total: BigInt(total), ratio: position / total },
    };
    for (const each of this.#observers) each.progress(this.#itself, event);
  }

  phase(phase: string): void {
    for (const each of this.#observers) each.phase(this.#itself, phase);
  }

  /** Enters a step, if it is another one than that which it is in. */
  enter(step: string): void {
    if (step === this.#step || step === '') return;
    this.#step = step;
    this.phase(step);
    this.progress(0, 1);
  }

  /** Enters a phase that changes all the time: told ten times a second at most. */
  at(place: string): void {
    const now = performance.now();
    if (now - this.#toldAt < 100) return;
    this.#toldAt = now;
    this.phase(place);
  }

  end(error: Error | undefined): void {
    for (const each of this.#observers) each.ended(this.#itself, error);
  }

  /**
   * Shows the operations of a handle, or of another job, as steps of this one. They are called what `stepOf` says; where
   * that is nothing, only their phases are steps. The returned function ends it.
   */
  follow(handle: Observable, stepOf = (operation: string) => operation): () => void {
    const enter = (...parts: string[]) => this.enter(parts.filter((part) => part !== '').join(': '));
    return handle[observe]({
      started: ({ operation }) => enter(stepOf(operation)),
      phase: ({ operation }, phase) => enter(stepOf(operation), phase),
      progress() {},
      ended() {},
    });
  }

  get #itself() {
    return { id: 1, operation: this.#operation, ...(this.#kind && { kind: this.#kind }) };
  }
}
