import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { type InspectionReport, type InspectOptions, inspect } from '../inspect';
import type { Accelerator } from '../launch';
import { type ProgressFormat, ProgressReporter, printable } from '../progress';
import { type Command, ExitCode, UsageError } from './command';
import { parseKey } from './keys';
import { isIncomplete, renderReport } from './report';

const help = `Usage: guestfs inspect [OPTION…] IMAGE…

Reports what is in disk images: operating systems, partitions, filesystems. The images are opened read-only. Each
IMAGE is a guest of its own.

Options:
  --json             Print JSON: one object for one IMAGE, an array in the order of the IMAGEs for several. An IMAGE
                     that failed is { "path", "error": { "code", "operation", "message" } }
  --progress FORMAT  Progress on stderr: auto (default), bar, text, json, none
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

interface Arguments {
  readonly images: readonly string[];
  readonly json: boolean;
  readonly format: string | undefined;
  readonly progress: ProgressFormat;
  readonly options: InspectOptions;
}

/** What happened to one image, as in the JSON output. */
type Outcome =
  | InspectionReport
  | { path: string; error: { code: string; operation: string; message: string } };

export const command: Command = {
  help,
  async run(args, signal) {
    const parsed = parse(args);
    const outcomes: Outcome[] = [];
    let exitCode = ExitCode.success;
    for (const image of parsed.images) {
      const outcome = await inspectOne(image, parsed, signal);
      if (signal.aborted) return ExitCode.failure;
      if (!isReport(outcome) || isIncomplete(outcome)) exitCode = ExitCode.failure;
      if (isReport(outcome) && !parsed.json) {
        print(`${outcomes.some(isReport) ? '\n' : ''}${renderReport(outcome, terminalWidth())}`);
      }
      outcomes.push(outcome);
    }
    if (parsed.json) print(`${JSON.stringify(outcomes.length === 1 ? outcomes[0] : outcomes, null, 2)}\n`);
    return exitCode;
  },
};

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

async function inspectOne(
  path: string,
  { format, progress, options }: Arguments,
  signal: AbortSignal,
): Promise<Outcome> {
  const reporter = new ProgressReporter({ format: progress, label: basename(path) });
  const onHandle: InspectOptions['onHandle'] = (g) => {
    reporter.attach(g);
    g.on('warning', (text) => reporter.line(`guestfs: ${text}`));
  };
  try {
    return await inspect({ path, format }, { ...options, signal, onHandle });
  } catch (error) {
    const { code = 'ERR_GUESTFS', operation = 'inspect', message } = error as Error & Partial<Failure>;
    const failure = { code, operation, message };
    if (!signal.aborted) report(path, failure, progress);
    return { path, error: failure };
  } finally {
    reporter.close();
  }
}

interface Failure {
  readonly code: string;
  readonly operation: string;
  readonly message: string;
}

function report(path: string, failure: Failure, progress: ProgressFormat): void {
  // Whoever asked for JSON on stderr gets nothing else there.
  const text =
    progress === 'json'
      ? JSON.stringify({ type: 'error', path, ...failure })
      : `guestfs: ${failure.message.split('\n').map(printable).join('\n')} (${failure.code})`;
  process.stderr.write(`${text}\n`);
}

function isReport(outcome: Outcome): outcome is InspectionReport {
  return !('error' in outcome);
}

function print(text: string): void {
  process.stdout.write(text);
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}
