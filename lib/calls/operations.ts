import type { ProgressEvent } from '../options/types';
import { packageVersion } from '../text/generated/package';

/** A call on its way through a handle's thread. */
export interface Operation {
  /** Number of the call within its handle. */
  readonly id: number;
  /** Name of the method in JavaScript: `'mountRo'`. */
  readonly operation: string;
  /** Set where it is not a call of a handle but the whole work on an image. */
  readonly kind?: 'image';
}

/** What a progress reporter needs to know of a handle, beyond its progress events. */
export interface OperationObserver {
  /** The operation begins to run. */
  started(op: Operation): void;
  /** The operation has got further. */
  progress(op: Operation, event: ProgressEvent): void;
  /** The operation enters a phase; only `launch` has phases. */
  phase(op: Operation, phase: string): void;
  /** The operation has ended, with the error that its caller gets. */
  ended(op: Operation, error: Error | undefined): void;
}

/**
 * Key of the method by which an observer is attached; it returns the function that detaches it. Copies of one version
 * share it, as a test runner makes them that loads modules anew; another version may tell other things.
 */
export const observe: unique symbol = Symbol.for(`guestfs.observe@${packageVersion}`);

/** Something whose operations can be observed: a handle. */
export interface Observable {
  [observe](observer: OperationObserver): () => void;
}
