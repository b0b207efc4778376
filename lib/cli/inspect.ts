import { writeFile } from 'node:fs/promises';
import {
  type ImageFile,
  type InspectAllOptions,
  type InspectionReport,
  type InspectionResult,
  inspectAll,
} from '../inspect';
import { watching } from '../options/callbacks';
import { shownName } from '../sources/uri';
import { bytesOf } from '../text/bytes';
import { counted } from '../text/counted';
import { toJson } from '../text/json';
import { type Arguments as ParsedArguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { type Failure, failureOf, tellFailure } from './failures';
import { ImagesReporter } from './images';
import { checkNewFile } from './local';
import {
  addOption,
  checkOneGuest,
  concurrencyOption,
  htmlOption,
  launchArguments,
  launchOptions,
} from './options';
import { type ProgressChoice, reporterFor } from './progress';
import { isIncomplete, renderReport } from './report';

export const description: Description = {
  name: 'inspect',
  summary: 'Report the operating systems, partitions and filesystems of disk images',
  operands: [{ name: 'IMAGE', repeated: true, file: true }],
  about: [
    'Reports what is in disk images: operating systems, partitions, filesystems. The images are opened read-only. Each IMAGE is a guest of its own; several are inspected side by side, and reported in their order. Further disks of one guest are added to it by --add.',
    'With --json, an IMAGE that failed is { "path", "error": { "code", "operation", "message", "hint" } }, the hint where there is one. With --progress json each line is an object, its label the IMAGE; those of the operation inspectAll count the images.',
  ],
  options: [
    {
      name: 'json',
      about: 'Print JSON: one object for one IMAGE, an array in the order of the IMAGEs for several',
    },
    concurrencyOption,
    addOption,
    htmlOption,
    {
      name: 'usage',
      about: 'Find out where the space goes, for --html and --json; it takes a walk over all files',
    },
    { name: 'no-applications', about: 'Do not list the installed packages' },
    ...launchOptions,
  ],
  examples: [
    { args: 'disk.qcow2', about: 'Tables for people' },
    { args: '--concurrency 4 *.qcow2', about: 'Several at a time, with a bar each' },
    { args: '--html report.html --usage *.qcow2', about: 'A page to look at' },
    { args: '--add data.qcow2 disk.qcow2', about: 'A guest of two disks' },
    { args: '--json --progress json *.qcow2', about: 'For programs: the report on stdout, NDJSON on stderr' },
  ],
  exitCodes: {
    0: 'success',
    1: 'an image could not be inspected, or something in it not be found out; the rest is reported',
  },
};

/** The disks of a guest, the first of which is the IMAGE. */
type Disks = readonly ImageFile[];

export interface Arguments {
  readonly images: readonly string[];
  readonly guests: readonly Disks[];
  readonly json: boolean;
  /** Page to be written. */
  readonly html: string | undefined;
  readonly progress: ProgressChoice;
  readonly options: InspectAllOptions<Disks>;
}

/** Outcome of one image, as in the JSON output. */
type Outcome = InspectionReport | { path: string; error: Failure };

export const command: Command = {
  description,
  async run(args, signal) {
    return await inspectBy(inspectAll, parse(args), signal, (reporter) => ({
      onProgress: reporter.progress,
      onHandle: watching(reporter.handle),
    }));
  },
};

/** Ways to see what happens with the images. */
type Watch = Pick<InspectAllOptions<Disks>, 'onProgress' | 'onHandle'>;

/** The command with what inspects the images: the processes of this machine, or others. */
export async function inspectBy(
  inspectThem: typeof inspectAll,
  { images, guests, json, html, progress, options }: Arguments,
  signal: AbortSignal,
  watch: (reporter: ImagesReporter) => Watch,
): Promise<ExitCode> {
  if (html !== undefined) await checkNewFile('inspect', html);
  const reporter = new ImagesReporter(images, reporterFor(progress), 'inspect');
  const outcomes = new Outcomes(images);
  let printed = 0;
  const results = inspectThem(guests, { ...options, signal, ...watch(reporter) });
  try {
    for await (const result of results) {
      reporter.clear();
      if (result.report) reporter.result(result.index, resultOf(result.report));
      if (result.error) tellFailure(failureOf(result.error, 'inspect'), progress, images[result.index]);
      for (const each of outcomes.add(result).filter(isReport)) {
        if (!json) print(`${printed++ > 0 ? '\n' : ''}${renderReport(each, terminalWidth())}`);
      }
    }
  } catch (error) {
    // What had been told before counts, whoever wants no more of it.
    if (!signal.aborted || outcomes.all.every(isComplete)) throw error;
    return ExitCode.failure;
  } finally {
    reporter.close();
  }
  if (html !== undefined) await writePage(html, outcomes.all);
  if (json) print(`${toJson(images.length === 1 ? outcomes.all[0] : outcomes.all, 2)}\n`);
  return outcomes.all.every(isComplete) ? ExitCode.success : ExitCode.failure;
}

/** Puts results, which come as they finish, in the order of the images. */
class Outcomes {
  readonly all: Outcome[];
  readonly #images: readonly string[];
  #given = 0;

  constructor(images: readonly string[]) {
    this.#images = images;
    this.all = new Array(images.length);
  }

  /** Returns the outcomes for which all before them have come. */
  add({ index, report, error }: InspectionResult<Disks>): Outcome[] {
    const path = this.#images[index] as string;
    this.all[index] = error ? { path, error: failureOf(error, 'inspect') } : report;
    const first = this.#given;
    while (this.all[this.#given]) this.#given++;
    return this.all.slice(first, this.#given);
  }
}

export function parse(args: readonly string[]): Arguments {
  return argumentsOf(parseArguments(description, args));
}

/** What the command is told by a command line that has its options. */
export function argumentsOf(parsed: ParsedArguments): Arguments {
  const { keys, accel, template, timeout, image, progress } = launchArguments(parsed);
  checkOneGuest(parsed);
  const html = parsed.value('html');
  if (parsed.has('usage') && html === undefined && !parsed.has('json'))
    throw parsed.wrong('--usage is for --html and --json');
  return {
    images: parsed.operands.map(shownName),
    guests: parsed.operands.map((path) =>
      [path, ...parsed.values('add')].map((each) => ({ ...image, path: each })),
    ),
    json: parsed.has('json'),
    html,
    progress,
    options: {
      ...{ keys, accel, template, timeout },
      concurrency: parsed.count('concurrency'),
      applications: !parsed.has('no-applications'),
      // Only what is asked for: a report takes no more calls than before.
      ...(html !== undefined && { volumes: true, times: true, icon: true }),
      ...(parsed.has('usage') && { usage: true }),
    },
  };
}

/** An image in a few words. */
function resultOf(report: InspectionReport): string {
  const names = report.operatingSystems.map(
    ({ productName, distro, type, root }) => productName ?? distro ?? type ?? root,
  );
  const problems = report.problems.length > 0 ? counted(report.problems.length, 'problem') : '';
  return [names.join(', ') || 'no operating system', problems].filter(Boolean).join('; ');
}

async function writePage(file: string, outcomes: readonly Outcome[]): Promise<void> {
  const { renderHtml } = require('../html') as typeof import('../html');
  await writeFile(bytesOf(file), renderHtml(outcomes));
}

function isReport(outcome: Outcome): outcome is InspectionReport {
  return !('error' in outcome);
}

function isComplete(outcome: Outcome): boolean {
  return isReport(outcome) && !isIncomplete(outcome);
}

function print(text: string): void {
  process.stdout.write(text);
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}
