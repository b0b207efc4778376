import { type CheckOptions, type CheckReport, type CheckSeverity, check } from '../check';
import type { Guestfs } from '../guestfs';
import type { ImageFile } from '../inspect';
import { watching } from '../options/callbacks';
import { shownName } from '../sources/uri';
import { parseArguments } from './arguments';
import { ownOptions } from './check-options';
import { type Kind, kinds, type Outcome, type Wanted, writeOutcomes, writePage } from './check-output';
import { type Command, type Description, ExitCode, UsageError } from './command';
import { failureOf, tellFailure } from './failures';
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
import { sideBySide } from './side-by-side';

const severities: readonly CheckSeverity[] = ['error', 'warning', 'note'];

const description: Description = {
  name: 'check',
  summary: 'Look for what should not be in disk images before they are published or trusted',
  operands: [{ name: 'IMAGE', repeated: true, file: true }],
  about: [
    'Looks for keys, tokens and weak passwords, for what makes machines mistaken for one another (SSH host keys, machine ids, seeds of random numbers), for what was left behind (histories, logs, leases, caches), for wrong permissions, and for what keeps a system from booting. The images are opened read-only, and nothing of them is run. Secrets themselves are not told.',
    'With --expect, a guest is compared with what FILE says of its files, packages, users, groups and units, without booting it.',
    'Each IMAGE is a guest of its own; several are looked at side by side, and told in their order.',
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
    concurrencyOption,
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
    { args: '--concurrency 4 *.qcow2', about: 'Several at a time' },
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

interface Plan extends Wanted {
  readonly guests: readonly (readonly ImageFile[])[];
  readonly progress: ProgressChoice;
  readonly concurrency: number | undefined;
  readonly options: CheckOptions;
  readonly html: string | undefined;
}

export const command: Command = {
  description,
  async run(args, signal) {
    const plan = await parse(args);
    const { images, output, html } = plan;
    if (output !== undefined) await checkNewFile('check', output);
    if (html !== undefined) await checkNewFile('check', html);
    const outcomes = await outcomesOf(plan, signal);
    await writeOutcomes(outcomes, plan, signal);
    if (html !== undefined) await writePage(html, images, outcomes);
    return exitCodeOf(outcomes);
  },
};

async function outcomesOf(plan: Plan, signal: AbortSignal): Promise<Outcome[]> {
  const { images, guests, progress, concurrency, options } = plan;
  const reporter = new ImagesReporter(images, reporterFor(progress), 'check');
  try {
    return await sideBySide(
      guests,
      { operation: 'check', signal, concurrency },
      async (disks, index, given) => {
        reporter.begin(index);
        try {
          const onHandle = watching((g: Guestfs) => reporter.handle(g, undefined, index));
          const report = await check(disks, { ...options, signal: given, onHandle });
          reporter.clear();
          tellProblems(report, progress, images.length > 1 ? images[index] : undefined);
          reporter.end(index, undefined);
          return { report };
        } catch (error) {
          if (given.aborted) throw error;
          if (isBadOption(error)) throw new UsageError(`check: ${(error as Error).message}`);
          reporter.end(index, error as Error);
          reporter.clear();
          const failure = failureOf(error, 'check');
          tellFailure(failure, progress, images[index]);
          return { failure };
        }
      },
    );
  } finally {
    reporter.close();
  }
}

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
    concurrency: parsed.count('concurrency'),
    kind: (parsed.value('as') ?? 'text') as Kind,
    output: parsed.value('output'),
    html: parsed.value('html'),
    options: { ...{ keys, accel, template, timeout }, ...(await ownOptions(parsed)) },
  };
}
