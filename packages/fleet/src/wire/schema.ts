// What goes through the queue: the only contract between the machines of a fleet. Each side checks what it is given, for
// whoever can write to the queue can write anything.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { FleetError } from '../errors';
import { decode } from './codec';

/** Version of the contract. A worker does jobs of this version and of those before, and refuses newer ones. */
export const wireVersion = 1;

const noNul = (text: string) => !text.includes('\0');
const path = z.string().min(1).max(4096).refine(noNul, 'must not contain a NUL character');

/** Name of a batch: a part of the names of its jobs. */
export const batchId = z.string().regex(/^[A-Za-z\d][\w-]{0,63}$/);
export const taskName = z.string().regex(/^[a-z][a-z\d._-]{0,63}$/);

/** Nothing of an image but what it is called and what it is: what may be opened, and with which secrets, the worker says. */
const image = z.strictObject({
  path,
  format: z.string().max(32).regex(/^\w+$/).optional(),
  blocksize: z.union([z.literal(512), z.literal(4096)]).optional(),
});

/** The disks of each guest: one guest, or several for a task that compares. */
const guestsSchema = z.array(z.array(image).min(1).max(256)).min(1).max(16);

const jobSchema = z.strictObject({
  v: z.literal(wireVersion),
  batch: batchId,
  index: z.int().min(0),
  task: taskName,
  guests: guestsSchema,
  options: z.record(z.string().max(256), z.unknown()),
  /** Whether a result that is there already will do, where the images have not changed. */
  changed: z.boolean().optional(),
});

const errorSchema = z.strictObject({
  name: z.string().max(256),
  code: z.string().max(256).optional(),
  message: z.string().max(65536),
  operation: z.string().max(256).optional(),
  errno: z.int().optional(),
  shortMessage: z.string().max(65536).optional(),
  hint: z.string().max(65536).optional(),
});

const outcomeSchema = z.strictObject({
  v: z.literal(wireVersion),
  /** What the result is of: {@link digestOf} the guests of the job. */
  of: z.string().max(64),
  /** The result, encoded; or the key under which the store has it. */
  result: z.unknown().optional(),
  ref: z.string().max(1024).optional(),
  worker: z.string().max(256),
  /** Time that the work took, milliseconds. */
  ms: z.number().min(0),
  /** Whether the result had been there, for the images had not changed. */
  unchanged: z.boolean().optional(),
});

const newsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ v: z.literal(wireVersion), kind: z.literal('progress'), event: z.unknown() }),
  z.strictObject({
    v: z.literal(wireVersion),
    kind: z.literal('failed'),
    /** How often the job had been begun when it failed: an older failure says nothing of a later start. */
    attempt: z.int(),
    error: errorSchema,
    /** Whether a job that writes had begun with that. */
    begun: z.boolean().optional(),
  }),
  /** A job that writes begins with that now. */
  z.strictObject({ v: z.literal(wireVersion), kind: z.literal('begun') }),
]);

export type WireImage = z.infer<typeof image>;
export type WireJob = z.infer<typeof jobSchema>;
export type WireOutcome = z.infer<typeof outcomeSchema>;
export type WireNews = z.infer<typeof newsSchema>;

/** Bytes of a job as JSON. */
export const largestJob = 256 * 1024;

/** @throws FleetError ERR_GUESTFS_FLEET_VERSION, ERR_GUESTFS_FLEET_PAYLOAD */
export function readJob(data: unknown): WireJob {
  const version = versionOf(data);
  if (version !== undefined && version > wireVersion)
    throw new FleetError(
      'ERR_GUESTFS_FLEET_VERSION',
      `the job is of version ${version}, and this worker knows those up to ${wireVersion}: give the workers the version of @guestfs/fleet that the client has`,
    );
  return read(jobSchema, data, 'ERR_GUESTFS_FLEET_PAYLOAD', 'the job is none');
}

/** @throws FleetError ERR_GUESTFS_FLEET_VERSION, ERR_GUESTFS_FLEET_RESULT */
export function readOutcome(data: unknown): WireOutcome {
  const version = versionOf(data);
  if (version !== undefined && version > wireVersion)
    throw new FleetError(
      'ERR_GUESTFS_FLEET_VERSION',
      `the result is of version ${version}, and this client knows those up to ${wireVersion}`,
    );
  return read(outcomeSchema, data, 'ERR_GUESTFS_FLEET_RESULT', 'what came as a result is none');
}

/** Undefined for what is no news: progress is worth no failure. */
export function readNews(data: unknown): WireNews | undefined {
  return newsSchema.safeParse(data).data;
}

const eventSchema = z.looseObject({
  operation: z.string().max(256),
  ...{ procNr: z.number(), serial: z.number(), ratio: z.number() },
  ...{ position: z.bigint(), total: z.bigint(), pulse: z.boolean() },
});

/** An event of progress as it was encoded; undefined for what is none. */
export function readEvent(json: unknown): z.infer<typeof eventSchema> | undefined {
  try {
    return eventSchema.safeParse(decode(json)).data;
  } catch {
    return undefined;
  }
}

/** Tells the guests of jobs apart. */
export function digestOf(guests: unknown): string | undefined {
  const read = guestsSchema.safeParse(guests).data;
  const images = read?.map((guest) => guest.map(({ path, format, blocksize }) => [path, format, blocksize]));
  return images && createHash('sha256').update(JSON.stringify(images)).digest('base64url').slice(0, 22);
}

function versionOf(data: unknown): number | undefined {
  const version = typeof data === 'object' && data !== null ? (data as { v?: unknown }).v : undefined;
  return Number.isSafeInteger(version) ? (version as number) : undefined;
}

function read<T>(
  schema: z.ZodType<T>,
  data: unknown,
  code: 'ERR_GUESTFS_FLEET_PAYLOAD' | 'ERR_GUESTFS_FLEET_RESULT',
  what: string,
): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.length ? ` at ${issue.path.slice(0, 5).map(String).join('.').slice(0, 100)}` : '';
  throw new FleetError(code, `${what}${place}: ${(issue?.message ?? 'it is malformed').slice(0, 200)}`);
}
