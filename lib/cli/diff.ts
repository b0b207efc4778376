import { writeFile } from 'node:fs/promises';
import type { TreeReader } from '../bulk/walk';
import type { Changes, Difference, DiffOptions, PackageDifference } from '../diff';
import type { Guestfs } from '../guestfs';
import type { ToldDifference } from '../html/differences';
import type { ApplicationReport, ImageFile } from '../inspect';
import { watching } from '../options/callbacks';
import type { ProgressReporter } from '../progress';
import { Job } from '../progress/job';
import { shownName } from '../sources/uri';
import { bytesOf } from '../text/bytes';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { deviceNumbers, entryToJson, exactTime, modeText, octal } from './entries';
import { failureOf, tellFailure } from './failures';
import { checkNewFile } from './local';
import { Notes } from './notes';
import { htmlOption, launchArguments, launchOptions, mountArguments, mountOptions } from './options';
import { type ProgressChoice, reporterFor } from './progress';
import { type Piece, Results, type Style } from './results';

const description: Description = {
  name: 'diff',
  summary: 'Tell what has changed from one guest to another',
  operands: [
    { name: 'BEFORE', file: true },
    { name: 'AFTER', file: true },
  ],
  about: [
    'Tells which files have changed from one image to another, an overlay and its backing file perhaps: + for what is new, - for what is gone, and ~ for what has changed, with what of it. A file that has the same size and time counts as the same, unless --content is given. Both images are opened read-only, each in an appliance of its own.',
  ],
  options: [
    { name: 'content', about: 'Compare the content of files that have the same size; slow' },
    {
      name: 'text',
      about:
        'Tell how the content of changed text files differs, as a unified difference; those of up to 1 MiB are read. With --json: text',
    },
    { name: 'xattrs', about: 'Compare extended attributes too, those of SELinux among them' },
    { name: 'no-mtime', about: 'Do not compare when the content changed' },
    {
      name: 'packages',
      about:
        'Compare the packages of the operating systems instead of the files: + new, - gone, ↑ newer, ↓ older. With --json: change (added, removed, upgraded, downgraded), name, arch, before, after, as inspect lists packages',
    },
    { name: 'exit-code', about: 'End with exit code 3 when there are differences' },
    {
      name: 'json',
      about:
        'Print NDJSON, an object a line: change (added, removed, changed), path, before, after (as ls --json, or null), and changes, each { before, after }',
    },
    htmlOption,
    ...mountOptions,
    {
      name: 'add-before',
      value: 'IMAGE',
      multiple: true,
      file: true,
      about: 'A further disk of the first guest, in their order',
    },
    {
      name: 'add-after',
      value: 'IMAGE',
      multiple: true,
      file: true,
      about: 'A further disk of the second guest, in their order',
    },
    // Which of the two it would be is not said: domain:DOMAIN says it.
    ...launchOptions.filter(({ name }) => name !== 'domain'),
  ],
  examples: [
    { args: 'monday.qcow2 tuesday.qcow2', about: 'What has happened since' },
    {
      args: '--text monday.qcow2 tuesday.qcow2',
      about: 'What was changed in the configuration, line by line',
    },
    { args: '--packages monday.qcow2 tuesday.qcow2', about: 'Which packages were upgraded' },
    {
      args: '--content --exit-code --json golden.qcow2 built.qcow2',
      about: 'Whether two builds are the same',
    },
  ],
  exitCodes: {
    0: 'success, be there differences or not',
    1: 'the guests could not be compared, or not to the end; what was found is told',
    3: 'with --exit-code: there are differences',
  },
};

interface Comparison {
  /** Names of the guests, without passwords. */
  readonly names: readonly string[];
  readonly before: readonly ImageFile[];
  readonly after: readonly ImageFile[];
  readonly options: DiffOptions;
  readonly progress: ProgressChoice;
  readonly json: boolean;
  readonly packages: boolean;
  /** Page to be written. */
  readonly html: string | undefined;
  readonly exitCode: boolean;
}

export const command: Command = {
  description,
  async run(args, signal) {
    const comparison = parse(args);
    const { progress, html } = comparison;
    if (html !== undefined) await checkNewFile('diff', html);
    const { DifferenceList, renderDifferences } =
      require('../html/differences') as typeof import('../html/differences');
    const list = new DifferenceList();
    const failures: string[] = [];
    const reporter = reporterFor(progress);
    let hasFailed = false;
    const fail = (error: unknown, path?: string) => {
      hasFailed = true;
      reporter.clear();
      const failure = failureOf(error, 'diff');
      if (failures.length < mostFailures) failures.push(failure.message);
      tellFailure(failure, progress, path);
    };
    let isDifferent = false;
    try {
      await compare(comparison, reporter, {
        signal,
        onError: fail,
        onDifference: (difference) => {
          isDifferent = true;
          if (html !== undefined && difference) list.add(told(difference));
        },
      });
    } catch (error) {
      if (!signal.aborted) fail(error);
      // What had been told before counts, whoever wants no more of it.
      else if (!hasFailed && !isDifferent) throw error;
    } finally {
      reporter.close();
    }
    if (html !== undefined) {
      const [before = '', after = ''] = comparison.names;
      await writeFile(bytesOf(html), renderDifferences({ ...list, before, after, failures }));
    }
    if (hasFailed) return ExitCode.failure;
    return comparison.exitCode && isDifferent ? ExitCode.different : ExitCode.success;
  },
};

export function parse(args: readonly string[]): Comparison {
  const parsed = parseArguments(description, args);
  const { image, keys, progress, accel, template, timeout } = launchArguments(parsed);
  const [before = '', after = ''] = parsed.operands;
  const other = ['content', 'text', 'xattrs', 'no-mtime', 'mount', 'html'].find((name) => parsed.has(name));
  if (parsed.has('packages') && other) throw parsed.wrong(`--packages and --${other} exclude each other`);
  const disks = (path: string, others: readonly string[]) =>
    [path, ...others].map((each) => ({ ...image, path: each }));
  return {
    names: [before, after].map(shownName),
    before: disks(before, parsed.values('add-before')),
    after: disks(after, parsed.values('add-after')),
    options: { ...{ keys, accel, template, timeout }, ...compared(parsed) },
    progress,
    json: parsed.has('json'),
    packages: parsed.has('packages'),
    html: parsed.value('html'),
    exitCode: parsed.has('exit-code'),
  };
}

function compared(args: Arguments): DiffOptions {
  return {
    content: args.has('content'),
    text: args.has('text'),
    xattrs: args.has('xattrs'),
    mtime: !args.has('no-mtime'),
    ...mountArguments(args),
  };
}

/** The calls by which trees are compared: there are many, and none is worth to be named. */
const comparing: ReadonlySet<string> = new Set([
  ...(['checksum', 'ls0', 'lstatns', 'lstatnslist', 'lxattrlist'] as const),
  ...(['pread', 'readdir', 'readlink', 'readlinklist', 'statns'] as const),
] satisfies (keyof TreeReader)[]);

interface Listeners {
  readonly signal: AbortSignal;
  onError(error: Error, path: string): void;
  /** Hears of each difference before it is printed. */
  onDifference(difference?: Difference): void;
}

async function compare(
  { before, after, options, json, packages }: Comparison,
  reporter: ProgressReporter,
  { signal, onError, onDifference }: Listeners,
): Promise<void> {
  // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
  const { diff, diffPackages } = require('../diff') as typeof import('../diff');
  const results = new Results({ signal, beforeWrite: () => reporter.clear() });
  const job = new Job('diff');
  reporter.attach(job);
  job.start();
  const labels = ['before', 'after'];
  const notes = new Notes(reporter);
  const onHandle = watching((g: Guestfs) => {
    const label = labels.shift() ?? '';
    g.on('warning', (text) => notes.tellOnce(text));
    job.follow(g, (operation) =>
      comparing.has(operation) ? 'comparing the files' : `${label}: ${operation}`,
    );
  });
  try {
    if (packages) {
      const { keys, accel, template, timeout, root } = options;
      const launch = { keys, accel, template, timeout, root };
      for (const each of await diffPackages(before, after, { ...launch, signal, onHandle })) {
        onDifference();
        if (json) await results.json(each);
        else await results.line(...packageLine(each));
      }
      return job.end(undefined);
    }
    for await (const each of diff(before, after, { ...options, signal, onError, onHandle })) {
      onDifference(each);
      if (json) await results.json(differenceToJson(each));
      else await tell(results, each);
    }
    job.end(undefined);
  } catch (error) {
    job.end(error as Error);
    throw error;
  }
}

async function tell(results: Results, difference: Difference): Promise<void> {
  await results.line(...differenceLine(difference));
  if (difference.change !== 'changed' || !difference.text) return;
  for (const line of difference.text.slice(0, -1).split('\n')) await results.line([line, textStyle(line)]);
}

function textStyle(line: string): Style | undefined {
  if (/^(?:---|\+\+\+) /.test(line)) return 'bold';
  return ({ '+': 'green', '-': 'red', '@': 'cyan' } as const)[line.charAt(0)];
}

/** Failures that a page shows. */
const mostFailures = 100;

function told(difference: Difference): ToldDifference {
  const { change, path, before, after } = difference;
  const changes = change === 'changed' ? changesText(difference) : '';
  return { change, path, changes, before: before?.size, after: after?.size };
}

const signs: Readonly<Record<Difference['change'], readonly [sign: string, style: Style]>> = {
  added: ['+', 'green'],
  removed: ['-', 'red'],
  changed: ['~', 'yellow'],
};

const packageSigns: Readonly<Record<PackageDifference['change'], readonly [sign: string, style: Style]>> = {
  added: ['+', 'green'],
  removed: ['-', 'red'],
  upgraded: ['↑', 'yellow'],
  downgraded: ['↓', 'yellow'],
};

/** `↑ openssl:amd64 3.0.11-1 → 3.0.13-1` */
export function packageLine({ change, name, arch, before, after }: PackageDifference): Piece[] {
  const [sign, style] = packageSigns[change];
  const versions = [before, after].flatMap((each) => (each ? [versionOf(each)] : []));
  return [[`${sign} ${name}${arch ? `:${arch}` : ''}`, style], ` ${versions.join(' → ')}`];
}

function versionOf({ epoch, version, release }: ApplicationReport): string {
  return `${epoch > 0 ? `${epoch}:` : ''}${version ?? ''}${release === null ? '' : `-${release}`}`;
}

/** `~ /etc/hosts: size 12 → 15, mtime …` */
export function differenceLine(difference: Difference): Piece[] {
  const { change, path } = difference;
  const [sign, style] = signs[change];
  const pieces: Piece[] = [[`${sign} ${path}`, style]];
  if (difference.change !== 'changed') return pieces;
  return [...pieces, `: ${changesText(difference)}`];
}

function changesText({ before, after, changes }: Extract<Difference, { change: 'changed' }>): string {
  const all = Object.keys(changes) as (keyof Changes)[];
  const texts: Readonly<Record<keyof Changes, () => string>> = {
    type: () => `type ${before.type} → ${after.type}`,
    mode: () => `mode ${modeText(before)} → ${modeText(after)}`,
    uid: () => `uid ${before.uid} → ${after.uid}`,
    gid: () => `gid ${before.gid} → ${after.gid}`,
    size: () => `size ${before.size} → ${after.size}`,
    mtimeNs: () => `mtime ${exactTime(before.mtimeNs) ?? '-'} → ${exactTime(after.mtimeNs) ?? '-'}`,
    target: () => `target ${before.target ?? '-'} → ${after.target ?? '-'}`,
    rdev: () => `device ${deviceNumbers(before)} → ${deviceNumbers(after)}`,
    xattrs: () => 'extended attributes',
    content: () => 'content',
  };
  return all.map((name) => texts[name]()).join(', ');
}

export function differenceToJson(difference: Difference): Record<string, unknown> {
  const { change, path, before, after } = difference;
  const sides = { before: before && entryToJson(before), after: after && entryToJson(after) };
  if (difference.change !== 'changed') return { change, path, ...sides };
  const changes = Object.entries(difference.changes).map(([name, { before: was, after: is }]) => [
    name,
    { before: plain(name, was), after: plain(name, is) },
  ]);
  const text = difference.text === undefined ? {} : { text: difference.text };
  return { change, path, ...sides, changes: Object.fromEntries(changes), ...text };
}

/** Nanoseconds as digits, for a number would lose some; attributes in base64, for they are bytes. */
function plain(name: string, value: unknown): unknown {
  if (name === 'mode') return octal(value as number);
  if (name === 'mtimeNs') return String(value);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(
    [...(value as Map<string, Buffer>)].map(([key, bytes]) => [key, bytes.toString('base64')]),
  );
}
