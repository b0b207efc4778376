// A run: images go to the workers, results come back, in bounded memory.
import { AbortError } from 'guestfs';
import { Pool, type Tally } from 'guestfs/internal';
import type { Batch, Batches } from './batch';
import { type JobQueue, persist } from './connection';
import { FleetError } from './errors';
import { errorOfJob } from './job-error';
import type { ResultStore } from './stores/store';
import type { Submitter } from './submitter';
import type { Ended, Watcher } from './watcher';
import { decode } from './wire/codec';
import { readOutcome, type WireImage } from './wire/schema';

/** One image of a run. `guests` is undefined where its job was submitted before. */
export interface RunItem<T> {
  readonly image: T;
  readonly index: number;
  readonly guests?: (() => WireImage[][]) | undefined;
}

export interface RunParts<T> {
  readonly operation: string;
  readonly batch: Batch;
  readonly batches: Batches;
  readonly queue: JobQueue;
  readonly watcher: Watcher;
  readonly submitter: Submitter;
  readonly store: ResultStore;
  /** Number of jobs that may be with the queue at a time. */
  readonly window: number;
  readonly signal: AbortSignal | undefined;
  readonly tally: Tally<never>;
  /** Whether a job that the server has lost may be done again. */
  readonly repeatable: boolean;
  /** Whether the source may be one whose first images are with the queue already. */
  readonly resumed: boolean;
  readonly exhausted: (count: number) => void;
  /** Last touches to a result. */
  readonly finish: (value: unknown, image: T) => unknown;
}

/** What has come of an image. */
export type Came<T> =
  | { readonly image: T; readonly index: number; readonly value: unknown; readonly error?: undefined }
  | { readonly image: T; readonly index: number; readonly error: Error };

interface Reached<T> {
  readonly item: RunItem<T>;
  readonly end: Ended | Error;
}

/** Milliseconds that a cancelled job is waited for: its worker may be gone. */
const farewellMs = 5000;

export class Run<T> implements AsyncIterableIterator<Came<T>> {
  /** Name of the batch, by which it can be come back to. */
  readonly id: string;
  readonly #parts: RunParts<T>;
  readonly #pool: Pool<RunItem<T>, Reached<T>>;
  readonly #delivered: number[] = [];
  #cancelling: Promise<void> | undefined;

  constructor(source: AsyncIterable<RunItem<T>>, parts: RunParts<T>) {
    this.#parts = parts;
    this.id = parts.batch.plan.id;
    this.#pool = new Pool<RunItem<T>, Reached<T>>(source, {
      signal: parts.signal,
      aborted: (reason) => new AbortError(parts.operation, reason),
      exhausted: parts.exhausted,
      concurrency: () => parts.window,
      run: (item, _, signal) => this.#work(item, signal),
    });
  }

  async next(): Promise<IteratorResult<Came<T>, undefined>> {
    this.#acknowledge();
    const next = await this.#pool.next();
    if (next.done) {
      await this.#parts.batch.save();
      return next;
    }
    const { item, end } = next.value;
    this.#delivered.push(item.index);
    return { done: false, value: await this.#cameOf(item, end) };
  }

  async return(): Promise<IteratorResult<Came<T>, undefined>> {
    this.#acknowledge();
    await this.#pool.return();
    await this.#parts.batch.save();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whoever asks for another result has done with those before. */
  #acknowledge(): void {
    const delivered = this.#delivered.splice(0);
    if (delivered.length === 0) return;
    for (const index of delivered) this.#parts.batch.given.add(index);
    this.#parts.batch.save().catch(() => undefined);
  }

  async #cameOf({ image, index }: RunItem<T>, end: Ended | Error): Promise<Came<T>> {
    try {
      if (end instanceof Error) throw end;
      if ('failed' in end) throw errorOfJob(end.failed);
      return { image, index, value: this.#parts.finish(await this.#valueOf(end.returned), image) };
    } catch (error) {
      return { image, index, error: error as Error };
    }
  }

  async #valueOf(returned: unknown): Promise<unknown> {
    const { result, ref } = readOutcome(returned);
    if (ref === undefined) return decode(result);
    const stored = await this.#parts.store.get(ref);
    if (stored) return decode(JSON.parse(stored.toString()));
    throw new FleetError(
      'ERR_GUESTFS_FLEET_RESULT',
      `the store has no result ${ref}: it is not the workers' store, or kept it no longer`,
    );
  }

  async #work(item: RunItem<T>, signal: AbortSignal): Promise<Reached<T>> {
    const { tally } = this.#parts;
    let told: ReturnType<Tally<never>['begin']> | undefined;
    const begin = () => {
      told ??= tally.begin(item.image as never, item.index);
      return told;
    };
    const end = await this.#ended(item, signal, {
      active: () => void begin(),
      progress: (event) => begin().progress?.(decode(event) as never),
    }).catch((error: Error) => {
      if ((error as Partial<FleetError>).code === 'ERR_GUESTFS_FLEET_CLOSED' || signal.aborted) throw error;
      return error;
    });
    const error = end instanceof Error ? end : 'failed' in end ? errorOfJob(end.failed) : undefined;
    begin().end(error);
    return { item, end };
  }

  /** Gives a job to the queue, and waits for its end. */
  async #ended(
    { index, guests }: RunItem<T>,
    signal: AbortSignal,
    hear: { active(): void; progress(event: unknown): void },
  ): Promise<Ended> {
    const { batch, watcher, submitter, resumed } = this.#parts;
    const jobId = batch.jobId(index);
    const wire = guests?.();
    if (wire) await submitter.submit(index, wire);
    return await new Promise<Ended>((resolve, reject) => {
      let isSubmitting = false;
      const missing = () => {
        if (!wire || !this.#parts.repeatable) {
          unwatch();
          reject(lost(jobId));
        } else if (!isSubmitting) {
          isSubmitting = true;
          submitter.submit(index, wire).then(() => (isSubmitting = false), reject);
        }
      };
      const onAbort = () => void this.#giveUp(jobId).then(resolveGone, resolveGone);
      const resolveGone = (isGone: unknown) => {
        const gone = () => reject(signal.reason);
        if (isGone === true) gone();
        else setTimeout(gone, farewellMs).unref();
      };
      const settle = () => signal.removeEventListener('abort', onAbort);
      const ended = (end: Ended) => {
        settle();
        resolve(end);
      };
      const gone = (error: Error) => {
        settle();
        reject(error);
      };
      const unwatch = watcher.watch(jobId, { ...hear, missing, gone, ended }, resumed || !wire);
      if (watcher.isClosed) return;
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  /** Cancels the batch, and takes a job out of the queue; resolves to false where a worker has it. */
  async #giveUp(jobId: string): Promise<boolean> {
    const { batches, queue, watcher } = this.#parts;
    if (watcher.isClosed) return true;
    this.#cancelling ??= batches.cancel(this.id);
    await this.#cancelling;
    try {
      await persist(queue, () => queue.remove(jobId));
      return (await persist(queue, () => queue.getJob(jobId))) === undefined;
    } catch {
      return false;
    }
  }
}

function lost(jobId: string): FleetError {
  return new FleetError(
    'ERR_GUESTFS_FLEET_JOB_LOST',
    `the server has no job ${jobId}: it has lost it, or kept it no longer`,
  );
}
