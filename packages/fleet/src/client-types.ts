// What a client is asked, and what it gives.
import type { InspectAllOptions, InspectAllProgress, Inspectable } from 'guestfs';

/** How the jobs of a run are done. */
export interface BatchOptions {
  /** Name of the batch; default: a new one. With the name of one that is there, the run goes on where that had come to. */
  readonly batch?: string | undefined;
  /** Takes a result that the store has, where the images have not changed since; default false. */
  readonly changed?: boolean | undefined;
  /** Number of times that a job is tried when the machine is at fault; default 3. A task that writes is tried once. */
  readonly attempts?: number | undefined;
  /** Time for which finished jobs are kept, milliseconds; default: a week. */
  readonly retention?: number | undefined;
}

/** Options of {@link Fleet.inspectAll}. */
export type FleetInspectAllOptions<T extends Inspectable = Inspectable> = InspectAllOptions<T> & BatchOptions;

/** Options of {@link Fleet.run}. */
export interface FleetRunOptions<T = unknown> extends BatchOptions {
  /** Options of the task. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Cancels the batch: what is queued, and what runs on other machines. */
  readonly signal?: AbortSignal | undefined;
  /** Number of jobs that may be with the queue at a time, 1 or more; default 1000. */
  readonly concurrency?: number | undefined;
  /** Receives the progress of the whole and of each image. */
  readonly onProgress?: ((event: FleetProgress<T>) => void) | undefined;
}

/** Progress of {@link Fleet.run}. */
export type FleetProgress<T> = Omit<InspectAllProgress, 'image'> & { readonly image: T };

/** What has come of an image: a `result`, or an `error`. */
export type FleetResult<T = unknown, R = unknown> =
  | { readonly image: T; readonly index: number; readonly result: R; readonly error?: undefined }
  | { readonly image: T; readonly index: number; readonly result?: undefined; readonly error: Error };

/** What is known of a batch. */
export interface BatchStatus {
  readonly id: string;
  readonly task: string;
  readonly created: Date;
  /** Number of images whose jobs are, or were, with the queue. */
  readonly sent: number;
  /** Number of all images; null as long as the client has not come to their end. */
  readonly total: number | null;
  /** Number of results that the client has done with. */
  readonly given: number;
  readonly isCancelled: boolean;
}

/** Results as they come. Leaving the loop cancels what is left of the batch; closing the fleet does not. */
export interface FleetResults<R> extends AsyncIterableIterator<R> {
  /** Name of the batch, for {@link Fleet.batch}. */
  readonly batch: string;
}
