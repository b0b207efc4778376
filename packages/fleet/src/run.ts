// A run: images go to the workers, results come back, in bounded memory.
import { AbortError } from 'guestfs';
import { Pool, type Tally } from 'guestfs/internal';
import type { Batch, Batches } from './batch';
import type { JobQueue } from './connection';
import { Errand } from './errand';
import { FleetError, wasCancelled } from './errors';
import { errorOfJob } from './job-error';
import { persist, soon } from './patience';
import type { ResultStore } from './stores/store';
import type { Submitter } from './submitter';
import type { Ended, Watcher } from './watcher';
import { decode } from './wire/codec';
import { digestOf, readEvent, readOutcome, type WireImage } from './wire/schema';

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
  /** Whether the batch was cancelled before. */
  readonly isCancelled: boolean;
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
  readonly end: { readonly returned: unknown } | Error;
}

/** Milliseconds between two looks at whether somebody else has cancelled the batch. */
const cancelledEveryMs = 700;

/** Errors that are of the run, and not of an image. */
const ofRun: ReadonlySet<unknown> = new Set([
  'ERR_GUESTFS_FLEET_BATCH',
  'ERR_GUESTFS_FLEET_CLOSED',
  'ERR_GUESTFS_FLEET_SERVER',
  'ERR_GUESTFS_FLEET_STORE',
]);

export class Run<T> implements AsyncIterableIterator<Came<T>> {
  /** Name of the batch, by which it can be come back to. */
  readonly id: string;
  readonly #parts: RunParts<T>;
  readonly #pool: Pool<RunItem<T>, Reached<T>>;
  readonly #delivered: number[] = [];
  readonly #errands = new Set<Errand>();
  readonly #timer: NodeJS.Timeout;
  #cancelling: Promise<void> | undefined;
  /** Why the run ends, where the batch is to go on. */
  #failure: { readonly error: unknown } | undefined;
  #isCancelled: boolean;
  #isLooking = false;

  constructor(source: AsyncIterable<RunItem<T>>, parts: RunParts<T>) {
    this.#parts = parts;
    this.#isCancelled = parts.isCancelled;
    this.id = parts.batch.plan.id;
    this.#timer = setInterval(() => void this.#lookForCancelled(), cancelledEveryMs).unref();
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
    try {
      const next = await this.#pool.next();
      if (next.done) {
        clearInterval(this.#timer);
        await this.#parts.batch.save();
        return next;
      }
      const { item, end } = next.value;
      const came = await this.#cameOf(item, end);
      if (!this.#hasNone(came.error)) this.#delivered.push(item.index);
      return { done: false, value: came };
    } catch (error) {
      clearInterval(this.#timer);
      this.#failure ??= { error };
      // Nobody asks for more after an error.
      void this.#pool.return().catch(() => undefined);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Came<T>, undefined>> {
    clearInterval(this.#timer);
    this.#acknowledge();
    await this.#pool.return();
    await soon(this.#parts.batch.save());
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether nobody has done anything for the image, and somebody still may: the batch can be gone on with. */
  #hasNone(error: (Error & { code?: unknown }) | undefined): boolean {
    if (error?.code === 'ERR_GUESTFS_FLEET_JOB_LOST') return this.#parts.repeatable;
    return error?.code === 'ERR_GUESTFS_FLEET_CANCELLED';
  }

  /** Whoever asks for another result has done with those before. */
  #acknowledge(): void {
    const delivered = this.#delivered.splice(0);
    if (delivered.length === 0) return;
    for (const index of delivered) this.#parts.batch.given.add(index);
    this.#parts.batch.save().catch(() => undefined);
  }

  async #cameOf({ image, index }: RunItem<T>, end: Reached<T>['end']): Promise<Came<T>> {
    if (end instanceof Error) return { image, index, error: end };
    try {
      return { image, index, value: this.#parts.finish(await this.#valueOf(end.returned), image) };
    } catch (error) {
      const { signal, operation } = this.#parts;
      if (signal?.aborted) throw new AbortError(operation, signal.reason);
      if (isOfRun(error)) throw error;
      return { image, index, error: error as Error };
    }
  }

  async #valueOf(returned: unknown): Promise<unknown> {
    const { result, ref } = readOutcome(returned);
    if (ref === undefined) return decode(result);
    const { store, queue, signal } = this.#parts;
    const stored = await persist(queue, () => store.get(ref), { isStore: true, signal });
    if (!stored)
      throw new FleetError(
        'ERR_GUESTFS_FLEET_RESULT',
        `the store has no result ${ref}: it is not the workers' store, or kept it no longer`,
      );
    return decode(jsonOf(stored));
  }

  async #work(item: RunItem<T>, signal: AbortSignal): Promise<Reached<T>> {
    const { tally } = this.#parts;
    let told: ReturnType<Tally<never>['begin']> | undefined;
    const begin = () => {
      told ??= tally.begin(item.image as never, item.index);
      return told;
    };
    const hear = {
      active: () => void begin(),
      progress: (news: unknown) => {
        const event = readEvent(news);
        if (event) begin().progress?.(event as never);
      },
    };
    const end = await this.#ended(item, signal, hear).catch((error: Error & { code?: unknown }) => {
      if (signal.aborted) throw error;
      // What a cancel has taken out of the queue is not there, and not lost.
      if (error.code === 'ERR_GUESTFS_FLEET_JOB_LOST' && this.#isCancelled) return wasCancelled();
      if (!isOfRun(error)) return error;
      this.#failure ??= { error };
      throw error;
    });
    // Not the job itself: as many as may wait would take much room.
    const reached = 'failed' in end ? errorOfJob(end.failed) : end;
    begin().end(reached instanceof Error ? reached : undefined);
    return { item, end: reached };
  }

  /** Gives a job to the queue, and waits for its end. */
  async #ended(
    { index, guests }: RunItem<T>,
    signal: AbortSignal,
    hear: { active(): void; progress(event: unknown): void },
  ): Promise<Ended> {
    const { batch, watcher, submitter, resumed, repeatable } = this.#parts;
    const jobId = batch.jobId(index);
    const wire = guests?.();
    if (wire && this.#isCancelled) throw wasCancelled();
    const errand = new Errand({
      ...{ jobId, watcher, repeatable, look: resumed || !wire, ...hear },
      submit: wire && (() => submitter.submit(index, wire)),
      remove: () => this.#remove(jobId),
    });
    const onAbort = () => {
      // Who has no server, or other images, stops nothing.
      if (this.#failure) return errand.leave(this.#failure.error);
      if (!this.#cancelling) {
        this.#cancelling = this.#cancel();
        // Whoever takes a job out waits for it; there may be none.
        this.#cancelling.catch(() => undefined);
      }
      errand.giveUp(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#errands.add(errand);
    try {
      const end = await errand.end;
      if (wire) this.#checkSame(index, wire, end);
      return end;
    } finally {
      this.#errands.delete(errand);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A job that was in the queue already may be one of another image, which the batch had there. */
  #checkSame(index: number, wire: WireImage[][], end: Ended): void {
    const done =
      'failed' in end ? digestOf((end.failed.data as { guests?: unknown })?.guests) : ofOf(end.returned);
    if (done === undefined || done === digestOf(wire)) return;
    throw new FleetError(
      'ERR_GUESTFS_FLEET_BATCH',
      `the batch ${this.id} has another image at place ${index}: come back to it with the same images in the same order, or give the batch another name`,
    );
  }

  async #cancel(): Promise<void> {
    const { batches, batch } = this.#parts;
    await batches.cancel(this.id, batch.plan.retention);
  }

  async #lookForCancelled(): Promise<void> {
    const { batches, watcher } = this.#parts;
    if (watcher.isClosed) clearInterval(this.#timer);
    if (this.#cancelling || this.#failure || this.#isLooking) return;
    this.#isLooking = true;
    this.#isCancelled = await batches.isCancelled(this.id).catch(() => this.#isCancelled);
    this.#isLooking = false;
    if (this.#isCancelled && !this.#cancelling)
      for (const errand of this.#errands) errand.giveUp(wasCancelled());
  }

  /** Takes a job of a cancelled batch out of the queue; resolves to false where a worker has it, or has done it. */
  async #remove(jobId: string): Promise<boolean> {
    const { queue } = this.#parts;
    await this.#cancelling;
    // BullMQ would take out one that has ended, too, with its result.
    const state = await persist(queue, () => queue.getJobState(jobId));
    if (state === 'completed' || state === 'failed') return false;
    if ((await persist(queue, () => queue.remove(jobId))) === 1) return true;
    return (await persist(queue, () => queue.getJob(jobId))) === undefined;
  }
}

function isOfRun(error: unknown): boolean {
  return ofRun.has((error as Partial<FleetError> | undefined)?.code);
}

/** What the worker says that its result is of; what is no outcome is told as that, later. */
function ofOf(returned: unknown): string | undefined {
  try {
    return readOutcome(returned).of;
  } catch {
    return undefined;
  }
}

function jsonOf(stored: Buffer): unknown {
  try {
    return JSON.parse(stored.toString());
  } catch (cause) {
    throw new FleetError('ERR_GUESTFS_FLEET_RESULT', 'what the store has is no result', { cause });
  }
}
