// What the server knows of a batch, the jobs of one run: with that a client can come back to it. The records are jobs of a
// queue of their own, which nobody works on: so they are kept the same way on Redis and on PostgreSQL.
import { isDeepStrictEqual } from 'node:util';
import type { Job } from 'bullmq';
import { z } from 'zod';
import type { JobQueue } from './connection';
import { FleetError } from './errors';
import { IntervalSet } from './intervals';
import { closeSoon, persist } from './patience';
import { batchId, taskName } from './wire/schema';

const count = z.int().min(0);

const recordSchema = z.strictObject({
  v: z.literal(1),
  id: batchId,
  task: taskName,
  options: z.record(z.string(), z.unknown()),
  changed: z.boolean(),
  attempts: z.int().min(1),
  /** Time for which finished jobs and their results are kept, milliseconds. */
  retention: count,
  /** Number of jobs that had been given to the queue when this was written; there may be more. */
  sent: count,
  /** Number of all images; null as long as the client has not come to their end. */
  total: count.nullable(),
  /** Results that the client has done with. */
  given: z.array(z.tuple([count, count])).refine(isAscending),
  created: z.number(),
  /** When it was written last. */
  saved: z.number(),
});

type BatchRecord = z.infer<typeof recordSchema>;
/** What a batch is to do. */
export type BatchPlan = Pick<BatchRecord, 'id' | 'task' | 'options' | 'changed' | 'attempts' | 'retention'>;

const markSchema = z.strictObject({ v: z.literal(1), saved: z.number(), retention: count });

const suffix = '-batches';
// No batch has a dot in its name: none is the mark of another, and BullMQ takes no numbers as names of jobs.
const recorded = (id: string) => `${id}.batch`;
const cancelled = (id: string) => `${id}.cancel`;
/** Records that are looked at by each run for those that are kept too long. */
const looksPerRun = 100;

/** The records of all batches. */
export class Batches {
  readonly #queue: JobQueue;

  constructor(open: (suffix: string) => JobQueue) {
    this.#queue = open(suffix);
  }

  /** The batch with this plan, or the one that is there already under its name. */
  async begin(plan: BatchPlan): Promise<Batch> {
    const found = (await this.find(plan.id)) ?? (await this.#add(plan));
    const { task, options } = found.plan;
    if (task !== plan.task)
      throw new FleetError('ERR_GUESTFS_FLEET_BATCH', `the batch ${plan.id} is one of ${task}`);
    if (!isDeepStrictEqual(options, plan.options))
      throw new FleetError(
        'ERR_GUESTFS_FLEET_BATCH',
        `the batch ${plan.id} has other options: give it those, or another name`,
      );
    return found;
  }

  /** Another client may have been quicker: then the batch is as that one has it. */
  async #add(plan: BatchPlan): Promise<Batch> {
    const now = Date.now();
    const record: BatchRecord = { v: 1, ...plan, sent: 0, total: null, given: [], created: now, saved: now };
    await persist(this.#queue, () => this.#queue.add('batch', record, { jobId: recorded(plan.id) }));
    return (await this.find(plan.id)) ?? new Batch(this.#queue, record);
  }

  async find(id: string): Promise<Batch | undefined> {
    if (!batchId.safeParse(id).success)
      throw new FleetError('ERR_GUESTFS_FLEET_BATCH', `${JSON.stringify(id)} cannot be the name of a batch`);
    const job = await persist(this.#queue, () => this.#queue.getJob(recorded(id)));
    if (!job) return undefined;
    const record = recordSchema.safeParse(job.data).data;
    if (record?.id === id) return new Batch(this.#queue, record);
    throw new FleetError(
      'ERR_GUESTFS_FLEET_BATCH',
      `the record of the batch ${id} cannot be read: a newer version has written it, or somebody else`,
    );
  }

  /** The latest batches, the newest first. */
  async list(most = 100): Promise<Batch[]> {
    const records: BatchRecord[] = [];
    for (let page = 0; records.length < most; page++) {
      const jobs = await this.#records(page, 2 * most, false);
      for (const job of jobs) {
        const record = recordSchema.safeParse(job.data).data;
        if (record) records.push(record);
      }
      if (jobs.length === 0) break;
    }
    return records
      .sort((a, b) => b.created - a.created)
      .slice(0, most)
      .map((record) => new Batch(this.#queue, record));
  }

  async isCancelled(id: string): Promise<boolean> {
    return (await this.#queue.getJob(cancelled(id))) !== undefined;
  }

  /** @param retention milliseconds for which the batch is kept */
  async cancel(id: string, retention: number): Promise<void> {
    const mark = { v: 1, saved: Date.now(), retention } satisfies z.infer<typeof markSchema>;
    await persist(this.#queue, () => this.#queue.add('cancel', mark, { jobId: cancelled(id) }));
  }

  /** Lets the jobs of a cancelled batch be done again. */
  async revive(id: string): Promise<void> {
    await persist(this.#queue, () => this.#queue.remove(cancelled(id)));
  }

  /**
   * Removes records that are kept long enough, each by its own retention. Of many it looks at some, others each time: as
   * each run does so, none stays for long, and no run waits for them all.
   */
  async clean(): Promise<void> {
    const count = await persist(this.#queue, () => this.#queue.getWaitingCount());
    const page = Math.floor(Math.random() * Math.ceil(count / looksPerRun));
    for (const job of await this.#records(page, looksPerRun, true)) {
      const kept = recordSchema.safeParse(job?.data).data ?? markSchema.safeParse(job?.data).data;
      if (kept && kept.saved + kept.retention < Date.now())
        await persist(this.#queue, () => this.#queue.remove(job.id as string));
    }
  }

  async #records(page: number, size: number, isOldestFirst: boolean): Promise<Job[]> {
    const [from, to] = [page * size, (page + 1) * size - 1];
    return await persist(this.#queue, () => this.#queue.getJobs(['waiting'], from, to, isOldestFirst));
  }

  async close(): Promise<void> {
    await closeSoon(this.#queue);
  }

  /** Name of the queue behind that of the fleet. */
  static readonly suffix = suffix;
}

/** A batch as a client sees it. */
export class Batch {
  readonly plan: BatchPlan;
  readonly created: Date;
  readonly given: IntervalSet;
  sent: number;
  total: number | null;
  readonly #queue: JobQueue;
  #saving: Promise<void> | undefined;
  #isDirty = false;

  constructor(queue: JobQueue, { v: _, saved: __, sent, total, given, created, ...plan }: BatchRecord) {
    this.#queue = queue;
    this.plan = plan;
    this.given = new IntervalSet(given);
    this.created = new Date(created);
    [this.sent, this.total] = [sent, total];
  }

  jobId(index: number): string {
    return `${this.plan.id}-${index}`;
  }

  /** Writes the record; what changes while that is under way is written together, afterwards. */
  save(): Promise<void> {
    this.#isDirty = true;
    this.#saving ??= this.#write();
    return this.#saving;
  }

  async #write(): Promise<void> {
    try {
      while (this.#isDirty) {
        this.#isDirty = false;
        await this.#writeOnce();
      }
    } finally {
      this.#saving = undefined;
    }
  }

  async #writeOnce(): Promise<void> {
    const { sent, total, plan, created } = this;
    const times = { created: created.getTime(), saved: Date.now() };
    const record = { v: 1, ...plan, sent, total, given: this.given.toJSON(), ...times };
    const job = await persist(this.#queue, () => this.#queue.getJob(recorded(plan.id)));
    // One that the server has lost with its memory is written anew.
    if (job) await persist(this.#queue, () => job.updateData(record));
    else await persist(this.#queue, () => this.#queue.add('batch', record, { jobId: recorded(plan.id) }));
  }
}

/** Whether each run ends before the next one begins. */
function isAscending(runs: readonly (readonly [number, number])[]): boolean {
  let last = -1;
  for (const [first, end] of runs) {
    if (first <= last || end <= first) return false;
    last = end;
  }
  return true;
}
