// The records of NDJSON, as schemas/progress-1.json describes them.

/** Version of the records. Members may be added to a version; what is there keeps its meaning. */
export const recordVersion = 1;

export type RecordType = 'start' | 'phase' | 'progress' | 'end' | 'error' | 'note';

/** What every record begins with. @param now - milliseconds since 1970 */
export function recordHead(type: RecordType, now = steadyNow()) {
  return {
    version: recordVersion,
    type,
    time: new Date(now).toISOString(),
    monotonic: Math.round(performance.now() * 1000) / 1000,
  };
}

/** The time of day, but never set back: a heartbeat must not stop for that. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** A record as it is read: what a version that is not known may have added is left out. */
export interface ProgressRecord {
  readonly type: RecordType;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly monotonic: number;
  readonly run: string;
  readonly id: number;
  readonly parent: number | undefined;
  readonly kind: 'image' | 'operation';
  readonly label: string | undefined;
  readonly operation: string;
  readonly phase: string | undefined;
  readonly position: bigint;
  readonly total: bigint;
  readonly ratio: number;
  readonly pulse: boolean;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly message: string;
}

/** Reads a line of a log; undefined where it is no record of a version that is known. */
export function readRecord(line: string): ProgressRecord | undefined {
  const value = parsed(line);
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Record<string, unknown>;
  const time = typeof record.time === 'string' ? Date.parse(record.time) : Number.NaN;
  if (record.version !== recordVersion || !isType(record.type) || Number.isNaN(time)) return undefined;
  const { type } = record;
  const isTask = type !== 'error' && type !== 'note';
  if (isTask && (typeof record.id !== 'number' || typeof record.operation !== 'string')) return undefined;
  return {
    ...{ type, time },
    monotonic: number(record.monotonic),
    run: text(record.run) ?? '',
    id: number(record.id),
    parent: typeof record.parent === 'number' ? record.parent : undefined,
    kind: record.kind === 'image' ? 'image' : 'operation',
    label: text(record.label ?? record.image ?? record.path),
    operation: text(record.operation) ?? '',
    phase: text(record.phase),
    position: whole(record.position),
    total: whole(record.total),
    ratio: Math.min(Math.max(number(record.ratio), 0), 1),
    pulse: record.pulse === true,
    error: type === 'error' ? failure(record) : failure(record.error),
    message: text(record.message) ?? '',
  };
}

const types: readonly unknown[] = [
  ...['start', 'phase', 'progress', 'end', 'error', 'note'],
] satisfies readonly string[];

function isType(value: unknown): value is RecordType {
  return types.includes(value);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function whole(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : 0n;
}

function failure(value: unknown): ProgressRecord['error'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, message } = value as Record<string, unknown>;
  return { code: text(code) ?? 'ERR_GUESTFS', message: text(message) ?? '' };
}
