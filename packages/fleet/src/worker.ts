// The side of a fleet that works.
import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import type { Job, Worker } from 'bullmq';
import type { GuestfsOptions, VolumeKey } from 'guestfs';
import { Batches } from './batch';
import { capacity } from './capacity';
import { Connection, type FleetConnectionOptions } from './connection';
import { FleetError } from './errors';
import { type AllowedServer, checkedServers, checkRoots } from './images';
import { ImageLocks } from './locks';
import { closeSoon, persist } from './patience';
import { type Interruption, JobProcessor } from './processor';
import { QueueStore } from './stores/queue';
import type { ResultStore } from './stores/store';
import { TaskRegistry } from './tasks';
import type { AnyTask } from './tasks/task';
import { readJob, readOutcome } from './wire/schema';

/** Options of a {@link FleetWorker}. */
export interface FleetWorkerOptions extends FleetConnectionOptions {
  /** Folders below which images lie, as absolute paths: nothing outside of them is opened. Default: none. */
  readonly roots?: readonly string[] | undefined;
  /** Servers from which images are opened; default: none. */
  readonly servers?: readonly AllowedServer[] | undefined;
  /** Tasks of your own, beside `inspect`, `sbom`, `check`, `diff` and `checksum`. */
  readonly tasks?: readonly AnyTask[] | undefined;
  /** Keys to try on encrypted volumes. They stay on this machine. */
  readonly keys?: readonly (string | VolumeKey)[] | undefined;
  /** Options of the handles that are made. */
  readonly handleOptions?: GuestfsOptions | undefined;
  /** Number of jobs at a time; default: what cores and memory allow, measured again every ten seconds. */
  readonly concurrency?: number | undefined;
  /** Store for large results; default: the server of the queue. */
  readonly store?: ResultStore | undefined;
  /** Bytes of a result above which it goes to the store; default 16384. */
  readonly inlineBytes?: number | undefined;
  /** Milliseconds after which the job of a worker that is gone becomes another's; default 30000. */
  readonly lockMs?: number | undefined;
  /** Number of workers that a job may take with it before it is given up; default 2. */
  readonly deaths?: number | undefined;
  /** Milliseconds between two messages of a job's progress; default 1000. */
  readonly progressMs?: number | undefined;
  /** Name of the worker; default: that of the host, and the number of the process. */
  readonly workerName?: string | undefined;
}

/** A job that has ended on this worker, for logs and metrics. */
export interface FinishedJob {
  readonly task: string;
  readonly batch: string;
  readonly index: number;
  /** Time that it took, milliseconds. */
  readonly ms: number;
  readonly outcome: 'completed' | 'unchanged' | 'failed' | 'returned';
  /** Code of the failure. */
  readonly code?: string | undefined;
}

interface WorkerEvents {
  /** A job has begun. */
  started: [{ readonly task: string; readonly batch: string; readonly index: number }];
  /** A job has ended here: done, failed, or given back to the queue. */
  finished: [FinishedJob];
  /** Something is wrong with the server, or on the way to it; it is tried again. */
  problem: [Error];
}

/** Milliseconds between two looks at whether the batches of the jobs that run were cancelled. */
const cancelledEveryMs = 700;
const capacityEveryMs = 10_000;
/** Milliseconds for which a job that was interrupted is waited for. */
const deafMs = 10_000;
/** Milliseconds for which the server is waited for at the end. */
const closingMs = 10_000;
const longestName = 256;

/**
 * Does the jobs of a fleet, several at a time.
 *
 * ```ts
 * const worker = new FleetWorker({ redis: 'redis://queue.example', roots: ['/srv/images'] });
 * await worker.start();
 * process.once('SIGTERM', () => worker.drain());
 * ```
 */
export class FleetWorker extends EventEmitter<WorkerEvents> implements AsyncDisposable {
  /** Name of the worker. */
  readonly name: string;
  readonly #options: FleetWorkerOptions;
  readonly #tasks: TaskRegistry;
  readonly #worker: Worker;
  readonly #batches: Batches;
  readonly #ownStore: QueueStore | undefined;
  readonly #running = new Map<string, { readonly batch: string; readonly writes: boolean }>();
  /** When batches were last found not to be cancelled. */
  readonly #goingOn = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #locks: ImageLocks | undefined;
  #loop: Promise<void> | undefined;
  #isStarted = false;
  #isLooking = false;
  #draining: Promise<void> | undefined;
  /** Aborted when it is told to end. */
  readonly #ending = new AbortController();
  readonly #connection: Connection;
  #graceEnd = Number.POSITIVE_INFINITY;
  #capacity: ((running: number) => number) | undefined;

  constructor(options: FleetWorkerOptions) {
    super();
    const { roots = [], servers = [], concurrency, lockMs = 30_000, deaths = 2 } = options;
    const { inlineBytes = 16_384, progressMs = 1000 } = options;
    for (const root of roots)
      if (!isAbsolute(root))
        throw new FleetError(
          'ERR_GUESTFS_FLEET_OPTION',
          `a root must be an absolute path: ${JSON.stringify(root)}`,
        );
    checkIntegers({ concurrency, lockMs, deaths }, 1);
    checkIntegers({ inlineBytes, progressMs }, 0);
    this.#options = options;
    this.name = options.workerName ?? `${hostname()}-${process.pid}`;
    if (typeof this.name !== 'string' || this.name.length < 1 || this.name.length > longestName)
      throw new FleetError('ERR_GUESTFS_FLEET_OPTION', `workerName must have 1 to ${longestName} characters`);
    this.#tasks = new TaskRegistry(options.tasks);
    const connection = new Connection(options);
    this.#connection = connection;
    this.#batches = new Batches(() => connection.queue(Batches.suffix));
    this.#ownStore = options.store ? undefined : new QueueStore(connection.queue('-results'));
    const processor = new JobProcessor({
      ...{ worker: this.name, tasks: this.#tasks, allowed: { roots, servers: checkedServers(servers) } },
      ...{ keys: options.keys ?? [], handleOptions: options.handleOptions },
      store: options.store ?? (this.#ownStore as QueueStore),
      ...{ lockMs, inlineBytes, progressMs },
      isCancelled: (batch) => this.#isCancelled(batch),
      locks: () => {
        this.#locks ??= new ImageLocks((suffix) => connection.queue(suffix));
        return this.#locks;
      },
      observe: ({ task, batch, index }) => this.#tell('started', { task, batch, index }),
    });
    this.#worker = connection.worker(
      (job, token, signal) => this.#process(processor, job, token, signal as AbortSignal),
      {
        ...{ concurrency: concurrency ?? 1, lockDuration: lockMs, maxStalledCount: deaths - 1 },
        ...{ stalledInterval: Math.max(Math.floor(lockMs / 2), 100), runRetryDelay: 500, name: this.name },
      },
    );
    this.#worker.on('error', (error) => this.#tell('problem', error));
    this.#worker.on('lockRenewalFailed', (jobs) => {
      for (const id of jobs as string[]) this.#interrupt(id, 'lost');
    });
  }

  /**
   * Begins to work. Resolves when the server is reached, and when the worker is told to end before that.
   *
   * @throws FleetError `ERR_GUESTFS_FLEET_ROOT` where a root is not there, `ERR_GUESTFS_FLEET_SERVER`; the worker is closed then
   */
  async start(): Promise<void> {
    if (this.#isStarted || this.#draining)
      throw new FleetError('ERR_GUESTFS_FLEET_OPTION', 'a worker is started once: make another one');
    this.#isStarted = true;
    try {
      await this.#begin();
    } catch (error) {
      // Nobody can start it again, and its connections would keep the process.
      await this.close();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    await checkRoots(this.#options.roots ?? []);
    if (this.#options.concurrency === undefined) {
      this.#capacity = await capacity(this.#options.handleOptions);
      this.#adapt();
      this.#timers.push(setInterval(() => this.#adapt(), capacityEveryMs).unref());
    }
    const { signal } = this.#ending;
    try {
      await persist(this.#worker, () => this.#worker.waitUntilReady(), { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) return;
    this.#timers.push(setInterval(() => void this.#lookForCancelled(), cancelledEveryMs).unref());
    this.#loop = this.#worker.run().catch((error) => this.#tell('problem', error));
  }

  /** Number of jobs that run. */
  get running(): number {
    return this.#running.size;
  }

  /** Number of jobs that may run at a time. */
  get concurrency(): number {
    return this.#worker.concurrency;
  }

  /**
   * Ends in order: takes no more jobs, and lets those that run come to their end. After the grace they are interrupted and
   * given back to the queue, but for those that write: they are waited for. Called again, it shortens the grace.
   *
   * @param graceMs - milliseconds; default 30000
   */
  drain(graceMs = 30_000): Promise<void> {
    this.#graceEnd = Math.min(this.#graceEnd, performance.now() + graceMs);
    this.#ending.abort();
    this.#draining ??= this.#end();
    return this.#draining;
  }

  /** Ends at once: the jobs that run are given back to the queue, but for those that write, which are waited for. */
  close(): Promise<void> {
    return this.drain(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    await this.#worker.pause(true);
    await this.#untilIdle(() => performance.now() >= this.#graceEnd);
    for (const [id, { writes }] of this.#running) if (!writes) this.#interrupt(id, 'draining');
    const end = performance.now() + deafMs;
    await this.#untilIdle(() => performance.now() >= end && !this.#writes());
    for (const timer of this.#timers) clearInterval(timer);
    // Whatever does not hear its signal is left behind: its jobs are others' after the lock time.
    const isDeaf = this.#running.size > 0;
    const leave = () =>
      this.#connection.leave(new FleetError('ERR_GUESTFS_FLEET_CLOSED', 'the worker has ended'));
    await closeSoon(
      {
        close: () => this.#worker.close(isDeaf),
        leave,
        disconnect: () => this.#worker.disconnect(),
      },
      closingMs,
    );
    await closeSoon({ close: async () => await this.#loop }, 1000);
    // BullMQ goes on to renew locks, and keeps the process, while it waits for a server that is gone.
    // biome-ignore lint/complexity/useLiteralKeys: it is protected
    await closeSoon(this.#worker['lockManager'], 100);
    await Promise.all([this.#batches.close(), this.#ownStore?.close(), this.#locks?.close()]);
    leave();
  }

  async #untilIdle(isOver: () => boolean): Promise<void> {
    while (this.#running.size > 0 && !isOver()) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  #writes(): boolean {
    return [...this.#running.values()].some(({ writes }) => writes);
  }

  /** A listener that throws has nothing to do with the job. */
  #tell<K extends keyof WorkerEvents>(name: K, ...args: WorkerEvents[K]): void {
    queueMicrotask(() => this.emit(name, ...(args as never)));
  }

  async #process(processor: JobProcessor, job: Job, token: string | undefined, signal: AbortSignal) {
    const id = job.id as string;
    const { batch, task, index } = aboutOf(job);
    const began = performance.now();
    this.#running.set(id, { batch, writes: this.#tasks.writes(task) });
    const finished = (outcome: FinishedJob['outcome'], code?: string) =>
      this.#tell('finished', { task, batch, index, ms: performance.now() - began, outcome, code });
    try {
      // One more may be on its way when the worker is told to end.
      if (this.#draining) return await processor.giveBack(job, token);
      const outcome = await processor.process(job, token, signal);
      finished(readOutcome(outcome).unchanged ? 'unchanged' : 'completed');
      return outcome;
    } catch (error) {
      if ((error as Error).name === 'WaitingError') finished('returned');
      else finished('failed', (error as { code?: string }).code);
      throw error;
    } finally {
      this.#running.delete(id);
    }
  }

  #interrupt(id: string, why: Interruption): void {
    this.#worker.cancelJob(id, why);
  }

  #adapt(): void {
    if (this.#capacity) this.#worker.concurrency = this.#capacity(this.#running.size);
  }

  async #lookForCancelled(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#interruptCancelled();
    this.#isLooking = false;
  }

  async #interruptCancelled(): Promise<void> {
    const batches = new Set([...this.#running.values()].map(({ batch }) => batch));
    for (const batch of batches) {
      if (!(await this.#isCancelled(batch).catch(() => false))) continue;
      for (const [id, running] of this.#running)
        if (running.batch === batch) this.#interrupt(id, 'cancelled');
    }
  }

  /** Asked for each job, so not each time of the server; one that was cancelled may go on at any time. */
  async #isCancelled(batch: string): Promise<boolean> {
    if (performance.now() - (this.#goingOn.get(batch) ?? Number.NEGATIVE_INFINITY) < cancelledEveryMs / 2)
      return false;
    if (await this.#batches.isCancelled(batch)) return true;
    if (this.#goingOn.size > 1000) this.#goingOn.clear();
    this.#goingOn.set(batch, performance.now());
    return false;
  }
}

function checkIntegers(options: Readonly<Record<string, number | undefined>>, least: number): void {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new FleetError('ERR_GUESTFS_FLEET_OPTION', `${name} must be an integer >= ${least}`);
}

/** What a job that may be anything says that it is. */
function aboutOf(job: Job): { batch: string; task: string; index: number } {
  try {
    return readJob(job.data);
  } catch {
    return { batch: '', task: 'unreadable', index: -1 };
  }
}
