// What a worker can be asked to do.
import type { GuestfsOptions, ImageFile, ProgressEvent, VolumeKey } from 'guestfs';

/** What a task is given to work on one guest, or on several that it compares. */
export interface TaskContext<O = Record<string, unknown>> {
  /** Disks of the guest, or of the first of them. They have been found to be such as this worker opens. */
  readonly images: readonly ImageFile[];
  /** Disks of each guest, for a task that compares several. */
  readonly guests: readonly (readonly ImageFile[])[];
  readonly options: O;
  /** Aborted when nobody wants the result, when the worker is to end, and when the job has become another worker's. */
  readonly signal: AbortSignal;
  /** Tells how far the work has come; what comes too often is left out. */
  readonly onProgress: (event: ProgressEvent) => void;
  /** Keys of encrypted volumes, as this worker has them. */
  readonly keys: readonly (string | VolumeKey)[];
  /** Options of handles, as this worker has them. */
  readonly handleOptions: GuestfsOptions | undefined;
}

/** Something that the workers of a fleet can do. */
export interface Task<O = Record<string, unknown>, R = unknown> {
  /** Name by which it is asked for: small letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** Number of guests that it works on at once: 2 for a task that compares; default 1. */
  readonly guests?: number | undefined;
  /** Whether it changes images: then it is done at most once, and never again by itself. Default false. */
  readonly writes?: boolean | undefined;
  /** Checks the options, on the client and on the worker; default: there are none. @throws what is wrong with them */
  readonly options?: ((given: Readonly<Record<string, unknown>>) => O) | undefined;
  /** Does the work. The result must be data: JSON, and beside that bigint, Buffer, Date, Map and Set. */
  run(context: TaskContext<O>): Promise<R>;
}

/** A task, with its types for `FleetWorker` and `Fleet.run`. */
export function defineTask<O = Record<string, never>, R = unknown>(task: Task<O, R>): Task<O, R> {
  return task;
}

// biome-ignore lint/suspicious/noExplicitAny: options and results are the task's own affair; they are checked by it.
export type AnyTask = Task<any, any>;
