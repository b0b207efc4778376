// How a client hears what becomes of its jobs: by the events of the queue and, as these may be missed, by looking at each
// job from time to time. They are missed while the server or the network is away, and on PostgreSQL at any time: there an
// event has its number before it is seen, and readers pass by one that is seen after its successor.
import type { Job, QueueEvents } from 'bullmq';
import type { Connection, JobQueue } from './connection';
import { FleetError } from './errors';
import { closeSoon, persist } from './patience';
import { readNews } from './wire/schema';

/** End of a job: what its worker has returned, or the job that has failed. */
export type Ended = { readonly returned: unknown } | { readonly failed: Job };

export interface JobListener {
  /** The job has begun; it may begin again, on another worker. */
  active(): void;
  progress(event: unknown): void;
  /** The server knows no such job. */
  missing(): void;
  /** There will be no more news, as the client is closed. */
  gone(error: Error): void;
  ended(end: Ended): void;
}

interface Watched {
  readonly listener: JobListener;
  lookedAt: number;
}

/** Milliseconds between two looks at a job from which nothing is heard: the more jobs there are, the more, … */
const patienceMsPerJob = 10;
/** … but within these. */
const patienceMs = { least: 400, most: 10_000 };
/** Milliseconds after which events are heard, once that has begun: what has ended before is looked for. */
const listeningMs = [150, 600];
/** Jobs that are looked at at a time. */
const looksAtOnce = 64;

export class Watcher {
  readonly #connection: Connection;
  readonly #queue: JobQueue;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #events: QueueEvents | undefined;
  isClosed = false;
  #isLooking = false;

  constructor(connection: Connection, queue: JobQueue) {
    this.#connection = connection;
    this.#queue = queue;
    void this.#listen();
    this.#timer = setInterval(() => void this.#look(), patienceMs.least).unref();
  }

  /** @param look look at once: the job may have ended before */
  watch(jobId: string, listener: JobListener, look: boolean): () => void {
    if (this.isClosed) listener.gone(closed());
    else
      this.#watched.set(jobId, { listener, lookedAt: look ? Number.NEGATIVE_INFINITY : performance.now() });
    if (look) setImmediate(() => void this.#look());
    return () => this.#watched.delete(jobId);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.#timer);
    for (const { listener } of this.#watched.values()) listener.gone(closed());
    this.#watched.clear();
    await closeSoon(this.#events);
  }

  /** The loop of events ends when something goes wrong on the way: then there is another. */
  async #listen(): Promise<void> {
    while (!this.isClosed) {
      const events = this.#connection.events();
      this.#events = events;
      events.on('active', ({ jobId }) => this.#heard(jobId)?.active());
      events.on('progress', ({ jobId, data }) => this.#news(jobId, data));
      events.on('completed', ({ jobId, returnvalue }) => this.#end(jobId, { returned: returnvalue }));
      events.on('failed', ({ jobId }) => void this.#lookAt(jobId));
      const timers = listeningMs.map((ms) => setTimeout(() => this.#lookAtAll(), ms).unref());
      await events.run().catch(() => undefined);
      for (const timer of timers) clearTimeout(timer);
      if (this.isClosed) return;
      await events.close().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  #heard(jobId: string): JobListener | undefined {
    const watched = this.#watched.get(jobId);
    if (watched) watched.lookedAt = performance.now();
    return watched?.listener;
  }

  #news(jobId: string, data: unknown): void {
    const listener = this.#heard(jobId);
    const news = listener && readNews(data);
    if (news?.kind === 'progress') listener?.progress(news.event);
  }

  #end(jobId: string, end: Ended): void {
    const { listener } = this.#watched.get(jobId) ?? {};
    this.#watched.delete(jobId);
    listener?.ended(end);
  }

  #lookAtAll(): void {
    for (const watched of this.#watched.values()) watched.lookedAt = Number.NEGATIVE_INFINITY;
    void this.#look();
  }

  #patience(): number {
    const { least, most } = patienceMs;
    return Math.min(Math.max(this.#watched.size * patienceMsPerJob, least), most);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const since = performance.now() - this.#patience();
      const due = [...this.#watched].filter(([, { lookedAt }]) => lookedAt < since).map(([jobId]) => jobId);
      while (due.length > 0 && !this.isClosed)
        await Promise.all(due.splice(0, looksAtOnce).map((jobId) => this.#lookAt(jobId)));
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(jobId: string): Promise<void> {
    const listener = this.#heard(jobId);
    if (!listener) return;
    try {
      const job = await persist(this.#queue, () => this.#queue.getJob(jobId));
      if (!job) this.#watched.get(jobId)?.listener.missing();
      else if (!job.finishedOn) job.processedOn && listener.active();
      // The reason of an earlier failure may be there still, and only what has come to its end has a value.
      else this.#end(jobId, job.returnvalue == null ? { failed: job } : { returned: job.returnvalue });
    } catch {
      // The server is away for long: the next look finds it, or the one after that.
    }
  }
}

export function closed(): FleetError {
  return new FleetError(
    'ERR_GUESTFS_FLEET_CLOSED',
    'the fleet was closed; its batches go on, and fleet.batch(id) comes back',
  );
}
