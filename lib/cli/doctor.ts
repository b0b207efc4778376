import { parseArgs } from 'node:util';
// Not the package's index, which cannot be loaded where libguestfs is missing.
import { type DiagnoseOptions, diagnose, type Finding, type Severity } from '../diagnose';
import { type ProgressFormat, ProgressReporter, printable } from '../progress';
import { columnsOf } from '../progress/columns';
import { toJson } from '../progress/to-json';
import { type Command, ExitCode, UsageError } from './command';

const help = `Usage: guestfs doctor [OPTION…] [IMAGE…]

Looks whether this machine has what libguestfs needs, launches an appliance to see whether it works, and says what to do
where it does not. With IMAGEs also whether these can be opened, and whether another program has them open.

Options:
  --json             Print JSON: an array of { "code", "severity", "title", "detail", "remedy" }; severity is ok, warning
                     or error, remedy a command or null
  --no-launch        Do not launch an appliance
  --timeout SECONDS  Give the launch up after that time; default: 180
  --format FORMAT    Format of the images, as raw or qcow2; default: detected
  --progress FORMAT  Progress of the launch on stderr: auto (default), bar, text, json, none
  --help             Show this help

Examples:
  guestfs doctor
  guestfs doctor --no-launch disk.qcow2
  guestfs doctor --json | jq '.[] | select(.severity != "ok")'

Exit codes: 0 nothing is an error, 1 something is, 2 wrong usage, 130 interrupted
`;

const marks: Readonly<Record<Severity, string>> = { ok: '✓', warning: '!', error: '✗' };
const indent = '    ';
const progressFormats: readonly string[] = ['auto', 'bar', 'text', 'json', 'none'] satisfies ProgressFormat[];

export const command: Command = {
  help,
  async run(args, signal) {
    const { json, progress, options } = parse(args);
    const reporter = new ProgressReporter({ format: progress });
    const findings: Finding[] = [];
    const onFinding = (finding: Finding) => {
      findings.push(finding);
      reporter.clear();
      if (!json) process.stdout.write(describe(finding, terminalWidth()));
    };
    try {
      await diagnose({ ...options, signal, onFinding, onHandle: (g) => reporter.attach(g) });
    } finally {
      reporter.close();
    }
    process.stdout.write(json ? `${toJson(findings, 2)}\n` : summarise(findings));
    return findings.some(isError) ? ExitCode.failure : ExitCode.success;
  },
};

interface Arguments {
  readonly json: boolean;
  readonly progress: ProgressFormat;
  readonly options: DiagnoseOptions;
}

export function parse(args: readonly string[]): Arguments {
  const { values, positionals } = split(args);
  const { progress = 'auto', format, timeout } = values;
  if (!progressFormats.includes(progress)) {
    throw new UsageError(`doctor: --progress must be one of ${progressFormats.join(', ')}`);
  }
  return {
    json: values.json ?? false,
    progress: progress as ProgressFormat,
    options: {
      images: positionals.map((path) => ({ path, format })),
      launch: !values['no-launch'],
      timeout: timeout === undefined ? undefined : milliseconds(timeout),
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
        'no-launch': { type: 'boolean' },
        timeout: { type: 'string' },
        format: { type: 'string' },
        progress: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(`doctor: ${(error as Error).message}`);
  }
}

function milliseconds(seconds: string): number {
  const value = Number(seconds) * 1000;
  if (value > 0 && value < 2 ** 31) return value;
  throw new UsageError('doctor: --timeout must be a positive number of seconds');
}

/** What is well on one line; what is not with all that there is to say, and the command that mends it below. */
export function describe(
  { severity, code, title, detail, remedy }: Finding,
  width = Number.POSITIVE_INFINITY,
): string {
  const mark = marks[severity];
  if (severity === 'ok') return `${mark} ${printable(title)}: ${printable(detail)}\n`;
  const lines = detail.split('\n').flatMap((line) => wrap(printable(line), width - indent.length));
  // In one line, however long: it is to be copied.
  if (remedy !== null) lines.push(`$ ${printable(remedy)}`);
  return `${mark} ${printable(title)} (${code})\n${lines.map((line) => `${indent}${line}\n`).join('')}`;
}

/** Breaks a line between words. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of line.trimEnd().split(/(?<=\S) /)) {
    const last = lines.at(-1);
    if (last === undefined || columnsOf(`${last} ${word}`) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

export function summarise(findings: readonly Finding[]): string {
  const errors = findings.filter(isError).length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (errors + warnings === 0) return '\nAll is well.\n';
  return `\n${count(errors, 'error')}, ${count(warnings, 'warning')}.\n`;
}

function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
