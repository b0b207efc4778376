// The side of a fleet that asks.
import { randomUUID } from 'node:crypto';
import type { Inspectable, InspectionReport, InspectionResult } from 'guestfs';
import { checkAllOptions, Tally } from 'guestfs/internal';
import { type Batch, Batches } from './batch';
import type {
  BatchStatus,
  FleetInspectAllOptions,
  FleetResult,
  FleetResults,
  FleetRunOptions,
} from './client-types';
import { Connection, type FleetConnectionOptions, type JobQueue } from './connection';
import { FleetError } from './errors';
import { guestsOf, namedAsGiven } from './guests';
import { closeSoon, persist } from './patience';
import { type Beginning, results, untilAborted } from './results';
import { Run, type RunItem } from './run';
import { QueueStore } from './stores/queue';
import { type ResultStore, usualRetention } from './stores/store';
import { Submitter } from './submitter';
import { TaskRegistry, travellingOptions } from './tasks';
import type { AnyTask, Task } from './tasks/task';
import { closed, Watcher } from './watcher';
import { readJob } from './wire/schema';

/** Options of a {@link Fleet}. */
export interface FleetOptions extends FleetConnectionOptions {
  /** Store in which the workers put large results; default: the server of the queue. */
  readonly store?: ResultStore | undefined;
  /** Tasks of your own, as the workers have them. */
  readonly tasks?: readonly AnyTask[] | undefined;
}

type Images<T> = (Iterable<T> | AsyncIterable<T>) & object;

/** Jobs that are with the queue at a time. */
const usualWindow = 1000;

/**
 * Gives work on disk images to the workers of a fleet.
 *
 * ```ts
 * const fleet = new Fleet({ redis: 'redis://queue.example' });
 * for await (const { image, report, error } of fleet.inspectAll(images)) console.log(image, report ?? error);
 * await fleet.close();
 * ```
 */
export class Fleet implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #queue: JobQueue;
  readonly #batches: Batches;
  readonly #tasks: TaskRegistry;
  readonly #ownStore: QueueStore | undefined;
  readonly #store: ResultStore;
  #watcher: Watcher | undefined;
  /** Runs that begin: what they ask of the server is waited for. */
  readonly #beginning = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: FleetOptions) {
    this.#connection = new Connection(options);
    this.#tasks = new TaskRegistry(options.tasks);
    this.#queue = this.#connection.queue();
    this.#batches = new Batches(() => this.#connection.queue(Batches.suffix));
    this.#ownStore = options.store ? undefined : new QueueStore(this.#connection.queue('-results'));
    this.#store = options.store ?? (this.#ownStore as QueueStore);
  }

  /**
   * As `inspectAll()` of guestfs, on the machines of the fleet: the same results, progress and errors. `concurrency` is
   * the number of images that are with the queue at a time. `keys`, `handleOptions` and `onHandle` are the workers'.
   *
   * @throws TypeError, RangeError as `inspectAll()`; FleetError `ERR_GUESTFS_FLEET_OPTION`
   */
  inspectAll<T extends Inspectable>(
    images: Images<T>,
    options: FleetInspectAllOptions<T> = {},
  ): FleetResults<InspectionResult<T>> {
    const { batch, changed, attempts, retention, ...inspection } = options;
    const { concurrency, onProgress, signal, keys, ...others } = checkAllOptions(inspection);
    const run = this.#start('inspectAll', this.#tasks.get('inspect'), images, {
      ...{ batch, changed, attempts, retention, concurrency, signal },
      onProgress: onProgress as FleetRunOptions<T>['onProgress'],
      options: { ...others, ...(inspection.keys === undefined ? {} : { keys }) },
    });
    return results(run, ({ value, ...came }) => ({ ...came, report: value as InspectionReport }));
  }

  /**
   * Lets the workers do a task on each of many images; yields the results in the order in which they come.
   *
   * @param task - name of a task that they know, or one of your own
   * @param images - each an image, or the list of all images of one guest; for a task that compares, an array of guests
   * @throws FleetError `ERR_GUESTFS_FLEET_TASK`, `ERR_GUESTFS_FLEET_OPTION`. The iteration rejects with an AbortError when
   * `signal` is aborted, and with the error of an iterable that fails
   */
  run<T, R = unknown, O = never>(
    task: string | Task<O, R>,
    images: Images<T>,
    options: FleetRunOptions<T> = {},
  ): FleetResults<FleetResult<T, R>> {
    const found = typeof task === 'string' ? this.#tasks.get(task) : (task as AnyTask);
    return results(this.#start(found.name, found, images, options), ({ value, ...came }) => ({
      ...came,
      result: value as R,
    }));
  }

  /**
   * Comes back to a batch: yields what has come, or comes still, of the jobs that had been given to the queue, but for
   * what its client had done with before. Its images are those of the jobs. To go on with images that had not been given
   * to the queue, call `run()` or `inspectAll()` with the same images, and the option `batch`.
   *
   * @param options - `all`: also what had been done with before
   * @throws FleetError `ERR_GUESTFS_FLEET_BATCH` when iterated, where there is none
   */
  batch<R = unknown>(
    id: string,
    options: Pick<FleetRunOptions, 'signal' | 'concurrency' | 'onProgress'> & {
      readonly all?: boolean | undefined;
    } = {},
  ): FleetResults<FleetResult<Inspectable, R>> {
    const begin = async () => {
      const batch = await this.#found(id);
      const task = this.#tasks.get(batch.plan.task);
      const source = this.#submitted(batch, options.all ?? false);
      const isCancelled = await this.#batches.isCancelled(id);
      return this.#runOf('batch', task, batch, source, { ...options, resumed: true, isCancelled });
    };
    return results(this.#noted({ id, begin }, 'batch', options.signal), ({ value, ...came }) => ({
      ...came,
      result: value as R,
    }));
  }

  /** Cancels a batch: what is queued, and what runs. Workers hear of it within a second. */
  async cancel(id: string): Promise<void> {
    const { plan } = await this.#found(id);
    await this.#batches.cancel(id, plan.retention);
  }

  /** The latest batches, the newest first. */
  async batches(most = 100): Promise<BatchStatus[]> {
    const found = await this.#batches.list(most);
    return await Promise.all(
      found.map(async ({ plan: { id, task }, created, sent, total, given }) => {
        const isCancelled = await this.#batches.isCancelled(id);
        return { id, task, created, sent, total, given: given.size, isCancelled };
      }),
    );
  }

  /** Numbers of jobs of the whole queue, by their state: `waiting`, `active`, `delayed`, `completed`, `failed`. */
  async counts(): Promise<Record<string, number>> {
    const ask = () => this.#queue.getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed');
    return await persist(this.#queue, ask);
  }

  /**
   * Lets the jobs of a batch that have failed be done again, also where it was cancelled; their results are given again.
   *
   * @returns their number
   */
  async retry(id: string): Promise<number> {
    const batch = await this.#found(id);
    await this.#batches.revive(id);
    let retried = 0;
    for (let index = 0; index < batch.sent; index++) {
      const job = await persist(this.#queue, () => this.#queue.getJob(batch.jobId(index)));
      if (!job?.finishedOn || job.returnvalue != null) continue;
      await persist(this.#queue, () => job.retry('failed', { resetAttemptsMade: true }));
      batch.given.delete(index);
      retried++;
    }
    await batch.save();
    return retried;
  }

  /** Ends the connections. Batches go on: {@link batch} comes back to them. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.leave(closed());
    await Promise.allSettled(this.#beginning);
    await this.#watcher?.close();
    await Promise.all([closeSoon(this.#queue), this.#batches.close(), this.#ownStore?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #found(id: string): Promise<Batch> {
    const batch = await this.#batches.find(id);
    if (batch) return batch;
    throw new FleetError('ERR_GUESTFS_FLEET_BATCH', `there is no batch ${id}, or it is kept no longer`);
  }

  #start<T>(operation: string, task: AnyTask, images: Images<T>, given: FleetRunOptions<T>) {
    const {
      batch: id = randomUUID(),
      changed = false,
      attempts = 3,
      retention = usualRetention,
      concurrency,
    } = given;
    const options = travellingOptions(task, given.options ?? {});
    checkCount(operation, 'attempts', attempts);
    checkCount(operation, 'retention', retention);
    checkCount(operation, 'concurrency', concurrency ?? 1);
    if (typeof images !== 'object' || images === null || !isIterable(images))
      throw Object.assign(new TypeError(`${operation}: the "images" argument must be iterable`), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    const total = Array.isArray(images) ? images.length : images instanceof Set ? images.size : undefined;
    const begin = async () => {
      const plan = { id, task: task.name, options, changed, attempts: task.writes ? 1 : attempts, retention };
      await this.#batches.clean();
      const batch = await this.#batches.begin(plan);
      if (batch.sent > 0 && (await this.#batches.isCancelled(id)))
        throw new FleetError(
          'ERR_GUESTFS_FLEET_CANCELLED',
          `the batch ${id} was cancelled: fleet.retry() lets it go on, or give this one another name`,
        );
      const resumed = batch.sent > 0;
      const source = itemsOf(operation, images, task, batch);
      // Of those alone that are still to be done.
      const left = total === undefined ? undefined : Math.max(total - batch.given.size, 0);
      return this.#runOf(operation, task, batch, source, { ...given, resumed, total: left });
    };
    return this.#noted({ id, begin }, operation, given.signal);
  }

  #noted<T>({ id, begin }: Beginning<T>, operation: string, signal?: AbortSignal): Beginning<T> {
    const noted = () => {
      if (this.#isClosed) return Promise.reject(closed());
      const run = untilAborted(begin, operation, signal);
      const settled = () => this.#beginning.delete(run);
      this.#beginning.add(run);
      run.then(settled, settled);
      return run;
    };
    return { id, begin: noted };
  }

  #runOf<T>(
    operation: string,
    task: AnyTask,
    batch: Batch,
    source: AsyncIterable<RunItem<T>>,
    {
      signal,
      concurrency,
      onProgress,
      resumed,
      total,
      isCancelled = false,
    }: FleetRunOptions<T> & { resumed: boolean; total?: number | undefined; isCancelled?: boolean },
  ): Run<T> {
    if (this.#isClosed) throw closed();
    this.#watcher ??= new Watcher(this.#connection, this.#queue);
    const tally = new Tally(total, onProgress as never) as Tally<never>;
    return new Run<T>(source, {
      ...{
        operation,
        batch,
        batches: this.#batches,
        queue: this.#queue,
        watcher: this.#watcher,
        store: this.#store,
      },
      submitter: new Submitter(this.#queue, batch),
      ...{
        window: concurrency ?? usualWindow,
        signal,
        tally,
        resumed,
        repeatable: !task.writes,
        isCancelled,
      },
      exhausted: (count) => tally.know(count),
      finish: (value, image) => {
        if (task.name === 'inspect') namedAsGiven(value as { images?: unknown }, image);
        return value;
      },
    });
  }

  /** The jobs of a batch that are with the queue; behind those that are known to be there may be some more. */
  async *#submitted(batch: Batch, all: boolean): AsyncGenerator<RunItem<Inspectable>, void, undefined> {
    for (let index = 0; ; index++) {
      if (!all && batch.given.has(index)) continue;
      const job = await persist(this.#queue, () => this.#queue.getJob(batch.jobId(index)));
      if (!job && index >= batch.sent) return;
      yield { image: job ? imageOf(job.data) : '', index };
    }
  }
}

function imageOf(data: unknown): Inspectable {
  try {
    const { guests } = readJob(data);
    const [guest = [], ...others] = guests;
    if (others.length > 0) return guests as never;
    const [disk, ...more] = guest;
    return disk && more.length === 0 && Object.keys(disk).length === 1 ? disk.path : guest;
  } catch {
    return '';
  }
}

async function* itemsOf<T>(
  operation: string,
  images: Images<T>,
  { guests = 1 }: AnyTask,
  batch: Batch,
): AsyncGenerator<RunItem<T>, void, undefined> {
  let index = 0;
  for await (const image of images as AsyncIterable<T>) {
    const at = index++;
    if (!batch.given.has(at)) yield { image, index: at, guests: () => guestsOf(operation, image, guests) };
  }
  batch.total = index;
}

function isIterable(images: object): boolean {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } =
    images as AsyncIterable<unknown> & Iterable<unknown>;
  return typeof asynchronous === 'function' || typeof synchronous === 'function';
}

function checkCount(operation: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw Object.assign(new RangeError(`${operation}: the option ${name} must be an integer >= 1`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}
