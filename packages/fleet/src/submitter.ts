// Gives jobs to the queue, many at a time.
import type { Batch } from './batch';
import { type JobQueue, persist } from './connection';
import { largestJob, type WireImage, type WireJob, wireVersion } from './wire/schema';

/** Jobs that are added by one call. */
const mostAtOnce = 500;

interface Waiting {
  readonly index: number;
  readonly guests: WireImage[][];
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

  /** Resolves when the job is in the queue; one that is there already stays what it is. */
  submit(index: number, guests: WireImage[][]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, guests, resolve, reject });
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
        this.#batch.sent = Math.max(this.#batch.sent, ...some.map(({ index }) => index + 1));
        await this.#batch.save();
        for (const { resolve } of some) resolve();
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#flushing = false;
  }

  #job({ index, guests }: Waiting) {
    const { id, task, options, changed, attempts, retention } = this.#batch.plan;
    const data: WireJob = {
      ...{ v: wireVersion, batch: id, index, task, guests, options },
      ...(changed && { changed }),
    };
    const kept = { age: Math.ceil(retention / 1000) };
    return {
      name: task,
      data,
      opts: {
        ...{ jobId: this.#batch.jobId(index), attempts, removeOnComplete: kept, removeOnFail: kept },
        backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
        ...{ sizeLimit: largestJob, stackTraceLimit: 0 },
      },
    };
  }
}
