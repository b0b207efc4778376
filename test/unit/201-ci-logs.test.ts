// Progress in the logs of continuous integration systems.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { terminatedError } from '../../lib/faults/errors';
import { ProgressReporter, type ProgressReporterOptions } from '../../lib/progress';
import { Job } from '../../lib/progress/job';
import { withoutCommands } from '../../lib/text/ci/commands';
import { type CiSystem, ciSystemOf, ciSystems } from '../../lib/text/ci/systems';
import { toJson } from '../../lib/text/json';
import type { OutputStream } from '../../lib/text/output-stream';
import { messagesOf, readLog } from '../support/ci-logs';
import { runCli } from '../support/cli';
import { temporaryFolder } from '../support/folder';
import { runNode } from '../support/script';
import { Capture } from '../support/terminal';

interface Words {
  readonly label: string;
  readonly operation: string;
  readonly phase: string;
  readonly message: string;
  readonly line: string;
}

const plainWords: Words = {
  label: "site's [1].qcow2",
  operation: 'copyOut',
  phase: 'etc/50% of | it',
  message: 'no space; left [on] 100%\nsecond line',
  line: 'a line of the program',
};

const seconds = (count: number) => jest.advanceTimersByTime(count * 1000);

/** The log of a job: a copy with progress, one that fails, and a line of the program. */
function logOf(words: Words, options: ProgressReporterOptions): string {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  const log = Object.assign(new Capture(), { fd: 2 });
  const reporter = new ProgressReporter({ stream: log, env: {}, ...options });
  const begin = (operation: string) => {
    const job = new Job(operation);
    reporter.attach(job, { label: words.label });
    job.start();
    return job;
  };
  const copy = begin(words.operation);
  copy.phase(words.phase);
  for (const percent of [25, 50, 50]) {
    seconds(3);
    copy.progress(percent, 100);
  }
  seconds(4);
  copy.end(undefined);
  const upload = begin('upload');
  seconds(12);
  upload.end(Object.assign(new Error(words.message), { code: 'ENOSPC' }));
  reporter.line(words.line);
  reporter.close();
  jest.useRealTimers();
  return log.text.replaceAll(`_${process.pid}_`, '_PID_').replace(/_PID_\d+/g, '_PID_1');
}

beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});

afterEach(() => {
  jest.useRealTimers();
});

describe.each(ciSystems)('%s', (ci) => {
  test('has its golden log', () => {
    const file = join(__dirname, 'golden', `ci-${ci}.log`);
    const log = logOf(plainWords, { ci });
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, log);
    expect(log).toBe(readFileSync(file, 'utf8'));
  });
});

const about = "site's [1].qcow2: copyOut";
const news = [
  `${about}: etc/50% of | it after 2 s`,
  `${about}: etc/50% of | it, 50% after 12 s`,
  `${about}: done in 13.0 s`,
  "site's [1].qcow2: upload: still running after 10 s",
  "site's [1].qcow2: upload: failed after 12.0 s: ENOSPC no space; left [on] 100%",
  'a line of the program',
] as const;
const [first, going, done, waiting, failed, line] = news;
const uploadTitle = "site's [1].qcow2: upload";

test('GitHub Actions reads groups, and an error outside of them', () => {
  expect(readLog('github', logOf(plainWords, { ci: 'github' }))).toEqual([
    { name: 'group', value: about },
    first,
    going,
    { name: 'endgroup', value: '' },
    done,
    { name: 'group', value: uploadTitle },
    waiting,
    { name: 'endgroup', value: '' },
    { name: 'error', value: failed, properties: { title: 'guestfs' } },
    line,
  ]);
});

test('GitLab reads collapsed sections with their times', () => {
  const begin = Date.UTC(2026, 0, 1) / 1000;
  const section = (name: string, time: number) => ({
    ...{ name, value: 'guestfs_PID_1' },
    properties: { time: String(begin + time), options: name === 'start' ? '[collapsed=true]' : '' },
  });
  expect(readLog('gitlab', logOf(plainWords, { ci: 'gitlab' }))).toEqual([
    ...[section('start', 2), about, first, going, section('end', 13), done],
    ...[section('start', 23), uploadTitle, waiting, section('end', 25), failed, line],
  ]);
});

test('Azure Pipelines reads groups, a bar that moves, and an issue', () => {
  const bar = (value: string) => ({ name: 'task.setprogress', value: about, properties: { value } });
  expect(readLog('azure', logOf(plainWords, { ci: 'azure' }))).toEqual([
    ...[{ name: 'group', value: about }, first, bar('25'), bar('50'), going],
    ...[{ name: 'endgroup', value: '' }, done, { name: 'group', value: uploadTitle }, waiting],
    ...[
      { name: 'endgroup', value: '' },
      { name: 'task.logissue', value: failed, properties: { type: 'error' } },
    ],
    line,
  ]);
});

test('Buildkite reads groups: folded ones, and open ones with what came of them', () => {
  expect(readLog('buildkite', logOf(plainWords, { ci: 'buildkite' }))).toEqual([
    ...[{ name: '~~~', value: about }, first, going, { name: '+++', value: about }, done],
    ...[{ name: '~~~', value: uploadTitle }, waiting, { name: '+++', value: uploadTitle }],
    ...[{ name: '^^^ +++' }, failed, line],
  ]);
});

test('TeamCity reads blocks, progress, and an error', () => {
  const block = (name: string, title: string) => ({ name, properties: { name: title } });
  expect(readLog('teamcity', logOf(plainWords, { ci: 'teamcity' }))).toEqual([
    ...[
      block('blockOpened', about),
      ...[first, going].map((value) => ({ name: 'progressMessage', value })),
      block('blockClosed', about),
      done,
    ],
    ...[block('blockOpened', uploadTitle), { name: 'progressMessage', value: waiting }],
    block('blockClosed', uploadTitle),
    { name: 'message', properties: { text: failed, status: 'ERROR' } },
    line,
  ]);
});

test('Jenkins and others get lines', () => {
  expect(readLog('plain', logOf(plainWords, { ci: 'plain' }))).toEqual(news);
});

test('a program to which failures mean nothing has none of them annotated', () => {
  const log = logOf(plainWords, { ci: 'github', annotations: false });
  expect(messagesOf(readLog('github', log)).map(({ name }) => name)).toEqual([
    ...['group', 'endgroup', 'group', 'endgroup'],
  ]);
  expect(log).toContain(`${failed}\n`);
});

describe('what a guest says', () => {
  const pieces = [
    ...[
      '::',
      ':',
      '##',
      '#',
      '[',
      ']',
      '##[',
      '##vso[',
      '##teamcity[',
      'group',
      'endgroup',
      'error',
      'task.complete',
    ],
    ...[
      '---',
      '+++',
      '~~~',
      '^^^',
      '-',
      '+',
      ' ',
      '\t',
      '\r',
      '\n',
      '\r\n',
      '\u2028',
      '\x1b',
      '\x1b[0K',
      '\x1b]',
      '\x07',
    ],
    ...[
      'section_start:1:a',
      'section_end:1:a\r\x1b[0K',
      '%0A',
      '%AZP25',
      '|',
      "'",
      "|'",
      '|n',
      ';',
      ',',
      '=',
      '%3B',
    ],
    ...[
      '\u200d',
      '\u00ad',
      '\ufe0f',
      '\u034f',
      '\u{e0100}',
      '\udc80',
      '\u0130',
      "message text='x'",
      'a',
      '\u00a0',
      '\v',
    ],
  ];
  const hostile = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const words = fc.record({
    label: hostile,
    operation: hostile,
    phase: hostile,
    message: hostile,
    line: hostile,
  });
  const kinds = (system: CiSystem, text: string) => messagesOf(readLog(system, text)).map(({ name }) => name);

  test.each(ciSystems)('never forms a message in a log of %s, to no system at all', (ci) => {
    const expected = Object.fromEntries(
      ciSystems.map((reader) => [reader, kinds(reader, logOf({ ...plainWords }, { ci }))]),
    );
    fc.assert(
      fc.property(words, (said) => {
        const log = logOf(said, { ci });
        for (const reader of ciSystems)
          expect([reader, kinds(reader, log)]).toEqual([reader, expected[reader]]);
      }),
      { numRuns: 50 },
    );
  });

  test('nor in NDJSON, nor in a line by itself', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = [toJson({ text }), ...text.split(/[\r\n]/).map(withoutCommands)];
        expect(JSON.parse(lines[0] as string)).toEqual({ text });
        for (const reader of ciSystems) {
          const found = lines.map((line) => kinds(reader, `${line}\n`));
          expect(found.flat()).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('is made harmless in linear time', () => {
    const begin = performance.now();
    for (const piece of ['#\u200d', '#', ':\u200d', ' ', '-', 'section_start', '\u200d'])
      withoutCommands(piece.repeat(200_000));
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});

test.each<[NodeJS.ProcessEnv, CiSystem | undefined]>([
  [{ GITHUB_ACTIONS: 'true', CI: 'true' }, 'github'],
  [{ GITLAB_CI: 'true', CI: 'true' }, 'gitlab'],
  [{ TF_BUILD: 'True' }, 'azure'],
  [{ BUILDKITE: 'true', CI: 'true' }, 'buildkite'],
  [{ TEAMCITY_VERSION: '2025.11 (build 1)' }, 'teamcity'],
  [{ JENKINS_URL: 'https://ci.example.org/' }, 'plain'],
  [{ CI: '1' }, 'plain'],
  [{ CI: 'false', GITLAB_CI: '0' }, undefined],
  [{}, undefined],
])('a job is known by its variables: %j', (env, system) => {
  const at = (fd?: number) => ciSystemOf({ fd } as OutputStream, env);
  expect([at(1), at(2), at(17), at()]).toEqual([system, system, undefined, undefined]);
  const terminal = new Capture(80);
  expect(new ProgressReporter({ stream: terminal, env }).format).toBe(system ? 'text' : 'bar');
});

test('the system can be chosen, and must be known', () => {
  const stream = new Capture(80);
  expect(new ProgressReporter({ stream, env: {}, ci: 'plain' }).format).toBe('text');
  for (const options of [{ ci: 'travis' }, { ci: 5 }, { annotations: 'no' }] as object[]) {
    expect(() => new ProgressReporter({ stream, ...options })).toThrow(/^ProgressReporter: /);
  }
});

describe('outcomes', () => {
  const outcomes = [
    { image: 'a.qcow2', elapsed: 12_300, result: 'Debian GNU/Linux 12' },
    {
      image: 'b|`<b>x</b>\n@me.img',
      elapsed: 75_000,
      error: Object.assign(new Error('no\nyes'), { code: 'EIO' }),
    },
  ];

  function summaryOf(
    options: ProgressReporterOptions,
    some: readonly (typeof outcomes)[number][] = outcomes,
  ) {
    using folder = temporaryFolder();
    const file = folder.file('summary.md');
    writeFileSync(file, 'before\n');
    const log = new Capture();
    const env = { GITHUB_STEP_SUMMARY: file, ...options.env };
    const reporter = new ProgressReporter({ stream: log, ...options, env });
    for (const each of some) reporter.outcome(each);
    seconds(80);
    reporter.close();
    reporter.close();
    return { log: log.lines, summary: readFileSync(file, 'utf8').replace(/^before\n/, '') };
  }

  test('of several images are a line', () => {
    expect(summaryOf({}).log).toEqual(['2 images, 1 failed, in 1 min 20 s']);
    expect(summaryOf({}, outcomes.slice(0, 1)).log).toEqual([]);
    expect(summaryOf({ format: 'none' }).log).toEqual([]);
    const aborted = { image: 'c', elapsed: 1, error: terminatedError('launch', '') };
    expect(summaryOf({}, [...outcomes, aborted]).log).toEqual([
      '3 images, 1 failed, 1 aborted, in 1 min 20 s',
    ]);
  });

  test('are a table in GitHub Actions, in which nothing is obeyed', () => {
    const { summary } = summaryOf({ ci: 'github' });
    const tokens = new MarkdownIt({ html: true, linkify: true }).parse(summary, {});
    const cells = tokens.filter(({ type }) => type === 'inline');
    expect(cells.flatMap(({ children }) => children ?? []).map(({ type }) => type)).toEqual(
      cells.filter(({ content }) => content).map(() => expect.stringMatching(/^text(_special)?$/)),
    );
    expect(cells.map(({ children }) => (children ?? []).map(({ content }) => content).join(''))).toEqual([
      ...['guestfs: 2 images, 1 failed, in 1 min 20 s', '', 'Image', 'Result', 'Time'],
      ...['✅', 'a.qcow2', 'Debian GNU/Linux 12', '12.3s'],
      ...['❌', 'b|`<b>x</b> @me.img', 'EIO: no', '1m15s'],
    ]);
  });

  test('stay away from other jobs, and within what GitHub shows', () => {
    expect(summaryOf({ ci: 'gitlab' }).summary).toBe('');
    expect(summaryOf({ ci: 'github', format: 'none' }).summary).toBe('');
    const many = Array.from({ length: 20_000 }, (_, index) => ({
      image: `${index}${'?'.repeat(500)}`,
      elapsed: 1,
      result: '',
    }));
    const { summary } = summaryOf({ ci: 'github' }, many);
    expect(Buffer.byteLength(summary)).toBeLessThan(1_000_000);
    expect(summary).toMatch(/\n\d+ more are in the log\.\n/);
  });

  test('that cannot be written are no reason to fail', () => {
    const reporter = new ProgressReporter({
      stream: new Capture(),
      ci: 'github',
      env: { GITHUB_STEP_SUMMARY: '/nonexistent/a' },
    });
    reporter.outcome({ image: 'a', elapsed: 1 });
    reporter.close();
  });

  test.each([[undefined], ['a'], [{ image: 5, elapsed: 1 }], [{ image: 'a' }]])(
    'must be right: %j',
    (outcome) => {
      const reporter = new ProgressReporter({ stream: new Capture() });
      expect(() => reporter.outcome(outcome as never)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    },
  );
});

test('the command tells a failure as the job of its environment, or --progress, has it', async () => {
  jest.useRealTimers();
  using folder = temporaryFolder();
  const missing = folder.file('100%.img');
  const plain = `guestfs: inspect: ${missing} does not exist (ENOENT)`;
  const ofSystem = async (ci: CiSystem) =>
    readLog(ci, (await runCli('inspect', `--progress=${ci}`, missing)).stderr);
  expect(await ofSystem('github')).toEqual([
    { name: 'error', value: plain, properties: { title: 'guestfs' } },
  ]);
  expect(await ofSystem('azure')).toEqual([
    { name: 'task.logissue', value: plain, properties: { type: 'error' } },
  ]);
  expect(await ofSystem('teamcity')).toEqual([
    { name: 'message', properties: { text: plain, status: 'ERROR' } },
  ]);
  expect(await ofSystem('plain')).toEqual([plain]);
  const summary = folder.file('summary.md');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  await runNode(['dist/cli/main.js', 'inspect', missing, missing], { env });
  expect(readFileSync(summary, 'utf8')).toContain('guestfs: 2 images, 2 failed');
});
