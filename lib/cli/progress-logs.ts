// guestfs progress: reads the logs that --progress json writes.
import { createReadStream, fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProgressCi, type ProgressFormat, ProgressReporter } from '../progress';
import { compactDuration } from '../progress/duration';
import { type ProgressRecord, readRecord } from '../progress/record';
import { type LoggedTask, Replay } from '../progress/replay';
import { bytesOf } from '../text/bytes';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { progressOption } from './options';
import { optionsOf, type ProgressChoice } from './progress';
import { Results } from './results';

const description: Description = {
  name: 'progress',
  summary: 'Show what logs tell that --progress json has written',
  operands: [{ name: 'LOG', optional: true, repeated: true, file: true }],
  about: [
    'Reads NDJSON, as --progress json of every command and ProgressReporter write it, from LOGs or from stdin, and shows it as bars or lines, and at the end what has come of what. From a pipe it is shown while it is written; the records of several LOGs, of several processes perhaps, are merged by their times.',
    'What is no such record is passed on to stderr as a line, and makes the exit code 1.',
  ],
  options: [
    { name: 'summary', about: 'Show what has come of what, and nothing before' },
    {
      name: 'speed',
      value: 'N',
      about: 'Show the LOGs as it was, N times as fast; default: at once',
    },
    {
      name: 'json',
      about: 'Print the summary as JSON: an array of { label, operation, kind, elapsed, error }',
    },
    progressOption,
  ],
  examples: [
    { args: '< log.ndjson', about: 'What happened' },
    { args: '--speed 10 log.ndjson', about: 'The same as bars, ten times as fast' },
    { args: '--summary a.ndjson b.ndjson', about: 'What has come of the work of two processes' },
  ],
  exitCodes: { 0: 'success', 1: 'a LOG, or something in it, could not be read' },
};

export const command: Command = {
  description,
  async run(args, signal) {
    const { logs, choice, speed, summary, json } = parse(args);
    const isLive = logs.length === 0 && isPipe();
    const clock = new LogClock(isLive ? 1 : (speed ?? 0));
    const reporter = new ProgressReporter({ ...shown(choice, summary), now: clock.now });
    const replay = new Replay(reporter);
    let foreign = 0;
    try {
      for await (const { line, record } of linesOf(logs)) {
        signal.throwIfAborted();
        if (record) {
          if (speed !== undefined) await clock.reach(record.time, signal);
          clock.at(record.time);
          replay.show(record);
        } else if (line.trim() !== '') {
          foreign++;
          reporter.line(line);
        }
      }
    } finally {
      reporter.close();
    }
    await print(replay.tasks, new Results({ signal }), json);
    if (foreign > 0) process.stderr.write(`guestfs: progress: ${foreign} lines are no records of progress\n`);
    return foreign > 0 ? ExitCode.failure : ExitCode.success;
  },
};

interface Plan {
  readonly logs: readonly string[];
  readonly choice: ProgressChoice;
  readonly speed: number | undefined;
  readonly summary: boolean;
  readonly json: boolean;
}

export function parse(args: readonly string[]): Plan {
  const parsed = parseArguments(description, args);
  return {
    logs: parsed.operands.filter((name) => name !== '-'),
    choice: (parsed.value('progress') ?? 'auto') as ProgressChoice,
    speed: speedOf(parsed),
    ...{ summary: parsed.has('summary'), json: parsed.has('json') },
  };
}

function speedOf(args: Arguments): number | undefined {
  const value = args.value('speed');
  if (value === undefined) return undefined;
  const speed = Number(value);
  if (!(speed > 0 && speed < Number.POSITIVE_INFINITY))
    throw args.wrong(`--speed ${value}: must be a number above 0`);
  return speed;
}

function shown(choice: ProgressChoice, summary: boolean): { format: ProgressFormat; ci?: ProgressCi } {
  return summary ? { format: 'none' } : optionsOf(choice);
}

function isPipe(): boolean {
  return !fstatSync(0).isFile();
}

/** The time in a log. */
class LogClock {
  readonly #speed: number;
  #time = 0;
  #since = performance.now();

  /** @param speed - seconds of the log in a second; 0: the time is that of the last record */
  constructor(speed: number) {
    this.#speed = speed;
  }

  readonly now = (): number => this.#time + (performance.now() - this.#since) * this.#speed;

  /** Sets the time, but never back: logs of several machines may not agree. */
  at(time: number): void {
    this.#time = Math.max(time, this.#time === 0 ? time : this.now());
    this.#since = performance.now();
  }

  async reach(time: number, signal: AbortSignal): Promise<void> {
    const left = this.#time === 0 ? 0 : (time - this.now()) / this.#speed;
    if (left > 0) await sleep(left, undefined, { signal });
  }
}

interface Line {
  readonly line: string;
  readonly record: ProgressRecord | undefined;
}

/** Lines in the order of their times; those that have none stay behind what came before them. */
async function* linesOf(logs: readonly string[]): AsyncGenerator<Line> {
  if (logs.length < 2) {
    yield* linesIn(logs[0]);
    return;
  }
  const all: (Line & { readonly time: number })[] = [];
  for (const log of logs) {
    let time = 0;
    for await (const each of linesIn(log)) {
      time = Math.max(each.record?.time ?? time, time);
      all.push({ ...each, time });
    }
  }
  yield* all.sort((a, b) => a.time - b.time);
}

async function* linesIn(log: string | undefined): AsyncGenerator<Line> {
  const input = log === undefined ? process.stdin : createReadStream(bytesOf(log));
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      yield { line, record: readRecord(line) };
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (log === undefined || code === undefined || code === 'ABORT_ERR') throw error;
    throw new Error(`progress: ${log} cannot be read: ${message}`);
  }
}

/** Work on images, or where none is told of the operations, and what has come of it. */
async function print(tasks: readonly LoggedTask[], results: Results, json: boolean): Promise<void> {
  if (json) return await results.json(tasks.map(toSummary), 2);
  const images = tasks.filter(({ kind }) => kind === 'image');
  const rows = (images.length > 0 ? images : tasks).map((task) => {
    const { elapsed, error, label, operation } = toSummary(task);
    const outcome = error ? error.code : elapsed === null ? 'not ended' : 'done';
    return [label ?? '-', operation, outcome, elapsed === null ? '-' : compactDuration(elapsed, 1)];
  });
  if (rows.length === 0) return;
  const headings = ['IMAGE', 'OPERATION', 'RESULT'].map((heading) => ({ heading }));
  await results.table([...headings, { heading: 'TIME', align: 'right' }], rows);
}

function toSummary({ label, operation, kind, started, ended, error }: LoggedTask) {
  return { label, operation, kind, elapsed: ended === undefined ? null : ended - started, error };
}
