// Gives jobs to the queue, many at a time.
import type { Batch } from './batch';
import type { JobQueue } from './connection';
import { FleetError } from './errors';
import { persist } from './patience';
import { largestJob, readJob, type WireImage, type WireJob, wireVersion } from './wire/schema';

/** Jobs that are added by one call. */
const mostAtOnce = 500;

interface Waiting {
  readonly data: WireJob;
  resolve(): void;
  reject(error: unknown): void;
}

export class Submitter {
  readonly #queue: JobQueue;
  readonly #batch: Batch;
  #waiting: Waiting[] = [];
  #flushing = false;

  constructor(queue: JobQueue, batch: Batch) {
    this.#queue = queue;
    this.#batch = batch;
  }

  /**
   * Resolves when the job is in the queue; one that is there already stays what it is.
   *
   * @throws FleetError ERR_GUESTFS_FLEET_PAYLOAD for what is no job: none else is kept from the queue by it
   */
  async submit(index: number, guests: WireImage[][]): Promise<void> {
    const data = this.#checked(index, guests);
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ data, resolve, reject });
      if (this.#flushing) return;
      this.#flushing = true;
      setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, mostAtOnce);
      try {
        await persist(this.#queue, () => this.#queue.addBulk(some.map((each) => this.#job(each))));
        this.#batch.sent = Math.max(this.#batch.sent, ...some.map(({ data }) => data.index + 1));
        await this.#batch.save();
        for (const { resolve } of some) resolve();
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#flushing = false;
  }

  #checked(index: number, guests: WireImage[][]): WireJob {
    const { id, task, options, changed } = this.#batch.plan;
    const job = readJob({
      ...{ v: wireVersion, batch: id, index, task, guests, options },
      ...(changed && { changed }),
    });
    const bytes = Buffer.byteLength(JSON.stringify(job));
    if (bytes <= largestJob) return job;
    throw new FleetError(
      'ERR_GUESTFS_FLEET_PAYLOAD',
      `the job has ${bytes} bytes, and ${largestJob} are the most: name fewer disks, or shorter ones`,
    );
  }

  #job({ data }: Waiting) {
    const { attempts, retention } = this.#batch.plan;
    const kept = { age: Math.ceil(retention / 1000) };
    return {
      name: data.task,
      data,
      opts: {
        ...{ jobId: this.#batch.jobId(data.index), attempts, removeOnComplete: kept, removeOnFail: kept },
        backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
        stackTraceLimit: 0,
      },
    };
  }
}
