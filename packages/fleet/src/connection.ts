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
import { isPassing, Line, longestRetryMs } from './patience';
import { guarded } from './telemetry';

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
  /** Telemetry of BullMQ, as `new BullMQOtel({…})` of bullmq-otel: spans of jobs, which go on from the client's. */
  readonly telemetry?: Telemetry | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the two servers have connections of two types, of which none is seen from outside.
type Backend = any;
export type JobQueue = Queue;

interface Options {
  readonly connection: ConnectionOptions;
  readonly prefix?: string;
  readonly telemetry?: Telemetry;
}

/** Makes the objects of BullMQ. Each has connections of its own. */
export class Connection {
  readonly name: string;
  readonly #backend: Backend;
  readonly #options: Options;
  readonly #line = new Line();

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
          {
            maxRetriesPerRequest: null,
            retryStrategy: (times: number) => (this.#line.left.aborted ? null : untilItIsThere(times)),
            ...settings,
          }) as ConnectionOptions,
      ...(redis !== undefined && schema !== undefined && { prefix: schema }),
      ...(telemetry && { telemetry: guarded(telemetry) }),
    };
  }

  /** @param suffix - of a queue in which the fleet keeps its records: what is done there is in no trace */
  queue(suffix = ''): JobQueue {
    const options = suffix === '' ? this.#options : this.#untraced;
    return this.#quiet(new Queue(this.name + suffix, options, this.#backend));
  }

  /** Its loop is to be run by `run()`, which rejects when it ends. */
  events(): QueueEvents {
    return this.#quiet(new QueueEvents(this.name, { ...this.#untraced, autorun: false }, this.#backend));
  }

  worker(processor: Processor, options: Omit<WorkerOptions, 'connection'>): Worker {
    return this.#quiet(
      new Worker(this.name, processor, { ...options, ...this.#options, autorun: false }, this.#backend),
    );
  }

  get #untraced(): Omit<Options, 'telemetry'> {
    const { telemetry: _, ...options } = this.#options;
    return options;
  }

  /** Ends the waiting of all who ask the server; a way to it that is lost is not looked for any more. */
  leave(reason: Error): void {
    this.#line.leave(reason);
  }

  /** Errors of a connection come again from whatever is asked over it; without a listener they would end the process. */
  #quiet<T extends { on(event: 'error', listener: (error: Error) => void): unknown }>(emitter: T): T {
    emitter.on('error', (error) => this.#line.note(error));
    return this.#line.carries(emitter);
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
  throw isPassing(cause) ? new Error('Connection is closed.', { cause }) : cause;
}

function untilItIsThere(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 6), longestRetryMs);
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
      this.on('error', () => undefined);
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
