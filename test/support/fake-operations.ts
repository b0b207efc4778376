import { type Observable, type OperationObserver, observe } from '../../lib/calls/operations';
import type { ProgressEvent } from '../../lib/options/types';

/** What a handle tells its observers, said by the test. */
export class FakeHandle implements Observable {
  readonly observers = new Set<OperationObserver>();
  #lastId = 0;

  [observe](observer: OperationObserver): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  start(operation: string) {
    const op = { id: ++this.#lastId, operation };
    const tell = (say: (observer: OperationObserver) => void) => {
      for (const observer of this.observers) say(observer);
    };
    tell((observer) => observer.started(op));
    return {
      progress: (position: number | bigint, total: number | bigint, pulse = false) => {
        const event: ProgressEvent = {
          operation,
          procNr: 1,
          serial: op.id,
          position: BigInt(position),
          total: BigInt(total),
          ratio: Number(position) / Number(total),
          pulse,
        };
        tell((observer) => observer.progress(op, event));
      },
      phase: (phase: string) => tell((observer) => observer.phase(op, phase)),
      end: (error?: Error) => tell((observer) => observer.ended(op, error)),
    };
  }
}
