// Estimates of operations that do not say how far they are, by what they took before.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ProgressReporter, type ProgressReporterOptions } from '../../lib/progress';
import { Durations, durationsFile } from '../../lib/progress/durations';
import { FakeHandle } from '../support/fake-operations';
import { Capture, Terminal } from '../support/terminal';

let folder: string;
let env: NodeJS.ProcessEnv;
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guestfs-estimates-'));
  env = { XDG_CACHE_HOME: folder };
  now = Date.UTC(2026, 0, 1);
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => durationsFile(env) ?? '';
const remembered = () => JSON.parse(readFileSync(file(), 'utf8')).durations;

function seconds(count: number): void {
  now += count * 1000;
}

function setup(options: ProgressReporterOptions = {}) {
  const stream = new Capture();
  const handle = new FakeHandle();
  const reporter = new ProgressReporter({ stream, env, now: () => now, ...options }).attach(handle);
  return { stream, handle, reporter };
}

/** Lets an operation run, in phases of so many seconds. */
function run(operation: string, phases: Record<string, number>, error?: Error): void {
  const { handle, reporter } = setup();
  const op = handle.start(operation);
  for (const [phase, duration] of Object.entries(phases)) {
    if (phase !== '') op.phase(phase);
    seconds(duration);
  }
  op.end(error);
  reporter.close();
}

test('a bar shows what such an operation took before, marked as an estimate, and is never full before the end', () => {
  for (const duration of [10, 11, 9]) run('inspectOs', { '': duration });
  const terminal = new Terminal(80);
  const handle = new FakeHandle();
  const reporter = new ProgressReporter({
    ...{ stream: terminal, env, now: () => now, format: 'bar', label: 'disk' },
  }).attach(handle);
  const op = handle.start('inspectOs');
  const shown = () => {
    reporter.line('');
    return terminal.screen.at(-1);
  };
  seconds(5);
  expect(shown()).toMatch(/^disk inspectOs \[=+> *\] {2}~50% {2}5s +ETA ~5s/);
  seconds(60);
  expect(shown()).toMatch(/^disk inspectOs \[=+>?\] {2}~99% {2}1m05s/);
  op.end();
  reporter.close();
});

test('phases tell a launch by the one way from one by another', () => {
  for (const duration of [14, 14]) run('launch', { appliance: 1, boot: 2, kernel: duration, daemon: 4 });
  for (const duration of [1, 1]) run('launch', { appliance: 0.5, restore: duration });
  const { handle, stream, reporter } = setup({ interval: 1000 });
  const op = handle.start('launch');
  op.phase('appliance');
  seconds(1);
  op.phase('boot');
  seconds(10);
  op.progress(3, 12);
  expect(stream.lines.at(-1)).toBe('launch: boot, about 50% after 11 s, about 10 s left');
  op.phase('kernel');
  seconds(9);
  op.phase('daemon');
  expect(stream.lines.at(-1)).toMatch(/^launch: daemon, about 7\d% after 20 s, about 4 s left$/);
  op.end();
  reporter.close();
});

test('records have an estimate', () => {
  for (const duration of [4, 4]) run('launch', { restore: duration });
  const { handle, stream, reporter } = setup({ format: 'json' });
  const op = handle.start('launch');
  op.phase('restore');
  seconds(1);
  op.progress(9, 12);
  op.end();
  reporter.close();
  const estimates = stream.lines
    .map((line) => JSON.parse(line))
    .map(({ type, estimate }) => [type, estimate]);
  expect(estimates).toEqual([
    ['start', { ratio: 0, eta: 4000 }],
    ['phase', { ratio: 0, eta: 4000 }],
    ['progress', { ratio: 0.25, eta: 3000 }],
    ['end', undefined],
  ]);
});

test('nothing is expected of what was seen once, takes now this and now that, has failed, or says how far it is', () => {
  run('once', { '': 10 });
  for (const duration of [2, 60, 3, 200]) run('command', { '': duration });
  for (let i = 0; i < 3; i++) run('fsck', { '': 10 }, new Error('failed'));
  const measured = setup();
  for (let i = 0; i < 3; i++) {
    const op = measured.handle.start('zeroDevice');
    for (const position of [0, 50, 100]) {
      op.progress(position, 100);
      seconds(2);
    }
    op.end();
  }
  measured.reporter.close();
  const durations = new Durations(file());
  expect(['once', 'command', 'fsck', 'zeroDevice', 'launch'].map((each) => durations.expected(each))).toEqual(
    Array(5).fill(undefined),
  );
  expect(Object.keys(remembered()).sort()).toEqual(['command', 'once']);
});

test('what is short is not worth being remembered, unless it was long before', () => {
  run('stat', { '': 0.2 });
  expect(existsSync(file())).toBe(false);
  run('inspectOs', { '': 3 });
  run('inspectOs', { '': 0.2 });
  expect(remembered()).toEqual({ inspectOs: [3000, 200] });
});

test('the file stays small: the latest operations, and the latest durations of each', () => {
  for (let i = 0; i < 80; i++) run(`operation${i}`, { '': 2 });
  for (let i = 1; i <= 20; i++) run('operation79', { '': i });
  expect(Object.keys(remembered())).toHaveLength(64);
  expect(remembered().operation0).toBeUndefined();
  expect(remembered().operation79).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20].map((each) => each * 1000));
});

test.each([
  ['no JSON', '{'],
  ['another version', '{"version":2,"durations":{"inspectOs":[1,1]}}'],
  ['no durations', '{"version":1,"durations":{"inspectOs":["1",null],"__proto__":[1],"launch":-1}}'],
  ['too much', ' '.repeat(100_000)],
])('a file with %s is none', (_, text) => {
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(file(), text);
  expect(new Durations(file()).expected('inspectOs')).toBeUndefined();
  for (const duration of [3, 3]) run('inspectOs', { '': duration });
  expect(new Durations(file()).expected('inspectOs')).toBe(3000);
});

test('a folder that cannot be written, or none, is no hindrance', () => {
  writeFileSync(join(folder, 'guestfs-node'), 'no folder');
  run('inspectOs', { '': 3 });
  env = {};
  run('inspectOs', { '': 3 });
  env = { XDG_CACHE_HOME: join(folder, 'off'), GUESTFS_ESTIMATES: '0' };
  run('inspectOs', { '': 3 });
  expect(existsSync(join(folder, 'off'))).toBe(false);
});
