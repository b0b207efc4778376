// Waiting for a server: it may be restarting, and it may be gone.
import { setMaxListeners } from 'node:events';
import { FleetError } from './errors';

const farewellMs = 2000;

/** Milliseconds, at most, until a lost server is looked for again. */
export const longestRetryMs = 2000;

/** What is known of the way to a server by all who ask over it. */
export class Line {
  readonly #leaving = new AbortController();
  readonly #refused = new Set<() => void>();
  #problem: Error | undefined;

  constructor() {
    // Each who waits for the server listens.
    setMaxListeners(0, this.#leaving.signal);
  }

  /** Lets `persist()` know that an object of BullMQ asks over this line. */
  carries<T extends object>(asked: T): T {
    lines.set(asked, this);
    return asked;
  }

  /** Ends the waiting of all who ask. */
  leave(reason: Error): void {
    this.#leaving.abort(reason);
  }

  get left(): AbortSignal {
    return this.#leaving.signal;
  }

  /** What went wrong last; ioredis tells whoever asks nothing of it. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Whether the server lets nobody in: to wait changes nothing. */
  get isRefused(): boolean {
    return this.#problem !== undefined && isRefusal(this.#problem);
  }

  note(problem: Error | undefined): void {
    this.#problem = problem;
    if (this.isRefused) for (const tell of this.#refused) tell();
  }

  onRefused(tell: () => void): () => void {
    this.#refused.add(tell);
    return () => this.#refused.delete(tell);
  }
}

const lines = new WeakMap<object, Line>();

/** What is closed; `leave` ends the waiting for a way to its server. */
interface Closed {
  close(): Promise<unknown>;
  leave?(): void;
  disconnect?(): Promise<unknown>;
}

/** Closes what may wait for a server that does not answer. */
export async function closeSoon(each: Closed | undefined, ms = farewellMs): Promise<void> {
  if (!each) return;
  const closing = each.close().catch(() => undefined);
  if (await isSettled(closing, ms)) return;
  if (each.leave) {
    each.leave();
    // Before it is disconnected: ioredis then leaves for ever what it was asked while it looked for its server.
    if (await isSettled(closing, longestRetryMs + 500)) return;
  }
  await before(each.disconnect?.() ?? closing, 100).catch(() => undefined);
}

function isSettled(work: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = work.then(() => true);
  return before(settled, ms).catch(() => false);
}

/**
 * What a server is asked by somebody who leaves: it goes on to be asked, but is not waited for long.
 *
 * @throws FleetError ERR_GUESTFS_FLEET_SERVER where it has not answered
 */
export async function soon<T>(work: Promise<T>, ms = farewellMs): Promise<T> {
  return await before(work, ms).catch((error) => {
    throw error instanceof FleetError ? error : unanswered(error, false);
  });
}

interface Patience {
  /** Milliseconds for which a server is waited for that does not answer. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether it is the store of results that is asked. */
  readonly isStore?: boolean;
}

/**
 * Asks the server until it answers: it may be restarting. What it answers is told, an error too.
 *
 * @param asked the object of BullMQ that is asked, until its line is left
 * @throws FleetError ERR_GUESTFS_FLEET_SERVER, ERR_GUESTFS_FLEET_STORE
 */
export async function persist<T>(
  asked: { readonly closing?: unknown } | undefined,
  ask: () => Promise<T>,
  { patienceMs = 120_000, signal, isStore = false }: Patience = {},
): Promise<T> {
  const line = asked && lines.get(asked);
  const signals = [line?.left, signal].filter((each) => each !== undefined);
  const end = performance.now() + patienceMs;
  for (let wait = 100; ; wait = Math.min(wait * 2, 2000)) {
    for (const each of signals) each.throwIfAborted();
    try {
      const left = end - performance.now();
      // Redis answers nothing at all as long as it is away: ioredis keeps what it is asked.
      const answer = await before(ask(), line?.isRefused ? Math.min(left, refusedMs) : left, signals, line);
      line?.note(undefined);
      return answer;
    } catch (error) {
      for (const each of signals) each.throwIfAborted();
      if (error instanceof FleetError) throw error;
      const isOver = !isPassing(error) || performance.now() + wait > end || line?.isRefused;
      if (isOver) throw unanswered(line?.problem ?? error, isStore);
      await before(new Promise((resolve) => setTimeout(resolve, wait)), wait * 2, signals);
    }
  }
}

/** Milliseconds for which a server is asked once more that has let nobody in. */
const refusedMs = 2000;

/** Rejects when it takes too long, when a signal is aborted, and when the server lets nobody in. */
async function before<T>(
  work: Promise<T>,
  ms: number,
  signals: readonly AbortSignal[] = [],
  line?: Line,
): Promise<T> {
  let end: () => void = () => undefined;
  const early = new Promise<never>((_, reject) => {
    const late = () => reject(Object.assign(new Error('it has not answered in time'), { code: 'ETIMEDOUT' }));
    const timer = setTimeout(late, Math.max(ms, 1));
    const onAbort = () => reject(signals.find(({ aborted }) => aborted)?.reason);
    for (const signal of signals) signal.addEventListener('abort', onAbort);
    const unheard = line?.onRefused(late);
    end = () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
      unheard?.();
    };
  });
  try {
    return await Promise.race([work, early]);
  } finally {
    end();
  }
}

function unanswered(cause: unknown, isStore: boolean): FleetError {
  const { message, code } = ((cause as Error).cause ?? cause) as { message?: unknown; code?: unknown };
  const why = [message, code].find((each) => typeof each === 'string' && each !== '') ?? cause;
  const text = String(why).slice(0, 500);
  return isStore
    ? new FleetError('ERR_GUESTFS_FLEET_STORE', `the store of results: ${text}`, { cause })
    : new FleetError('ERR_GUESTFS_FLEET_SERVER', `the server of the fleet: ${text}`, { cause });
}

/** Codes of systems and of PostgreSQL that a server, or the way to it, has for what passes: it starts, ends, is full. */
const passing =
  /^(?:E(?:CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)\w*|08\w{3}|53\w{3}|57P0[1-35]|40001|40P01|25006)$/;
/** The same of Redis, whose errors begin with a code, and of pg and ioredis, which have words alone for it. */
const passingWords =
  /^(?:(?:LOADING|OOM|READONLY|MISCONF|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY) |Connection (?:terminated|is closed|ended)|Client has encountered a connection error|Command aborted due to connection close|Stream isn.t writeable|timeout exceeded when trying to connect)/;

/** Whether an error says that the server cannot answer now, and says nothing of what it was asked. */
export function isPassing(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return passing.test(code);
  return typeof message === 'string' && passingWords.test(message);
}

/** Codes of servers that let nobody in with what they were given, and of certificates. */
const refusal = /^(?:28\w{3}|3D000|42501|.*CERT.*|ERR_TLS_\w+|UNABLE_TO_\w+)$/;
const refusalWords = /^(?:NOAUTH|WRONGPASS|NOPERM|DENIED) /;

function isRefusal({ code, message }: Error & { code?: unknown }): boolean {
  return (typeof code === 'string' && refusal.test(code)) || refusalWords.test(message);
}
