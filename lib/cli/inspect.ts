import { parseArgs } from 'node:util';
import { type InspectAllOptions, type InspectionReport, type InspectionResult, inspectAll } from '../inspect';
import type { Accelerator } from '../launch';
import { type ProgressFormat, ProgressReporter, printable } from '../progress';
import { toJson } from '../progress/to-json';
import { type Command, ExitCode, UsageError } from './command';
import { ImagesReporter } from './images';
import { parseKey } from './keys';
import { isIncomplete, renderReport } from './report';

const help = `Usage: guestfs inspect [OPTION…] IMAGE…

Reports what is in disk images: operating systems, partitions, filesystems. The images are opened read-only. Each
IMAGE is a guest of its own; several are inspected side by side, and reported in their order.

Options:
  --json             Print JSON: one object for one IMAGE, an array in the order of the IMAGEs for several. An IMAGE
                     that failed is { "path", "error": { "code", "operation", "message" } }
  --progress FORMAT  Progress on stderr: auto (default), bar, text, json, none. With json each line is an object, its
                     label the IMAGE; those of the operation inspectAll count the images
  --concurrency N    Inspect up to N IMAGEs at a time; default: what processors and free memory allow
  --format FORMAT    Format of the images, as raw or qcow2; default: detected. Give it for raw images that a guest
                     could write to: a guest may fake another format, to make other files of this machine be read
  --key KEY          Key of encrypted volumes, [DEVICE:]file:PATH or [DEVICE:]key:STRING; may be repeated. Others can
                     see the arguments of a running program: prefer file
  --no-applications  Do not list the installed packages
  --accel ACCEL      auto (default), kvm, or tcg: how the appliance runs
  --timeout SECONDS  Give up when the appliance is not up after that time
  --help             Show this help

Exit codes: 0 success, 1 an image could not be inspected, or not to the end (the others are reported), 2 wrong usage,
130 interrupted
`;

const progressFormats: readonly string[] = ['auto', 'bar', 'text', 'json', 'none'] satisfies ProgressFormat[];
const accelerators: readonly string[] = ['auto', 'kvm', 'tcg'] satisfies Accelerator[];

type Options = InspectAllOptions<{ path: string; format: string | undefined }>;

interface Arguments {
  readonly images: readonly string[];
  readonly json: boolean;
  readonly format: string | undefined;
  readonly progress: ProgressFormat;
  readonly options: Options;
}

/** What happened to one image, as in the JSON output. */
type Outcome = InspectionReport | { path: string; error: Failure };

export const command: Command = {
  help,
  async run(args, signal) {
    const { images, json, format, progress, options } = parse(args);
    const reporter = new ImagesReporter(images, new ProgressReporter({ format: progress }));
    const outcomes = new Outcomes(images.length);
    let printed = 0;
    const results = inspectAll(
      images.map((path) => ({ path, format })),
      { ...options, signal, onHandle: reporter.handle, onProgress: reporter.progress },
    );
    try {
      for await (const result of results) {
        reporter.clear();
        if (result.error) report(result.image.path, failureOf(result.error), progress);
        for (const each of outcomes.add(result).filter(isReport)) {
          if (!json) print(`${printed++ > 0 ? '\n' : ''}${renderReport(each, terminalWidth())}`);
        }
      }
    } finally {
      reporter.close();
    }
    if (json) print(`${toJson(images.length === 1 ? outcomes.all[0] : outcomes.all, 2)}\n`);
    return outcomes.all.every(isComplete) ? ExitCode.success : ExitCode.failure;
  },
};

/** Puts results, which come as they finish, in the order of the images. */
class Outcomes {
  readonly all: Outcome[];
  #given = 0;

  constructor(count: number) {
    this.all = new Array(count);
  }

  /** Returns those for which all before them have come. */
  add({ image: { path }, index, report, error }: InspectionResult<{ path: string }>): Outcome[] {
    this.all[index] = error ? { path, error: failureOf(error) } : report;
    const first = this.#given;
    while (this.all[this.#given]) this.#given++;
    return this.all.slice(first, this.#given);
  }
}

export function parse(args: readonly string[]): Arguments {
  const { values, positionals } = split(args);
  if (positionals.length === 0) throw new UsageError('inspect: an IMAGE is missing');
  return {
    images: positionals,
    json: values.json ?? false,
    format: values.format,
    progress: oneOf('--progress', values.progress ?? 'auto', progressFormats) as ProgressFormat,
    options: {
      keys: (values.key ?? []).map(parseKey),
      accel: oneOf('--accel', values.accel ?? 'auto', accelerators) as Accelerator,
      timeout: values.timeout === undefined ? undefined : milliseconds(values.timeout),
      concurrency: values.concurrency === undefined ? undefined : count(values.concurrency),
      applications: !values['no-applications'],
    },
  };
}

function split(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        progress: { type: 'string' },
        format: { type: 'string' },
        key: { type: 'string', multiple: true },
        'no-applications': { type: 'boolean' },
        accel: { type: 'string' },
        timeout: { type: 'string' },
        concurrency: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(`inspect: ${(error as Error).message}`);
  }
}

function oneOf(option: string, value: string, choices: readonly string[]): string {
  if (choices.includes(value)) return value;
  throw new UsageError(`inspect: ${option} must be one of ${choices.join(', ')}`);
}

function milliseconds(seconds: string): number {
  const value = Number(seconds) * 1000;
  if (value > 0 && value < 2 ** 31) return value;
  throw new UsageError('inspect: --timeout must be a positive number of seconds');
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError('inspect: --concurrency must be a positive whole number');
}

interface Failure {
  readonly code: string;
  readonly operation: string;
  readonly message: string;
}

function failureOf(error: Error): Failure {
  const { code = 'ERR_GUESTFS', operation = 'inspect', message } = error as Error & Partial<Failure>;
  return { code, operation, message };
}

function report(path: string, failure: Failure, progress: ProgressFormat): void {
  const place = failure.message.includes(path) ? '' : `${printable(path)}: `;
  // Whoever asked for JSON on stderr gets nothing else there.
  const text =
    progress === 'json'
      ? toJson({ type: 'error', path, ...failure })
      : `guestfs: ${place}${failure.message.split('\n').map(printable).join('\n')} (${failure.code})`;
  process.stderr.write(`${text}\n`);
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
