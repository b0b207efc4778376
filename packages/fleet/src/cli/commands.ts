// The commands of guestfs-fleet.
import {
  type Arguments,
  argumentsOf,
  type Description,
  ExitCode,
  failureOf,
  inspectBy,
  inspectDescription,
  type Option,
  parseArguments,
  Results,
  UsageError,
} from 'guestfs/internal';
import { Fleet } from '../client';
import { FolderStore } from '../stores/folder';
import { FleetWorker } from '../worker';
import { connectionOf, connectionOptions } from './connection';
import { serveMetrics } from './metrics-server';

export interface Command {
  readonly description: Description;
  /** @param hurry aborted when it is to end faster than in order */
  run(args: Arguments, signal: AbortSignal, hurry: AbortSignal): Promise<ExitCode>;
}

const storeOption: Option = {
  name: 'store',
  value: 'FOLDER',
  file: true,
  about: 'Keep large results in this folder, which all machines see, in the place of the server',
};
const batchOption: Option = {
  name: 'batch',
  value: 'NAME',
  about: 'Name of the batch; with that of one that is there, go on where it had come to',
};
const changedOption: Option = {
  name: 'changed',
  about: 'Take results that the store has of images that have not changed',
};
const batchOperand = { name: 'BATCH' };
const exitCodes = { 0: 'success', 1: 'something failed' };

function describe(description: Omit<Description, 'exitCodes'>): Description {
  return { ...description, options: [...description.options, ...connectionOptions], exitCodes };
}

function storeOf(args: Arguments): { store?: FolderStore } {
  const folder = args.value('store');
  return folder === undefined ? {} : { store: new FolderStore(folder) };
}

async function withFleet(args: Arguments, use: (fleet: Fleet) => Promise<ExitCode>): Promise<ExitCode> {
  const fleet = new Fleet({ ...connectionOf(args), ...storeOf(args) });
  try {
    return await use(fleet);
  } finally {
    await fleet.close();
  }
}

function metricsPlace(args: Arguments): { host: string; port: number } | undefined {
  const text = args.value('metrics');
  if (text === undefined) return undefined;
  const [, host = '127.0.0.1', port = ''] = /^(?:(?:\[?([^\]/]+?)\]?):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) throw args.wrong(`--metrics must be PORT or HOST:PORT: ${text}`);
  return { host, port: Number(port) };
}

const worker: Command = {
  description: describe({
    name: 'worker',
    summary: 'Work for a fleet until it is told to end',
    operands: [],
    about: [
      'Does the jobs of a fleet, and opens images below the roots only. On SIGTERM and SIGINT it takes no more jobs, lets those that run come to their end within the grace, and gives the others back; on a second one it gives all back at once.',
    ],
    options: [
      {
        name: 'root',
        value: 'FOLDER',
        multiple: true,
        file: true,
        about: 'Folder below which images are opened',
      },
      {
        name: 'allow',
        value: 'URL',
        multiple: true,
        about: 'Server from which images are opened: https://HOST',
      },
      {
        name: 'concurrency',
        value: 'N',
        about: 'Number of jobs at a time; default: what cores and memory allow',
      },
      { name: 'grace', value: 'SECONDS', about: 'Time to end in; default 30' },
      {
        name: 'metrics',
        value: '[HOST:]PORT',
        about: 'Serve metrics for Prometheus at /metrics; HOST default 127.0.0.1',
      },
      storeOption,
    ],
    examples: [{ args: '--redis redis://queue.example --root /srv/images', about: 'Work on shared images' }],
  }),
  async run(args, signal, hurry) {
    const concurrency = args.count('concurrency');
    const servers = args.values('allow').map((text) => {
      const [, scheme = '', host = ''] = /^([a-z][a-z\d+.-]*):\/\/([^/?#@\s]+)\/?$/i.exec(text) ?? [];
      if (host === '') throw args.wrong('--allow must be a scheme and a host, as https://images.example');
      return { scheme, host };
    });
    const place = metricsPlace(args);
    await using worker = new FleetWorker({
      ...{ ...connectionOf(args), ...storeOf(args), roots: args.values('root'), servers },
      ...(concurrency !== undefined && { concurrency }),
    });
    const log = (line: object) => process.stderr.write(`${JSON.stringify({ time: new Date(), ...line })}\n`);
    worker.on('finished', (job) => log({ ...job, ms: Math.round(job.ms) }));
    worker.on('problem', ({ message }) => log({ problem: message }));
    const grace = args.milliseconds('grace') ?? 30_000;
    // Also before it has begun: the server may be away.
    signal.addEventListener('abort', () => void worker.drain(grace), { once: true });
    hurry.addEventListener('abort', () => void worker.close(), { once: true });
    await using metrics = place && (await serveMetrics(worker, place));
    await worker.start();
    log({ worker: worker.name, concurrency: worker.concurrency, metrics: metrics?.address });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await worker.drain(hurry.aborted ? 0 : grace);
    return ExitCode.success;
  },
};

const inspect: Command = {
  description: {
    ...inspectDescription,
    options: [...inspectDescription.options, batchOption, changedOption, storeOption, ...connectionOptions],
    examples: [
      { args: '--redis redis://queue.example /srv/images/*.qcow2', about: 'With a bar for each that runs' },
    ],
  },
  async run(args, signal) {
    const { options, ...parsed } = argumentsOf(args);
    const { keys, ...others } = options;
    if (keys && keys.length > 0) throw args.wrong('--key stays with the workers: they have the keys');
    return await withFleet(args, (fleet) =>
      inspectBy(
        ((images: never, given: object) =>
          fleet.inspectAll(images, {
            ...given,
            batch: args.value('batch'),
            changed: args.has('changed'),
          })) as never,
        // What is not said travels not.
        { ...parsed, guests: parsed.guests.map((disks) => disks.map(said)), options: said(others) },
        signal,
        (reporter) => ({ onProgress: reporter.remote }),
      ),
    );
  },
};

const run: Command = {
  description: describe({
    name: 'run',
    summary: 'Do a task on images; a line of JSON for each, as they come',
    operands: [{ name: 'TASK' }, { name: 'IMAGE', repeated: true, file: true }],
    about: ['Each line is an object with the image, its index, and its result or its error.'],
    options: [
      { name: 'options', value: 'JSON', about: 'Options of the task' },
      { name: 'concurrency', value: 'N', about: 'Number of jobs that may be with the queue; default 1000' },
      batchOption,
      changedOption,
      storeOption,
    ],
    examples: [{ args: 'checksum --redis redis://queue.example /srv/images/*', about: 'Checksums of files' }],
  }),
  run: (args, signal) =>
    withFleet(args, async (fleet) => {
      const [task = '', ...images] = args.operands;
      const concurrency = args.count('concurrency');
      const common = { batch: args.value('batch'), changed: args.has('changed'), signal };
      const options = jsonOf(args, args.value('options') ?? '{}');
      return await print(
        fleet.run(task, images, { ...common, options, ...(concurrency !== undefined && { concurrency }) }),
      );
    }),
};

const results: Command = {
  description: describe({
    name: 'results',
    summary: 'Come back to a batch: its results as lines of JSON',
    operands: [batchOperand],
    about: ['Waits for those that are still to come. An interruption cancels the batch.'],
    options: [{ name: 'all', about: 'Also those that its client had done with' }, storeOption],
    examples: [{ args: '--redis redis://queue.example --all nightly', about: 'All results' }],
  }),
  run: (args, signal) =>
    withFleet(args, (fleet) => print(fleet.batch(args.operands[0] ?? '', { all: args.has('all'), signal }))),
};

const status: Command = {
  description: describe({
    name: 'status',
    summary: 'Tell what the fleet has to do, and its batches',
    operands: [],
    about: ['With --json, an object with the jobs by their state, and the batches.'],
    options: [{ name: 'json', about: 'Print JSON' }],
    examples: [{ args: '--redis redis://queue.example', about: 'Tables' }],
  }),
  run: (args) =>
    withFleet(args, async (fleet) => {
      const [jobs, batches] = [await fleet.counts(), await fleet.batches()];
      const out = new Results();
      if (args.has('json')) await out.json({ jobs, batches }, 2);
      else {
        await out.table(
          [{ heading: 'JOBS' }, { heading: '', align: 'right' }],
          Object.entries(jobs).map(([state, n]) => [state, `${n}`]),
        );
        const titles = ['BATCH', 'TASK', 'BEGUN', 'SENT', 'OF', 'DONE', ''].map((heading) => ({ heading }));
        const rows = batches.map(({ id, task, created, sent, total, given, isCancelled }) => [
          id,
          task,
          created.toISOString(),
          `${sent}`,
          `${total ?? '?'}`,
          `${given}`,
          isCancelled ? 'cancelled' : '',
        ]);
        await out.table(titles, rows);
      }
      return ExitCode.success;
    }),
};

const cancel: Command = {
  description: describe({
    name: 'cancel',
    summary: 'Cancel a batch: what is queued, and what runs',
    operands: [batchOperand],
    about: ['Workers hear of it within a second.'],
    options: [],
    examples: [{ args: '--redis redis://queue.example nightly', about: 'Cancel it' }],
  }),
  run: (args) =>
    withFleet(args, async (fleet) => {
      await fleet.cancel(args.operands[0] ?? '');
      return ExitCode.success;
    }),
};

const retry: Command = {
  description: describe({
    name: 'retry',
    summary: 'Do again what has failed of a batch',
    operands: [batchOperand],
    about: ['Also what was cancelled. Prints the number of jobs; results come by the command results.'],
    options: [],
    examples: [{ args: '--redis redis://queue.example nightly', about: 'Try again' }],
  }),
  run: (args) =>
    withFleet(args, async (fleet) => {
      await new Results().line(`${await fleet.retry(args.operands[0] ?? '')}`);
      return ExitCode.success;
    }),
};

async function print(results: AsyncIterable<{ error?: Error | undefined }>): Promise<ExitCode> {
  const out = new Results();
  let code = ExitCode.success;
  for await (const { error, ...came } of results) {
    if (error) code = ExitCode.failure;
    await out.json({ ...came, ...(error && { error: failureOf(error, 'run') }) });
  }
  return code;
}

function jsonOf(args: Arguments, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw args.wrong('--options must be a JSON object');
}

function said<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

const commands: readonly Command[] = [worker, inspect, run, results, status, cancel, retry];

export function commandNamed(name: string | undefined): Command {
  const names = commands.map(({ description }) => description.name).join(', ');
  const found = commands.find(({ description }) => description.name === name);
  if (!found)
    throw new UsageError(
      `${name === undefined ? 'a command is missing' : `there is no command '${name}'`}: ${names}`,
    );
  return found;
}

export const summaries = (): string =>
  commands.map(({ description: { name, summary } }) => `  ${name.padEnd(8)} ${summary}\n`).join('');

export { parseArguments };
