// NDJSON as a contract, and the command that reads it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020';
import { ImagesReporter } from '../../lib/cli/images';
import type { Guestfs } from '../../lib/guestfs';
import { ProgressReporter } from '../../lib/progress';
import { Job } from '../../lib/progress/job';
import { readRecord } from '../../lib/progress/record';
import { program, runCli } from '../support/cli';
import { temporaryFolder } from '../support/folder';
import { Screen } from '../support/screen';
import { root } from '../support/script';
import { Capture } from '../support/terminal';

const schema = JSON.parse(readFileSync(join(root, 'schemas/progress-1.json'), 'utf8'));
const validate = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  formats: { 'date-time': true },
}).compile(schema);

function expectRecords(lines: readonly string[]): void {
  for (const line of lines) {
    const valid = validate(JSON.parse(line));
    expect({ line, valid, errors: validate.errors }).toEqual({ line, valid: true, errors: null });
  }
}

/** A handle as far as reporters know it. */
class FakeHandle extends Job {
  on(): void {}
}

/** The log of two images, of which one fails. */
function logOfImages(): Capture {
  const log = new Capture();
  const reporter = new ProgressReporter({ format: 'json', stream: log, env: {} });
  const images = new ImagesReporter(['/a/one.img', '/a/two.img'], reporter, 'inspect');
  for (const [index, error] of [undefined, Object.assign(new Error('bad'), { code: 'EIO' })].entries()) {
    const counts = { image: '', index, running: 1, done: 0, failed: 0, total: 2 };
    images.progress({ ...counts, type: 'start' });
    const launch = new FakeHandle('launch');
    images.handle(launch as unknown as Guestfs, undefined, index);
    launch.start();
    launch.phase('boot');
    launch.progress(3, 12);
    launch.phase('ready');
    launch.end(error);
    images.progress({ ...counts, type: 'end', error });
  }
  images.close();
  return log;
}

describe('records', () => {
  test('are as the schema has them, in a tree of images, operations and phases', () => {
    const log = logOfImages();
    expectRecords(log.lines);
    const { records } = log;
    expect(new Set(records.map(({ run }) => run)).size).toBe(1);
    const starts = records.filter(({ type }) => type === 'start' || type === 'phase');
    const named = new Map(starts.map((each) => [each.id, each]));
    expect(named.size).toBe(starts.length);
    const way = (each: { parent?: number; operation: string; phase?: string; type: string }): string => {
      const name = each.type === 'phase' ? each.phase : each.operation;
      return each.parent === undefined ? `${name}` : `${way(named.get(each.parent))} → ${name}`;
    };
    expect(starts.map(way)).toEqual([
      'inspectAll',
      ...[1, 2].flatMap(() => [
        'inspectAll → inspect',
        'inspectAll → inspect → launch',
        'inspectAll → inspect → launch → boot',
        'inspectAll → inspect → launch → ready',
      ]),
    ]);
    const ends = records.filter(({ type, kind }) => type === 'end' && kind === 'image');
    expect(ends.map(({ label, error }) => [label, error])).toEqual([
      ['/a/one.img', undefined],
      ['/a/two.img', { code: 'EIO', message: 'bad' }],
    ]);
  });

  test('have a clock that is never set back', () => {
    const times = logOfImages().records.map(({ monotonic }) => monotonic);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
  });

  test.each([
    ['no type', {}],
    ['a version to come', { version: 2, type: 'start', time: '2026-01-01T00:00:00Z', monotonic: 1 }],
    ['a start without its number', { version: 1, type: 'start', time: '2026-01-01T00:00:00Z', monotonic: 1 }],
    ['a time that is none', { version: 1, type: 'note', time: 'now', monotonic: 1, message: 'a' }],
  ])('that are none are not read: %s', (_, record) => {
    expect(readRecord(JSON.stringify(record))).toBeUndefined();
  });

  test('of the command are such, errors too', async () => {
    using folder = temporaryFolder();
    for (const args of [['inspect'], ['df'], ['ls']]) {
      const { stderr } = await runCli(...args, '--progress=json', folder.file('missing.img'));
      const lines = stderr.trimEnd().split('\n');
      expectRecords(lines);
      expect(lines.map((line) => JSON.parse(line).type)).toEqual(['error']);
    }
  });

  test('the schema is in the package', () => {
    const { files, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(files).toContain('schemas');
    expect(exports['./schemas/*.json']).toBe('./schemas/*.json');
  });
});

describe('guestfs progress', () => {
  const record = (run: string, type: string, second: number, more: object) =>
    `${JSON.stringify({
      ...{
        version: 1,
        type,
        time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
        monotonic: second,
      },
      ...{ run, id: 1, kind: 'image', operation: 'inspect', elapsed: 0 },
      ...more,
    })}\n`;
  const half = { position: 1, total: 2, ratio: 0.5, pulse: false };
  const image = (run: string, label: string, begin: number, error?: object) => [
    record(run, 'start', begin, { label }),
    record(run, 'progress', begin + 4, { label, ...half }),
    record(run, 'end', begin + 8, { label, error }),
  ];

  async function piped(input: string, ...args: string[]) {
    const child = spawn(process.execPath, [program, 'progress', ...args], {
      env: { ...process.env, CI: undefined, GITHUB_ACTIONS: undefined },
    });
    child.stdin.end(input);
    const ended = once(child, 'close');
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { stdout, stderr, code };
  }

  test('shows a log as lines, and what has come of it', async () => {
    using folder = temporaryFolder();
    const log = folder.file('log.ndjson');
    writeFileSync(log, image('a', 'one.img', 0).join(''));
    expect(await runCli('progress', log)).toEqual({
      stdout: 'IMAGE    OPERATION  RESULT  TIME\none.img  inspect    done    8.0s\n',
      stderr: 'one.img: inspect: 50% after 4 s\none.img: inspect: done in 8.0 s\n',
      code: 0,
    });
  });

  test('merges the logs of several processes by their times', async () => {
    using folder = temporaryFolder();
    const logs = [
      image('a', 'one.img', 0),
      image('b', 'two.img', 2, { code: 'EIO', message: 'bad \x1b[2J' }),
    ].map((lines, index) => {
      writeFileSync(folder.file(`${index}.ndjson`), lines.join(''));
      return folder.file(`${index}.ndjson`);
    });
    const { stdout, stderr } = await runCli('progress', ...logs);
    expect(stderr.split('\n')).toEqual([
      ...['one.img: inspect: 50% after 4 s', 'two.img: inspect: 50% after 4 s'],
      ...['one.img: inspect: done in 8.0 s', 'two.img: inspect: failed after 8.0 s: EIO bad', ''],
    ]);
    expect(stdout).toContain('two.img  inspect    EIO     8.0s\n');
    const { stdout: json, stderr: nothing } = await runCli('progress', '--summary', '--json', ...logs);
    expect(nothing).toBe('');
    expect(JSON.parse(json)).toMatchObject([{ label: 'one.img', elapsed: 8000 }, { error: { code: 'EIO' } }]);
  });

  test('passes on what is no record, and tells of it', async () => {
    const [start = ''] = image('a', 'one.img', 0);
    const { stdout, stderr, code } = await piped(`warning: \x1b[31mx\n${start}{"type":"start"}\n`);
    expect(stderr).toBe(
      'warning: x\n{"type":"start"}\nguestfs: progress: 2 lines are no records of progress\n',
    );
    expect(stdout).toContain('one.img  inspect    not ended     -\n');
    expect(code).toBe(1);
  });

  test('reads what the command writes', async () => {
    const { stdout, code } = await piped(logOfImages().text, '--progress=none');
    expect([code, stdout.split('\n').map((line) => line.split(/ +/).slice(0, 3))]).toEqual([
      0,
      [
        ['IMAGE', 'OPERATION', 'RESULT'],
        ['/a/one.img', 'inspect', 'done'],
        ['/a/two.img', 'inspect', 'EIO'],
        [''],
      ],
    ]);
  });

  test('shows bars on a terminal, as fast as it is told to', async () => {
    using folder = temporaryFolder();
    const log = folder.file('log.ndjson');
    writeFileSync(log, image('a', 'one.img', 0).join(''));
    await using screen = new Screen([process.execPath, program, 'progress', '--speed=4', log]);
    await screen.until(() =>
      expect(screen.lines).toContainEqual(expect.stringMatching(/^one\.img inspect \[=+> +\] {2}50%/)),
    );
    expect(await screen.ended).toBe(0);
    expect(screen.lines[0]).toMatch(/^✓ one\.img inspect 100% 8\.\ds$/);
  });

  test('counts an image that failed before anything was begun', async () => {
    const { stderr: log } = await runCli('inspect', '--progress=json', '/nonexistent.img');
    const { stdout } = await piped(log, '--summary');
    expect(stdout).toMatch(/\n\/nonexistent\.img +inspect +ENOENT +0\.0s\n$/);
  });

  test('says what is wrong', async () => {
    expect(await runCli('progress', '/nonexistent')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nonexistent cannot be read'),
    });
    expect(await runCli('progress', '--speed=0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('above 0'),
    });
  });
});
