import { writeFile } from 'node:fs/promises';
import { type CheckOptions, type CheckReport, type CheckSeverity, check } from '../check';
import type { Guestfs } from '../guestfs';
import type { Inspectable } from '../inspect';
import { watching } from '../options/callbacks';
import { shownName } from '../sources/uri';
import { bytesOf } from '../text/bytes';
import { toJson } from '../text/json';
import { type Arguments, parseArguments } from './arguments';
import { printFindings } from './check-text';
import { type Command, type Description, ExitCode, UsageError } from './command';
import { isModule, loadModule, readDocument } from './documents';
import { type Failure, failureOf, tellFailure } from './failures';
import { ImagesReporter } from './images';
import { checkNewFile } from './local';
import { addOption, checkOneGuest, htmlOption, launchArguments, launchOptions } from './options';
import { type ProgressChoice, reporterFor } from './progress';
import { type Piece, Results } from './results';

const kinds = ['text', 'json', 'sarif', 'junit'] as const;
type Kind = (typeof kinds)[number];

const severities: readonly CheckSeverity[] = ['error', 'warning', 'note'];

const description: Description = {
  name: 'check',
  summary: 'Look for what should not be in disk images before they are published or trusted',
  operands: [{ name: 'IMAGE', repeated: true, file: true }],
  about: [
    'Looks for keys, tokens and weak passwords, for what makes machines mistaken for one another (SSH host keys, machine ids, seeds of random numbers), for what was left behind (histories, logs, leases, caches), for wrong permissions, and for what keeps a system from booting. The images are opened read-only, and nothing of them is run. Secrets themselves are not told.',
    'With --expect, a guest is compared with what FILE says of its files, packages, users, groups and units, without booting it.',
    'Each rule has a name that never changes, and findings of three severities: error, warning, note. The guide "Checking images" has them all.',
  ],
  options: [
    {
      name: 'as',
      value: 'KIND',
      choices: kinds,
      about:
        'Kind of the output: text (the default), json, sarif (2.1.0, for code hosts), junit (XML, for systems that run jobs)',
    },
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      file: true,
      about: 'Write the output to FILE instead of stdout',
    },
    {
      name: 'severity',
      value: 'LEVEL',
      choices: severities,
      about: 'Least severity that is told, and counts for the exit code; default note: all',
    },
    {
      name: 'ignore',
      value: 'RULE',
      multiple: true,
      about:
        'Do not tell findings of this rule; RULE:PATH: only those of this path, or below it. * stands for anything but a slash',
    },
    {
      name: 'rules',
      value: 'FILE',
      multiple: true,
      file: true,
      about:
        'JSON or YAML (.yaml): { ignore, severities, severity }, severities by the names of rules, or off. Or a module (.js, .mjs, .cjs) whose default export is a list of further rules; it is run on this machine',
    },
    {
      name: 'expect',
      value: 'FILE',
      file: true,
      about:
        'JSON or YAML (.yaml) of what a guest is expected to contain: { system, files, packages, users, groups, units }. What is otherwise is a finding',
    },
    htmlOption,
    addOption,
    ...launchOptions,
  ],
  examples: [
    { args: 'disk.qcow2', about: 'What should not be in it' },
    {
      args: '--severity warning --ignore ssh-authorized-keys:/root disk.qcow2',
      about: 'Without notes, and without the keys of root',
    },
    { args: '--as sarif -o check.sarif disk.qcow2', about: 'For a code host' },
    {
      args: '--expect golden.yaml --as junit disk.qcow2 > check.xml',
      about: 'Test an image without booting it',
    },
  ],
  exitCodes: {
    0: 'success: everything was looked at, and nothing found',
    1: 'the image could not be looked at, or something in it not be found out; what was found is told',
    3: 'everything was looked at, and there are findings',
  },
};

interface Plan {
  readonly images: readonly string[];
  readonly guests: readonly Inspectable[];
  readonly progress: ProgressChoice;
  readonly options: CheckOptions;
  readonly kind: Kind;
  readonly output: string | undefined;
  readonly html: string | undefined;
}

/** What came of an image. */
type Outcome =
  | { readonly report: CheckReport; readonly failure?: undefined }
  | { readonly report?: undefined; readonly failure: Failure };

export const command: Command = {
  description,
  async run(args, signal) {
    const plan = await parse(args);
    const { images, guests, progress, options, output, html } = plan;
    if (output !== undefined) await checkNewFile('check', output);
    if (html !== undefined) await checkNewFile('check', html);
    const reporter = new ImagesReporter(images, reporterFor(progress), 'check');
    const outcomes: Outcome[] = [];
    try {
      for (const [index, disks] of guests.entries()) {
        reporter.begin(index);
        try {
          const onHandle = watching((g: Guestfs) => reporter.handle(g, undefined, index));
          const report = await check(disks, { ...options, signal, onHandle });
          outcomes.push({ report });
          reporter.clear();
          tellProblems(report, progress, images.length > 1 ? images[index] : undefined);
          reporter.end(index, undefined);
        } catch (error) {
          if (signal.aborted) throw error;
          if (isBadOption(error)) throw new UsageError(`check: ${(error as Error).message}`);
          reporter.end(index, error as Error);
          reporter.clear();
          const failure = failureOf(error, 'check');
          outcomes.push({ failure });
          tellFailure(failure, progress, images[index]);
        }
      }
    } finally {
      reporter.close();
    }
    await write(plan, outcomes, signal);
    if (html !== undefined) await writePage(html, reportsOf(images, outcomes));
    return exitCodeOf(outcomes);
  },
};

function tellProblems({ problems }: CheckReport, progress: ProgressChoice, image: string | undefined): void {
  for (const { device, path, rule, ...problem } of problems) {
    const place = path ?? device ?? undefined;
    tellFailure(
      { ...problem, ...(rule !== null && { message: `${rule}: ${problem.message}` }) },
      progress,
      place,
      image,
    );
  }
}

function exitCodeOf(outcomes: readonly Outcome[]): ExitCode {
  if (outcomes.some(({ report }) => !report?.complete)) return ExitCode.failure;
  return outcomes.some(({ report }) => (report?.findings.length ?? 0) > 0)
    ? ExitCode.different
    : ExitCode.success;
}

/** Options that files bring are only looked at when the first image is. */
function isBadOption(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_INVALID_ARG_VALUE';
}

async function write(
  { images, kind, output }: Plan,
  outcomes: readonly Outcome[],
  signal: AbortSignal,
): Promise<void> {
  if (kind === 'text' && output === undefined)
    return await printFindings(
      new Results({ signal }),
      images,
      outcomes.map(({ report }) => report),
    );
  const text = await textOf(kind, images, outcomes);
  if (output === undefined) process.stdout.write(text);
  else await writeFile(bytesOf(output), text);
}

async function textOf(kind: Kind, images: readonly string[], outcomes: readonly Outcome[]): Promise<string> {
  if (kind === 'json') {
    const all = outcomes.map(
      ({ report, failure }, index) => report ?? { path: images[index], error: failure },
    );
    return `${toJson(all.length === 1 ? all[0] : all, 2)}\n`;
  }
  if (kind === 'text') {
    const parts: string[] = [];
    await printFindings(
      { line: async (...pieces) => void parts.push(plain(pieces)) },
      images,
      outcomes.map(({ report }) => report),
    );
    return parts.join('');
  }
  const reports = reportsOf(images, outcomes);
  const { renderJunit, renderSarif } = require('../check') as typeof import('../check');
  return kind === 'junit' ? renderJunit(reports) : `${toJson(renderSarif(reports), 2)}\n`;
}

async function writePage(file: string, reports: readonly CheckReport[]): Promise<void> {
  const { renderCheckHtml } = require('../check') as typeof import('../check');
  await writeFile(bytesOf(file), renderCheckHtml(reports));
}

function reportsOf(images: readonly string[], outcomes: readonly Outcome[]): CheckReport[] {
  return outcomes.map(({ report, failure }, index) => report ?? unreadable(images[index] ?? '', failure));
}

const plain = (pieces: readonly Piece[]) =>
  `${pieces.map((piece) => (typeof piece === 'string' ? piece : piece[0])).join('')}\n`;

/** An image that could not be looked at, for formats that know nothing else. */
function unreadable(image: string, { code, operation, message }: Failure): CheckReport {
  const problem = { rule: null, code, operation, device: null, path: null, message };
  return {
    version: 1,
    images: [image],
    trees: [],
    rules: [],
    findings: [],
    problems: [problem],
    complete: false,
  };
}

async function parse(args: readonly string[]): Promise<Plan> {
  const parsed = parseArguments(description, args);
  const { keys, accel, template, timeout, image, progress } = launchArguments(parsed);
  checkOneGuest(parsed);
  return {
    images: parsed.operands.map(shownName),
    guests: parsed.operands.map((path) =>
      [path, ...parsed.values('add')].map((each) => ({ ...image, path: each })),
    ),
    progress,
    kind: (parsed.value('as') ?? 'text') as Kind,
    output: parsed.value('output'),
    html: parsed.value('html'),
    options: { ...{ keys, accel, template, timeout }, ...(await ownOptions(parsed)) },
  };
}

type OwnOptions = Pick<CheckOptions, 'ignore' | 'severities' | 'severity' | 'rules' | 'expect'>;

async function ownOptions(args: Arguments): Promise<OwnOptions> {
  const rules: unknown[] = [];
  let ignore: unknown[] = args.values('ignore').map((text) => {
    const [, rule = text, path] = /^([^:]+):(.+)$/s.exec(text) ?? [];
    return path === undefined ? rule : { rule, path };
  });
  let configured: Record<string, unknown> = {};
  for (const file of args.values('rules')) {
    if (isModule(file))
      rules.push(...listIn(await loadModule('check', file), `the default export of ${file}`, args));
    else {
      const said = (await readDocument('check', file)) as Record<string, unknown>;
      if (typeof said !== 'object' || said === null || Array.isArray(said))
        throw args.wrong(`${file} is no object`);
      const unknown = Object.keys(said).find((name) => !['ignore', 'severities', 'severity'].includes(name));
      if (unknown !== undefined)
        throw args.wrong(`${file} has ${unknown}, and may have ignore, severities, severity`);
      const { ignore: more = [], ...others } = said;
      ignore = [...ignore, ...listIn(more, `ignore of ${file}`, args)];
      configured = {
        ...configured,
        ...others,
        severities: { ...(configured.severities as object), ...(said.severities as object) },
      };
    }
  }
  const expect = args.value('expect');
  const severity = args.value('severity');
  return {
    ...configured,
    ...(severity !== undefined && { severity }),
    ignore,
    rules,
    ...(expect !== undefined && { expect: await readDocument('check', expect) }),
    // Each is checked where the function takes it.
  } as OwnOptions;
}

function listIn(value: unknown, what: string, args: Arguments): readonly unknown[] {
  if (!Array.isArray(value)) throw args.wrong(`${what} is no list`);
  return value;
}
