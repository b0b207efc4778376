// The server of the fleet, Redis or PostgreSQL, to which BullMQ is the way.
import {
  type ConnectionOptions,
  createPostgresBackend,
  type Processor,
  Queue,
  QueueEvents,
  type Telemetry,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { FleetError } from './errors';

/** Where the server of the fleet is, and what its queue is called: the same for the clients and the workers. */
export interface FleetConnectionOptions {
  /** Redis: its URL, `'redis://host:6379/0'` or `'rediss://…'` for TLS, or options of ioredis. */
  readonly redis?: string | Readonly<Record<string, unknown>> | undefined;
  /** PostgreSQL: its URL, `'postgres://host/database'`, or options of a pool of pg. */
  readonly postgres?: string | Readonly<Record<string, unknown>> | undefined;
  /** Name of the fleet, where a server has several; default `'guestfs'`. */
  readonly name?: string | undefined;
  /** Schema of PostgreSQL, or prefix of the keys of Redis; default: that of BullMQ. */
  readonly schema?: string | undefined;
  /** Telemetry of BullMQ, as `new BullMQOtel({…})` of bullmq-otel. */
  readonly telemetry?: Telemetry | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the two servers have connections of two types, of which none is seen from outside.
type Backend = any;
export type JobQueue = Queue;

/** Makes the objects of BullMQ. Each has connections of its own. */
export class Connection {
  readonly name: string;
  readonly #backend: Backend;
  readonly #options: { connection: ConnectionOptions; prefix?: string; telemetry?: Telemetry };

  constructor(options: FleetConnectionOptions) {
    const { redis, postgres, name = 'guestfs', schema, telemetry } = options;
    if ((redis === undefined) === (postgres === undefined))
      throw new FleetError('ERR_GUESTFS_FLEET_OPTION', 'a fleet needs a server: either redis or postgres');
    if (!/^[\w.-]{1,64}$/.test(name))
      throw new FleetError('ERR_GUESTFS_FLEET_OPTION', `a fleet cannot be called ${JSON.stringify(name)}`);
    this.name = name;
    checkDriver(redis === undefined ? 'pg' : 'ioredis');
    const given = redis ?? postgres;
    const url = redis === undefined ? 'connectionString' : 'url';
    const settings = typeof given === 'string' ? { [url]: given } : { ...given };
    this.#backend = redis === undefined ? postgresBackend : undefined;
    this.#options = {
      connection: (redis === undefined
        ? { migrate: true, Client: quietClient(), ...settings, ...(schema !== undefined && { schema }) }
        : // What is asked while the server restarts is asked again when it is there.
          { maxRetriesPerRequest: null, retryStrategy: untilItIsThere, ...settings }) as ConnectionOptions,
      ...(redis !== undefined && schema !== undefined && { prefix: schema }),
      ...(telemetry && { telemetry }),
    };
  }

  queue(suffix = ''): JobQueue {
    return quiet(new Queue(this.name + suffix, this.#options, this.#backend));
  }

  /** Its loop is to be run by `run()`, which rejects when it ends. */
  events(): QueueEvents {
    const { telemetry: _, ...options } = this.#options;
    return quiet(new QueueEvents(this.name, { ...options, autorun: false }, this.#backend));
  }

  worker(processor: Processor, options: Omit<WorkerOptions, 'connection'>): Worker {
    return quiet(
      new Worker(this.name, processor, { ...options, ...this.#options, autorun: false }, this.#backend),
    );
  }
}

/**
 * BullMQ tries again what it could not tell its server, or be told, when it knows the error for one of the connection: that
 * of Redis. Of the others it makes failures of the jobs that have just been done.
 */
function postgresBackend(...args: Parameters<typeof createPostgresBackend>): object {
  return new Proxy(createPostgresBackend(...args), {
    get(backend, name) {
      const member: unknown = Reflect.get(backend, name, backend);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) => {
        const answer: unknown = member.apply(backend, given);
        return answer instanceof Promise ? answer.catch(connectionError) : answer;
      };
    },
  });
}

function connectionError(cause: unknown): never {
  throw isUnreachable(cause) ? new Error('Connection is closed.', { cause }) : cause;
}

function untilItIsThere(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), 2000);
}

/** Errors of a connection come again from whatever is asked over it; without a listener they would end the process. */
function quiet<T extends { on(event: 'error', listener: () => void): unknown }>(emitter: T): T {
  emitter.on('error', () => undefined);
  return emitter;
}

/**
 * A client of pg that says that its connection is lost to whoever asks something over it, and to nobody else: while BullMQ
 * has one to itself and asks nothing, nobody would listen.
 */
function quietClient(): typeof import('pg').Client {
  const { Client } = require('pg') as typeof import('pg');
  return class extends Client {
    constructor(...args: ConstructorParameters<typeof Client>) {
      super(...args);
      quiet(this);
    }
  };
}

function checkDriver(name: 'ioredis' | 'pg'): void {
  try {
    require.resolve(name);
  } catch (cause) {
    const problem = `the package ${name} is missing: npm install ${name}`;
    throw new FleetError('ERR_GUESTFS_FLEET_DRIVER', problem, { cause });
  }
}

/**
 * Asks the server until it answers: it may be restarting. What it answers is told, an error too.
 *
 * @param queue that which is asked, until it is closed
 */
export async function persist<T>(
  queue: Pick<Queue, 'closing'> | undefined,
  ask: () => Promise<T>,
  patienceMs = 120_000,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (let wait = 100; ; wait = Math.min(wait * 2, 2000)) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnreachable(error) || queue?.closing || Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** Whether an error is of the way to the server, by its code; pg and ioredis have words alone for some. */
export function isUnreachable(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string')
    return /^(?:E(?:CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN)\w*|08\w{3}|57P0[1-3])$/.test(code);
  return (
    typeof message === 'string' &&
    /^(?:Connection (?:terminated|is closed|ended)|Client has encountered a connection error|Command aborted due to connection close|Stream isn.t writeable|LOADING |timeout exceeded when trying to connect)/.test(
      message,
    )
  );
}
