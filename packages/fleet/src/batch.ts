// What the server knows of a batch, the jobs of one run: with that a client can come back to it. The records are jobs of a
// queue of their own, which nobody works on: so they are kept the same way on Redis and on PostgreSQL.
import { z } from 'zod';
import { type JobQueue, persist } from './connection';
import { FleetError } from './errors';
import { IntervalSet } from './intervals';
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
  given: z.array(z.tuple([count, count])),
  created: z.number(),
});

type BatchRecord = z.infer<typeof recordSchema>;
/** What a batch is to do. */
export type BatchPlan = Pick<BatchRecord, 'id' | 'task' | 'options' | 'changed' | 'attempts' | 'retention'>;

const suffix = '-batches';
const cancelled = (id: string) => `${id}-cancel`;

/** The records of all batches. */
export class Batches {
  readonly #queue: JobQueue;

  constructor(open: (suffix: string) => JobQueue) {
    this.#queue = open(suffix);
  }

  /** The batch with this plan, or the one that is there already under its name. */
  async begin(plan: BatchPlan): Promise<Batch> {
    const existing = await this.find(plan.id);
    if (existing) {
      if (existing.plan.task === plan.task) return existing;
      throw new FleetError('ERR_GUESTFS_FLEET_BATCH', `the batch ${plan.id} is one of ${existing.plan.task}`);
    }
    const record: BatchRecord = { v: 1, ...plan, sent: 0, total: null, given: [], created: Date.now() };
    await persist(this.#queue, () => this.#queue.add('batch', record, { jobId: plan.id }));
    return new Batch(this.#queue, record);
  }

  async find(id: string): Promise<Batch | undefined> {
    if (!batchId.safeParse(id).success)
      throw new FleetError('ERR_GUESTFS_FLEET_BATCH', `${JSON.stringify(id)} cannot be the name of a batch`);
    const job = await persist(this.#queue, () => this.#queue.getJob(id));
    return job && new Batch(this.#queue, recordSchema.parse(job.data));
  }

  /** The latest batches, the newest first. */
  async list(most = 100): Promise<Batch[]> {
    const jobs = await persist(this.#queue, () => this.#queue.getJobs(['waiting'], 0, 2 * most, false));
    const records = jobs
      .map((job) => recordSchema.safeParse(job?.data).data)
      .filter((each) => each !== undefined);
    return records
      .sort((a, b) => b.created - a.created)
      .slice(0, most)
      .map((record) => new Batch(this.#queue, record));
  }

  async isCancelled(id: string): Promise<boolean> {
    return (await this.#queue.getJob(cancelled(id))) !== undefined;
  }

  async cancel(id: string): Promise<void> {
    await persist(this.#queue, () => this.#queue.add('cancel', { v: 1 }, { jobId: cancelled(id) }));
  }

  /** Lets the jobs of a cancelled batch be done again. */
  async revive(id: string): Promise<void> {
    await persist(this.#queue, () => this.#queue.remove(cancelled(id)));
  }

  /** Removes records that are older than their batches are kept. */
  async clean(olderThanMs: number): Promise<void> {
    await persist(this.#queue, () => this.#queue.clean(olderThanMs, 10_000, 'wait'));
  }

  async close(): Promise<void> {
    await this.#queue.close();
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

  constructor(queue: JobQueue, { v: _, sent, total, given, created, ...plan }: BatchRecord) {
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
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #write(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const { sent, total, plan, created } = this;
      const record = { v: 1, ...plan, sent, total, given: this.given.toJSON(), created: created.getTime() };
      const job = await persist(this.#queue, () => this.#queue.getJob(plan.id));
      // One that the server has lost with its memory is written anew.
      if (job) await persist(this.#queue, () => job.updateData(record));
      else await persist(this.#queue, () => this.#queue.add('batch', record, { jobId: plan.id }));
    }
  }
}
