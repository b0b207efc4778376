// One job at a time writes to an image, in the whole fleet. A claim is a record on the server, which counts as long as the job
// that has made it runs: so nothing is left locked by a worker that dies. Each claims first, and looks then who else has: of
// two at the same time each sees the other, and both try again a little later.
import { realpath } from 'node:fs/promises';
import type { Job } from 'bullmq';
import type { ImageFile } from 'guestfs';
import { z } from 'zod';
import type { JobQueue } from './connection';
import { closeSoon, persist } from './patience';

const claimSchema = z.strictObject({
  v: z.literal(1),
  /** Name of the job. */
  job: z.string().max(256),
  images: z.array(z.string().max(4096)).max(4096),
});

/** Milliseconds between two tries, at least and at most. */
const [shortest, longest] = [300, 1200];
/** Claims that are looked at: as many jobs may write at a time. */
const mostClaims = 10_000;
/** Milliseconds after which a claim is looked at whatever it is of: nobody may ever ask for its images again. */
const oldMs = 3_600_000;

export class ImageLocks {
  readonly #claims: JobQueue;
  readonly #jobs: JobQueue;

  constructor(open: (suffix: string) => JobQueue) {
    this.#claims = open('-locks');
    this.#jobs = open('');
  }

  /**
   * Waits until nobody else writes to the images, and keeps others from it.
   *
   * @returns what gives the images free
   */
  async hold(
    { id, attemptsStarted }: Pick<Job, 'id' | 'attemptsStarted'>,
    guests: readonly (readonly ImageFile[])[],
    signal: AbortSignal,
  ): Promise<() => Promise<void>> {
    const images = await Promise.all(guests.flat().map(nameOf));
    const job = id as string;
    const options = { jobId: `${job}-${attemptsStarted}.lock` };
    const claim = { v: 1, job, images } satisfies z.infer<typeof claimSchema>;
    const release = () => persist(this.#claims, () => this.#claims.remove(options.jobId));
    for (;;) {
      await persist(this.#claims, () => this.#claims.add('lock', claim, options), { signal });
      try {
        signal.throwIfAborted();
        if (!(await this.#isClaimed(job, new Set(images), signal))) return async () => void (await release());
      } catch (error) {
        await release();
        throw error;
      }
      await release();
      await pause(shortest + Math.random() * (longest - shortest), signal);
    }
  }

  async close(): Promise<void> {
    await Promise.all([closeSoon(this.#claims), closeSoon(this.#jobs)]);
  }

  /** Whether a job that runs has claimed one of the images; claims of others are removed. */
  async #isClaimed(job: string, images: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const ask = () => this.#claims.getJobs(['waiting'], 0, mostClaims);
    for (const record of await persist(this.#claims, ask, { signal })) {
      const claim = claimSchema.safeParse(record?.data).data;
      if (!claim || claim.job === job) continue;
      const isOfThese = claim.images.some((image) => images.has(image));
      if (!isOfThese && Date.now() - record.timestamp < oldMs) continue;
      const state = await persist(this.#jobs, () => this.#jobs.getJobState(claim.job), { signal });
      if (state === 'active' && isOfThese) return true;
      if (state === 'active') continue;
      await persist(this.#claims, () => this.#claims.remove(record.id as string), { signal });
    }
    return false;
  }
}

/** What two names of one image have in common. */
async function nameOf({ path }: ImageFile): Promise<string> {
  return await realpath(path).catch(() => path);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
