// One job, from what the queue says of it to what the queue is told.
import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import type { GuestfsOptions, ImageFile, VolumeKey } from 'guestfs';
import { FleetError, toWire, wasCancelled } from './errors';
import { isMachineFault } from './faults';
import { identityOf } from './identity';
import { type AllowedImages, allowedImage } from './images';
import type { ImageLocks } from './locks';
import { isPassing, persist } from './patience';
import type { ResultStore } from './stores/store';
import { checkTaskOptions, type TaskRegistry } from './tasks';
import type { AnyTask } from './tasks/task';
import { Throttle } from './throttle';
import { encode } from './wire/codec';
import {
  digestOf,
  readJob,
  readNews,
  type WireJob,
  type WireNews,
  type WireOutcome,
  wireVersion,
} from './wire/schema';

/** Why a job is interrupted that runs: the reason of its signal. */
export type Interruption = 'cancelled' | 'draining' | 'lost';

export interface ProcessorParts {
  readonly worker: string;
  readonly tasks: TaskRegistry;
  readonly allowed: AllowedImages;
  readonly keys: readonly (string | VolumeKey)[];
  readonly handleOptions: GuestfsOptions | undefined;
  readonly store: ResultStore;
  /** Locks of images that jobs write to. */
  readonly locks: () => ImageLocks;
  /** Bytes of a result that still goes through the queue itself. */
  readonly inlineBytes: number;
  /** Milliseconds after which a job becomes another's whose worker is gone. */
  readonly lockMs: number;
  readonly progressMs: number;
  readonly isCancelled: (batch: string) => Promise<boolean>;
  /** Hears of each job that begins. */
  readonly observe: (job: WireJob) => void;
}

interface Work {
  readonly job: Job;
  readonly token: string | undefined;
  readonly wire: WireJob;
  readonly task: AnyTask;
  readonly signal: AbortSignal;
}

/** Failure after which the engine does not try again. What it keeps of it is a text, for people. */
class FailedJob extends UnrecoverableError {
  readonly code: string | undefined;

  constructor(error: Error & { code?: unknown }) {
    super(textOf(error));
    this.code = typeof error.code === 'string' ? error.code : undefined;
  }
}

/** Failure after which the engine tries again, as often as the job allows. */
class RetriedJob extends Error {
  readonly code: string | undefined;

  constructor(error: Error & { code?: unknown }) {
    super(textOf(error));
    this.code = typeof error.code === 'string' ? error.code : undefined;
  }
}

function textOf({ code, message }: Error & { code?: unknown }): string {
  return `${message} (${typeof code === 'string' ? code : 'no code'})`.slice(0, 1000);
}

/** Milliseconds for which a job is tried to be given back; else it is another's after the lock time. */
const givingBackMs = 5000;

/** Milliseconds for which it is tried to tell why a job has failed. */
const tellingMs = 30_000;

/** Bytes of a result that any store takes. */
const largestResult = 128 * 2 ** 20;

export class JobProcessor {
  readonly #parts: ProcessorParts;

  constructor(parts: ProcessorParts) {
    this.#parts = parts;
  }

  async process(job: Job, token: string | undefined, signal: AbortSignal): Promise<WireOutcome> {
    let task: AnyTask | undefined;
    try {
      const wire = readJob(job.data);
      task = this.#parts.tasks.get(wire.task);
      this.#parts.observe(wire);
      return await this.#work({ job, token, wire, task, signal });
    } catch (error) {
      const why = signal.aborted ? (signal.reason as Interruption) : undefined;
      // What another worker has now is that one's to tell of: it may have noted that it has begun to write.
      if (why === 'lost' || (task?.writes && !(await this.#isOurs(job, token)))) throw error;
      if (why === 'draining' && !(task?.writes && hadBegun(job))) {
        return await this.giveBack(job, token);
      }
      const told = why === 'cancelled' ? wasCancelled() : (error as Error & { code?: unknown });
      await this.#tellFailure(job, told);
      const isRetried = (isMachineFault(told) || isPassing(told)) && !task?.writes;
      throw new (isRetried ? RetriedJob : FailedJob)(told);
    }
  }

  async #work({ job, token, wire, task, signal }: Work): Promise<WireOutcome> {
    const { worker, allowed, isCancelled } = this.#parts;
    const options = checkTaskOptions(task, wire.options);
    if (wire.guests.length !== (task.guests ?? 1))
      throw new FleetError(
        'ERR_GUESTFS_FLEET_PAYLOAD',
        `${task.name} takes ${task.guests ?? 1} guests, and not ${wire.guests.length}`,
      );
    // A server that restarts is nothing that the job has to do with, and costs it no attempt.
    if (await persist(undefined, () => isCancelled(wire.batch), { signal })) throw wasCancelled();
    if (task.writes && hadBegun(job))
      throw new FleetError(
        'ERR_GUESTFS_FLEET_NOT_REPEATED',
        'the job writes, and had been begun before: whether it was done is not known, so it is not done again',
      );
    const began = performance.now();
    const guests: ImageFile[][] = [];
    for (const guest of wire.guests) {
      const images: ImageFile[] = [];
      for (const image of guest) images.push(await allowedImage(image, allowed));
      guests.push(images);
    }
    const of = digestOf(wire.guests) ?? '';
    const head = () => ({ v: wireVersion, of, worker, ms: Math.round(performance.now() - began) }) as const;
    const identity = task.writes ? undefined : await this.#identity(wire, guests, signal);
    if (
      wire.changed &&
      identity !== undefined &&
      (await persist(undefined, () => this.#parts.store.get(identity), { isStore: true, signal }))
    )
      return { ...head(), ref: identity, unchanged: true };
    const release = task.writes ? await this.#beginWriting(job, token, guests, signal) : undefined;
    const result = await this.#result(job, task, { options, guests, signal }).finally(release);
    signal.throwIfAborted();
    return {
      ...head(),
      ...(await this.#kept(
        result,
        identity ?? `${wire.batch}-${wire.index}`,
        identity !== undefined,
        signal,
      )),
    };
  }

  /** Waits until nobody else writes to the images, and notes that from now on the job may have been done. */
  async #beginWriting(
    job: Job,
    token: string | undefined,
    guests: ImageFile[][],
    signal: AbortSignal,
  ): Promise<() => Promise<void>> {
    const release = await this.#parts.locks().hold(job, guests, signal);
    try {
      // It may have become another worker's meanwhile, which has begun.
      if ((await job.extendLock(token ?? '', this.#parts.lockMs)) !== 1)
        throw new Error('the job is not ours');
      const news = { v: wireVersion, kind: 'begun' } satisfies WireNews;
      await persist(undefined, () => job.updateProgress(news), { signal });
      return release;
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Whether the job is this worker's, and stays so for the lock time; false where that could not be found out. */
  async #isOurs(job: Job, token: string | undefined): Promise<boolean> {
    const extend = () => job.extendLock(token ?? '', this.#parts.lockMs);
    return (await persist(undefined, extend, { patienceMs: tellingMs }).catch(() => 0)) === 1;
  }

  /** Gives a job back to the queue as if it had not been taken. */
  async giveBack(job: Job, token: string | undefined): Promise<never> {
    await persist(undefined, () => job.moveToWait(token), { patienceMs: givingBackMs });
    throw new WaitingError();
  }

  /** Only where it is asked for: it takes a look at all files of the image. */
  async #identity(wire: WireJob, guests: ImageFile[][], signal: AbortSignal): Promise<string | undefined> {
    if (!wire.changed) return undefined;
    const { task, options } = wire;
    return await identityOf({ task, options, keys: this.#parts.keys }, guests, signal);
  }

  async #result(
    job: Job,
    task: AnyTask,
    {
      options,
      guests,
      signal,
    }: { options: Record<string, unknown>; guests: ImageFile[][]; signal: AbortSignal },
  ): Promise<unknown> {
    const { keys, handleOptions, progressMs } = this.#parts;
    const progress = new Throttle<unknown>(progressMs, async (event) =>
      job.updateProgress({ v: wireVersion, kind: 'progress', event: encode(event) } satisfies WireNews),
    );
    try {
      const [images = []] = guests;
      const onProgress = (event: unknown) => void (signal.aborted || progress.put(event));
      return await task.run({ images, guests, options, signal, onProgress, keys, handleOptions });
    } finally {
      await progress.end();
    }
  }

  /** Small results go through the queue; large ones, and those that may be asked for again, are kept in the store. */
  async #kept(
    result: unknown,
    key: string,
    isForLater: boolean,
    signal: AbortSignal,
  ): Promise<Pick<WireOutcome, 'result' | 'ref'>> {
    const encoded = encodedOf(result);
    const bytes = Buffer.from(JSON.stringify(encoded));
    if (bytes.length > largestResult)
      throw new FleetError(
        'ERR_GUESTFS_FLEET_RESULT',
        `the result has ${bytes.length} bytes, and ${largestResult} are the most`,
      );
    if (bytes.length <= this.#parts.inlineBytes && !isForLater) return { result: encoded };
    await persist(undefined, () => this.#parts.store.put(key, bytes), { isStore: true, signal });
    return { ref: key };
  }

  /** Told before the job fails: as data, where the engine keeps a text alone. */
  async #tellFailure(job: Job, error: Error): Promise<void> {
    const news = {
      v: wireVersion,
      kind: 'failed',
      attempt: job.attemptsStarted,
      error: toWire(error),
      begun: hadBegun(job),
    } satisfies WireNews;
    await persist(undefined, () => job.updateProgress(news), { patienceMs: tellingMs }).catch(
      () => undefined,
    );
  }
}

function encodedOf(result: unknown): unknown {
  try {
    return encode(result) ?? null;
  } catch (cause) {
    throw new FleetError(
      'ERR_GUESTFS_FLEET_RESULT',
      `what the task has returned: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Whether a job that writes may have written already; what cannot be read tells no less. */
function hadBegun({ progress }: Job): boolean {
  if (progress === 0 || progress === undefined || progress === null) return false;
  const news = readNews(progress);
  return !(news?.kind === 'failed' && news.begun === false);
}
