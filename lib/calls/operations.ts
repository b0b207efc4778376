import type { ProgressEvent } from '../options/types';

/** A call on its way through a handle's thread. */
export interface Operation {
  readonly id: number;
  /** The method's name in JavaScript: `'mountRo'`. */
  readonly operation: string;
}

/** What a progress reporter needs to know of a handle, beyond its progress events. */
export interface OperationObserver {
  started(op: Operation): void;
  progress(op: Operation, event: ProgressEvent): void;
  /** Only `launch` has phases. */
  phase(op: Operation, phase: string): void;
  ended(op: Operation, error: Error | undefined): void;
}

/** Key of the method by which an observer is attached; it returns the function that detaches it. */
export const observe: unique symbol = Symbol('guestfs.observe');

/** Something whose operations can be observed: a handle. */
export interface Observable {
  [observe](observer: OperationObserver): () => void;
}
