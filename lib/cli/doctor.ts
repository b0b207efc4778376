// Not the package's index, which cannot be loaded where libguestfs is missing.
import { type DiagnoseOptions, diagnose, type Finding, type Severity } from '../doctor';
import { printable } from '../progress';
import { columnsOf } from '../text/columns';
import { counted } from '../text/counted';
import { toJson } from '../text/json';
import { parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { formatOption, progressOption } from './options';
import { type ProgressChoice, reporterFor } from './progress';
import { Results, type Style } from './results';

const description: Description = {
  name: 'doctor',
  summary: 'Look whether libguestfs works on this machine, and say what to do where it does not',
  operands: [{ name: 'IMAGE', optional: true, repeated: true, file: true }],
  about: [
    'Looks whether this machine has what libguestfs needs, launches an appliance to see whether it works, and says what to do where it does not. With IMAGEs also whether these can be opened, and whether another program has them open.',
  ],
  options: [
    {
      name: 'json',
      about:
        'Print JSON: an array of { "code", "severity", "title", "detail", "remedy" }; severity is ok, warning or error, remedy a command or null',
    },
    { name: 'no-launch', about: 'Do not launch an appliance' },
    { name: 'timeout', value: 'SECONDS', about: 'Give the launch up after that time; default: 180' },
    formatOption,
    progressOption,
  ],
  examples: [
    { args: '', about: 'All of this machine' },
    { args: '--no-launch disk.qcow2', about: 'An image too, and no launch' },
    { args: `--json | jq '.[] | select(.severity != "ok")'`, about: 'For programs' },
  ],
  exitCodes: { 0: 'nothing is an error', 1: 'something is' },
};

const marks: Readonly<Record<Severity, readonly [sign: string, style: Style]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  error: ['✗', 'red'],
};
const indent = '    ';

export const command: Command = {
  description,
  async run(args, signal) {
    const { json, progress, options } = parse(args);
    const reporter = reporterFor(progress);
    const results = new Results();
    const findings: Finding[] = [];
    const onFinding = (finding: Finding) => {
      findings.push(finding);
      reporter.clear();
      if (!json) process.stdout.write(describe(finding, results));
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
  readonly progress: ProgressChoice;
  readonly options: DiagnoseOptions;
}

export function parse(args: readonly string[]): Arguments {
  const parsed = parseArguments(description, args);
  const format = parsed.value('format');
  return {
    json: parsed.has('json'),
    progress: (parsed.value('progress') ?? 'auto') as ProgressChoice,
    options: {
      images: parsed.operands.map((path) => ({ path, format })),
      launch: !parsed.has('no-launch'),
      timeout: parsed.milliseconds('timeout'),
    },
  };
}

/** Place where findings are shown. */
type Page = Pick<Results, 'width' | 'styled'>;

const plain: Page = { width: Number.POSITIVE_INFINITY, styled: (text) => text };

/** Lines of a finding: one for what is well, else all that there is to say, and below it the command that mends it. */
export function describe({ severity, code, title, detail, remedy }: Finding, page = plain): string {
  const [mark, style] = marks[severity];
  if (severity === 'ok') return `${page.styled(mark, style)} ${printable(title)}: ${printable(detail)}\n`;
  const lines = detail.split('\n').flatMap((line) => wrap(printable(line), page.width - indent.length));
  // In one line, however long: it is to be copied.
  if (remedy !== null) lines.push(page.styled(`$ ${printable(remedy)}`, 'bold'));
  const heading = `${page.styled(`${mark} ${printable(title)}`, style)} (${code})`;
  return `${heading}\n${lines.map((line) => `${indent}${line}\n`).join('')}`;
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
  return `\n${counted(errors, 'error')}, ${counted(warnings, 'warning')}.\n`;
}

function isError({ severity }: Finding): boolean {
  return severity === 'error';
}
