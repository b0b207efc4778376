import { guarded } from '../options/callbacks';
import type { OperationObserver } from './operations';

/** Observers of the operations of a handle. */
export class Observers {
  readonly #observers = new Set<OperationObserver>();
  readonly #onChange: () => void;

  /** @param onChange - called when an observer has come or gone */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Whether there is an observer. */
  get present(): boolean {
    return this.#observers.size > 0;
  }

  /** Adds an observer, until the returned function is called. */
  add(observer: OperationObserver): () => void {
    this.#observers.add(observer);
    this.#onChange();
    return () => {
      this.#observers.delete(observer);
      this.#onChange();
    };
  }

  /** Tells each observer; none can keep the others from being told. */
  tell(what: (observer: OperationObserver) => void): void {
    for (const observer of this.#observers) guarded(() => what(observer));
  }
}
