import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Observable } from '../../lib/calls/operations';
import { terminatedError } from '../../lib/faults/errors';
import { ProgressReporter, type ProgressReporterOptions, printable } from '../../lib/progress';
import { compactDuration, spokenDuration } from '../../lib/progress/duration';
import { Estimate } from '../../lib/progress/estimate';
import { type Running, renderEnded, renderRunning } from '../../lib/progress/render';
import { columnsOf, toColumns, truncate } from '../../lib/text/columns';
import { FakeHandle } from '../support/fake-operations';
import { runNode } from '../support/script';
import { Capture, Terminal } from '../support/terminal';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that sets colours
const colour = /\x1b\[\d*m/u;

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** A reporter with nothing of this process's environment. */
function reporterOn(stream: Writable, options: ProgressReporterOptions = {}): ProgressReporter {
  return new ProgressReporter({ stream, env: {}, ...options });
}

const seconds = (count: number) => jest.advanceTimersByTime(count * 1000);

beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('printable', () => {
  test.each([
    ['a colour', 'a \x1b[1;31mred\x1b[0m b', 'a red b'],
    ['a window title', 'a\x1b]0;owned\x07b\x1b]2;owned\x1b\\c', 'abc'],
    ['a link', '\x1b]8;;http://x.example\x1b\\text\x1b]8;;\x1b\\', 'text'],
    ['a device control string', 'a\x1bP1$r0m\x1b\\b', 'ab'],
    ['short escapes', 'a\x1bcb\x1b7c\x1b(Bd', 'abcd'],
    ['C1 controls', 'a\u009b31mb\u0085c\u009d0;owned\u009cd\u0090', 'ab cd'],
    ['an unfinished sequence', 'a\x1b[31', 'a31'],
    ['a sequence inside a sequence', 'a\x1b\x1b[31m[31mb', 'a[31mb'],
    ['controls', 'a\0b\bc\x7fd', 'abcd'],
    ['line breaks and tabs', 'a\r\nb\nc\rd\te\u2028f', 'a b c d e f'],
    ['text direction', 'a\u202egnp.exe\u2066b', 'agnp.exeb'],
    ['bytes that are not UTF-8', 'a\udce9b', 'a\ufffdb'],
    ['ordinary text', 'Größe 日本 👍🏽 [31m', 'Größe 日本 👍🏽 [31m'],
  ])('%s', (_name, text, clean) => {
    expect(printable(text)).toBe(clean);
  });

  test('leaves no control character, whatever comes', () => {
    const pieces = ['\x1b', '[', ']', '3', 'm', '\x07', '\\', '\u009b', '\u009c', 'P', '\n', '\udc80'];
    for (let seed = 0; seed < 5000; seed++) {
      let text = '';
      for (let rest = seed * 7919 + 1; rest > 0; rest = Math.floor(rest / pieces.length)) {
        text += pieces[rest % pieces.length];
      }
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}]/u);
    }
  });

  test('takes hostile text in linear time', () => {
    jest.useRealTimers();
    const begin = performance.now();
    const pieces = ['\x1b]', '\x1b[', '\x1b', '\u0090', '\x1b[1;', '\x1b]a\u009d', '\x1b('];
    for (const piece of pieces) printable(piece.repeat(200_000));
    expect(performance.now() - begin).toBeLessThan(5000);
    jest.useFakeTimers();
  });
});

describe('columns', () => {
  test('counts wide and combining characters', () => {
    expect(columnsOf('disk')).toBe(4);
    expect(columnsOf('日本')).toBe(4);
    expect(columnsOf('e\u0301')).toBe(1);
    expect(columnsOf('👍')).toBe(2);
  });

  test('takes no character for narrower than terminals do', async () => {
    // That package is an ES module, which Jest cannot load.
    const program = `
      import { eastAsianWidth } from 'get-east-asian-width';
      import columns from './dist/text/columns.js';
      for (let code = 0x20; code <= 0x10ffff; code++) {
        const character = String.fromCodePoint(code);
        const unused = /[\\p{M}\\p{C}]/u.test(character);
        if (!unused && eastAsianWidth(code) > columns.columnsOf(character)) console.log(code.toString(16));
      }`;
    const { code, stdout } = await runNode(['--input-type=module', '-e', program]);
    expect({ code, narrow: stdout }).toEqual({ code: 0, narrow: '' });
  });

  test('shortens and pads', () => {
    expect(truncate('copyIn', 6)).toBe('copyIn');
    expect(truncate('copyOut', 6)).toBe('copyO…');
    expect(truncate('日本語', 4)).toBe('日…');
    expect(truncate('copyOut', 0)).toBe('');
    expect(toColumns('日本語', 5)).toBe('日本…');
    expect(toColumns('日本語', 4)).toBe('日… ');
    expect(toColumns('df', 4)).toBe('df  ');
  });
});

describe('durations', () => {
  test.each([
    [0, 0, '0s', '0 s'],
    [12_345, 1, '12.3s', '12.3 s'],
    [59_949, 1, '59.9s', '59.9 s'],
    [59_960, 1, '1m00s', '1 min 0 s'],
    [125_000, 1, '2m05s', '2 min 5 s'],
    [3_599_600, 0, '1h00m', '1 h 0 min'],
    [3_720_000, 0, '1h02m', '1 h 2 min'],
    [-5, 0, '0s', '0 s'],
  ])('%d ms', (ms, decimals, compact, spoken) => {
    expect(compactDuration(ms, decimals)).toBe(compact);
    expect(spokenDuration(ms, decimals)).toBe(spoken);
  });
});

describe('Estimate', () => {
  test('is hidden until two samples', () => {
    const estimate = new Estimate();
    expect(estimate.remaining(0)).toBeUndefined();
    estimate.sample(0.1, 2000);
    expect(estimate.remaining(2000)).toBeUndefined();
    expect(estimate.rate).toBeUndefined();
    estimate.sample(0.2, 3000);
    expect(estimate.rate).toBeCloseTo(0.1);
    expect(estimate.remaining(3000)).toBeCloseTo(8000);
  });

  test('falls steadily at a steady speed, between samples too', () => {
    const estimate = new Estimate();
    let last = Number.POSITIVE_INFINITY;
    for (let step = 0; step <= 100; step++) {
      estimate.sample(step / 100, step * 300);
      if (step === 0) continue;
      for (const time of [step * 300, step * 300 + 150]) {
        const remaining = estimate.remaining(time) ?? 0;
        expect(remaining).toBeLessThanOrEqual(last + 1e-6);
        last = remaining;
      }
    }
    expect(estimate.remaining(30_000)).toBe(0);
  });

  test('follows a change of speed smoothly', () => {
    const estimate = new Estimate();
    for (let step = 0; step <= 10; step++) estimate.sample(step * 0.04, step * 1000);
    estimate.sample(0.41, 11_000);
    expect(estimate.rate).toBeGreaterThan(0.03);
    for (let step = 1; step <= 40; step++) estimate.sample(0.41 + step * 0.01, 11_000 + step * 1000);
    expect(estimate.rate).toBeGreaterThan(0.01);
    expect(estimate.rate).toBeLessThan(0.012);
  });

  test('begins anew when the ratio falls back', () => {
    const estimate = new Estimate();
    estimate.sample(0.5, 1000);
    estimate.sample(1, 2000);
    estimate.sample(0, 3000);
    expect(estimate.remaining(3000)).toBeUndefined();
    estimate.sample(0.01, 4000);
    expect(estimate.remaining(4000)).toBeCloseTo(99_000);
  });

  test('says nothing when its forecast has passed, without progress, or of a far future', () => {
    const estimate = new Estimate();
    estimate.sample(0.8, 0);
    estimate.sample(0.9, 1000);
    expect(estimate.remaining(1500)).toBeCloseTo(500);
    expect(estimate.remaining(2500)).toBeUndefined();

    const stuck = new Estimate();
    stuck.sample(0.5, 0);
    stuck.sample(0.5, 1000);
    expect(stuck.remaining(1000)).toBeUndefined();

    const slow = new Estimate();
    slow.sample(0, 0);
    slow.sample(1e-9, 1000);
    expect(slow.remaining(1000)).toBeUndefined();
  });

  test('bears two samples of one instant and a clock set back', () => {
    const estimate = new Estimate();
    estimate.sample(0.1, 1000);
    estimate.sample(0.2, 1000);
    estimate.sample(0.3, 500);
    expect(estimate.remaining(1000)).toBeUndefined();
    estimate.sample(0.3, 2000);
    expect(estimate.rate).toBeCloseTo(0.2);
  });
});

describe('a line of the bar', () => {
  const measure = { ratio: 0.42, percent: 42, remaining: 12_000, isEstimated: false };
  const copy: Running = {
    label: '',
    operation: 'copyDeviceToDevice',
    elapsed: 8000,
    bar: measure,
    phase: undefined,
    rate: 0.034,
  };

  test.each<[string, Running, number, string]>([
    [
      'wide',
      copy,
      100,
      'copyDeviceToDevice [================>                       ]  42%  8s  ETA 12s  3.4%/s',
    ],
    ['80 columns', copy, 79, 'copyDeviceToDevice [=========>             ]  42%  8s  ETA 12s  3.4%/s'],
    ['without rate', copy, 59, 'copyDeviceToDevice [=====>       ]  42%  8s  ETA 12s'],
    ['without ETA', copy, 44, 'copyDeviceToDevice [====>     ]  42%  8s'],
    ['percent only', copy, 39, 'copyDeviceToDevice [=====>       ]  42%'],
    ['no room for a bar', copy, 30, '| copyDeviceToDevice 42%'],
    ['no room for the name', copy, 16, '| copyDevic… 42%'],
    [
      'moving',
      { ...copy, bar: 'moving', elapsed: 700 },
      50,
      'copyDeviceToDevice [       <=>           ]  1s',
    ],
    [
      'a phase instead of a forecast',
      { ...copy, operation: 'launch', phase: 'kernel', bar: { ...measure, ratio: 0.25, percent: 25 } },
      60,
      'launch [=======>                      ]  25%  8s  kernel',
    ],
    [
      'an estimate',
      { ...copy, operation: 'launch', phase: 'kernel', bar: { ...measure, isEstimated: true } },
      60,
      'launch [======>         ]  ~42%  8s  kernel  ETA ~12s',
    ],
    ['a spinner', { ...copy, bar: undefined, elapsed: 1200 }, 60, '| copyDeviceToDevice 1s'],
    [
      'a label',
      { ...copy, label: 'disk.qcow2' },
      79,
      'disk.qcow2 copyDeviceToDevice [=====>      ]  42%  8s  ETA 12s  3.4%/s',
    ],
    [
      'a label without room',
      { ...copy, label: 'disk.qcow2' },
      50,
      'disk.… copyDeviceToDevice [=======>         ]  42%',
    ],
  ])('%s', (_name, view, columns, text) => {
    expect(renderRunning(view, columns).trimEnd()).toBe(text);
  });

  test('has exactly the columns asked for', () => {
    for (let columns = 1; columns <= 200; columns++) {
      for (const view of [
        copy,
        { ...copy, label: '日本語のディスク.qcow2' },
        { ...copy, bar: 'moving', elapsed: columns * 100 },
        { ...copy, bar: undefined, elapsed: 1e9 },
        { ...copy, phase: 'x'.repeat(50) },
        { ...copy, bar: { ...measure, remaining: 3.5e8 }, elapsed: 3.6e9, rate: 1e-6 },
        { ...copy, bar: { ...measure, isEstimated: true }, phase: 'kernel' },
        { ...copy, bar: { ...measure, remaining: undefined }, rate: undefined },
      ] satisfies Running[]) {
        expect(columnsOf(renderRunning(view, columns))).toBe(columns);
      }
      for (const code of [undefined, 'ERR_GUESTFS_TERMINATED']) {
        const ended = {
          label: 'disk.qcow2',
          operation: 'copyDeviceToDevice',
          elapsed: 12_345,
          failure: code,
        };
        expect(columnsOf(renderEnded(ended, columns))).toBeLessThanOrEqual(columns);
      }
    }
  });

  test('fills from empty to full', () => {
    const bar = (ratio: number) =>
      /\[(.*)\]/.exec(renderRunning({ ...copy, bar: { ...measure, ratio, percent: 0 } }, 120))?.[1];
    expect(bar(0)).toBe(`>${' '.repeat(39)}`);
    expect(bar(0.999)).toBe(`${'='.repeat(39)}>`);
    expect(bar(1)).toBe('='.repeat(40));
  });

  test('keeps the bar still while the numbers grow', () => {
    const end = (view: Partial<Running>) => renderRunning({ ...copy, ...view }, 79).indexOf(']');
    expect(end({ elapsed: 59_000, bar: { ...measure, remaining: 130_000 }, rate: 0.0001 })).toBe(
      end({ bar: { ...measure, remaining: undefined }, rate: undefined }),
    );
  });

  test('shows a slow rate by the minute', () => {
    expect(renderRunning({ ...copy, rate: 0.0002 }, 100)).toContain('1.2%/min');
  });

  test('ends', () => {
    const ended = { label: '', operation: 'copyDeviceToDevice', elapsed: 12_340, failure: undefined };
    expect(renderEnded(ended, 80)).toBe('✓ copyDeviceToDevice 100% 12.3s');
    expect(renderEnded({ ...ended, label: 'a.img', failure: 'EIO' }, 80)).toBe(
      '✗ a.img copyDeviceToDevice EIO 12.3s',
    );
  });
});

describe('the format', () => {
  test.each<[string, boolean, NodeJS.ProcessEnv, string]>([
    ['a terminal', true, { TERM: 'xterm' }, 'bar'],
    ['a terminal without TERM', true, {}, 'bar'],
    ['a pipe', false, { TERM: 'xterm' }, 'text'],
    ['CI on a terminal', true, { CI: 'true' }, 'text'],
    ['CI=1', true, { CI: '1' }, 'text'],
    ['CI=false', true, { CI: 'false' }, 'bar'],
    ['CI=0', true, { CI: '0' }, 'bar'],
    ['CI empty', true, { CI: '' }, 'bar'],
    ['a dumb terminal', true, { TERM: 'dumb' }, 'text'],
  ])('auto, %s', (_name, tty, env, format) => {
    expect(new ProgressReporter({ stream: new Capture(tty ? 80 : undefined), env }).format).toBe(format);
  });

  test.each(['bar', 'text', 'json', 'none'] as const)('%s when asked for', (format) => {
    expect(new ProgressReporter({ format, stream: new Capture(), env: { CI: 'true' } }).format).toBe(format);
  });

  test('must be known, and the interval positive', () => {
    const options = (bad: object) => () => new ProgressReporter({ stream: new Capture(), ...bad });
    expect(options({ format: 'fancy' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(options({ interval: 0 })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
    expect(options({ interval: Number.NaN })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });

  const fail = () => {
    throw new Error('mine');
  };

  test.each<[string, unknown, string]>([
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['a text', 'text', 'ERR_INVALID_ARG_TYPE'],
    ['format', { format: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ['interval as a text', { interval: '5' }, 'ERR_INVALID_ARG_TYPE'],
    ['interval as a bigint', { interval: 5n }, 'ERR_INVALID_ARG_TYPE'],
    ['label', { label: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ['env', { env: null }, 'ERR_INVALID_ARG_TYPE'],
    ['now', { now: 5 }, 'ERR_INVALID_ARG_TYPE'],
    ['stream', { stream: {} }, 'ERR_INVALID_ARG_TYPE'],
    ['an unknown option', { lable: 'text' }, 'ERR_INVALID_ARG_VALUE'],
    ['a proxy that throws', new Proxy({}, { ownKeys: fail }), 'ERR_INVALID_ARG_VALUE'],
    ['a stream that throws', { stream: new Proxy({}, { get: fail }) }, 'ERR_INVALID_ARG_VALUE'],
    ['a variable that is no text', { env: { CI: Symbol('true') } }, 'ERR_INVALID_ARG_VALUE'],
  ])('must be right: %s', (_, options, code) => {
    const make = () => new ProgressReporter(options as ProgressReporterOptions);
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(/^ProgressReporter: /);
  });

  test('and so must what is attached and printed', () => {
    const reporter = new ProgressReporter({ stream: new Capture() });
    const code = 'ERR_INVALID_ARG_TYPE';
    for (const bad of [undefined, null, {}, 'handle'] as unknown as Observable[]) {
      expect(() => reporter.attach(bad)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => reporter.line(5 as unknown as string)).toThrow(expect.objectContaining({ code }));
    const handle = new FakeHandle();
    for (const bad of [null, 'disk.qcow2', { label: 5 }]) {
      expect(() => reporter.attach(handle, bad as object)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => reporter.attach(handle, { lable: 'a' } as object)).toThrow(/unknown option 'lable'/);
    expect(handle.observers.size).toBe(0);
  });
});

describe('bar', () => {
  const setup = (columns = 80, options: ProgressReporterOptions = {}) => {
    const terminal = new Terminal(columns);
    const handle = new FakeHandle();
    const reporter = reporterOn(terminal, { format: 'bar', ...options }).attach(handle);
    return { terminal, handle, reporter };
  };

  test('draws, redraws and ends with a line that stays', () => {
    const { terminal, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    seconds(2);
    copy.progress(10, 100);
    seconds(1);
    copy.progress(42, 100);
    seconds(0.3);
    expect(terminal.screen).toEqual([
      expect.stringMatching(/^copyDeviceToDevice \[=+> +\] {2}42% {2}3s {2}ETA \ds {2}32\.0%\/s$/),
    ]);
    expect(terminal.cursor).toEqual([0, 0]);
    copy.progress(100, 100);
    seconds(0.1);
    copy.end();
    expect(terminal.screen).toEqual(['✓ copyDeviceToDevice 100% 3.4s']);
    expect(terminal.cursor).toEqual([1, 0]);
  });

  test('names the code of a failure', () => {
    const { terminal, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(10, 100);
    seconds(3.1);
    copy.end(failure('EIO', 'Input/output error'));
    expect(terminal.screen).toEqual(['✗ copyDeviceToDevice EIO 3.1s']);
  });

  test('draws nothing for short operations', () => {
    const { terminal, handle } = setup();
    for (let count = 0; count < 100; count++) {
      const call = handle.start('lstat');
      seconds(0.9);
      call.end(count % 2 ? failure('ENOENT', 'no such file') : undefined);
    }
    expect(terminal.text).toBe('');
  });

  test('shows a spinner while there is no progress, and removes it', () => {
    const { terminal, handle } = setup();
    const call = handle.start('inspectOs');
    seconds(3.2);
    expect(terminal.screen).toEqual([expect.stringMatching(/^[|/\\-] inspectOs 3s$/)]);
    const before = terminal.screen;
    seconds(0.1);
    expect(terminal.screen).not.toEqual(before);
    call.end();
    expect(terminal.screen).toEqual([]);
  });

  test('shows the phases of a launch, with and without progress', () => {
    const { terminal, handle } = setup();
    const launch = handle.start('launch');
    launch.phase('kernel');
    seconds(0.9);
    expect(terminal.text).toBe('');
    seconds(2);
    expect(terminal.screen).toEqual([expect.stringMatching(/^launch \[ *<=> *\] {2}3s {2}kernel$/)]);
    launch.progress(3, 12);
    launch.phase('init');
    seconds(0.1);
    expect(terminal.screen).toEqual([expect.stringMatching(/^launch \[=+> +\] {2}25% {2}3s {2}init$/)]);
    launch.end();
    expect(terminal.screen).toEqual(['✓ launch 100% 3.0s']);
  });

  test('moves a bar for operations that cannot be measured', () => {
    const { terminal, handle } = setup();
    const zero = handle.start('zeroFreeSpace');
    seconds(2);
    zero.progress(0, 1, true);
    const seen = new Set<string>();
    for (let count = 0; count < 5; count++) {
      seconds(0.1);
      expect(terminal.screen).toEqual([expect.stringMatching(/^zeroFreeSpace \[ *<=> *\] {2}[23]s$/)]);
      seen.add(terminal.screen[0] ?? '');
    }
    expect(seen.size).toBe(5);
    zero.end();
  });

  test('redraws ten times a second at most', () => {
    const { terminal, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    for (let position = 0; position < 1000; position++) {
      copy.progress(position, 1000);
      seconds(0.001);
    }
    expect(terminal.draws).toBeLessThanOrEqual(10);
    expect(terminal.draws).toBeGreaterThanOrEqual(9);
    copy.end();
  });

  test('has a line per running operation of several handles', () => {
    const { terminal, handle, reporter } = setup();
    const other = new FakeHandle();
    reporter.attach(other);
    const first = handle.start('copyDeviceToDevice');
    const second = other.start('zeroFreeSpace');
    first.progress(1, 2);
    second.progress(0, 1, true);
    seconds(1.5);
    expect(terminal.screen).toEqual([expect.stringMatching(/^copy.* 50%/), expect.stringMatching(/^zero/)]);
    expect(terminal.cursor).toEqual([0, 0]);
    first.end();
    expect(terminal.screen).toEqual(['✓ copyDeviceToDevice 100% 1.5s', expect.stringMatching(/^zero/)]);
    second.end(failure('EIO', 'bad'));
    expect(terminal.screen).toEqual(['✓ copyDeviceToDevice 100% 1.5s', '✗ zeroFreeSpace EIO 1.5s']);
  });

  test('names each handle by its own label, if it has one', () => {
    const { terminal, handle, reporter } = setup(80, { label: 'all' });
    const other = new FakeHandle();
    reporter.attach(other, { label: 'b\x1b[2J.img' });
    const calls = [handle.start('zeroFreeSpace'), other.start('zeroFreeSpace')];
    for (const call of calls) call.progress(1, 2);
    seconds(1);
    expect(terminal.screen).toEqual([
      expect.stringMatching(/^all zeroFreeSpace \[/),
      expect.stringMatching(/^b\.img zeroFreeSpace \[/),
    ]);
    for (const call of calls) call.end();
    expect(terminal.screen).toEqual(['✓ all zeroFreeSpace 100% 1.0s', '✓ b.img zeroFreeSpace 100% 1.0s']);
  });

  test('makes way for what the program writes, and comes back below it', () => {
    const { terminal, handle, reporter } = setup();
    reporter.clear();
    expect(terminal.text).toBe('');
    const calls = [handle.start('zeroFreeSpace'), handle.start('copyDeviceToDevice')];
    for (const call of calls) call.progress(1, 2);
    seconds(1);
    reporter.clear();
    expect(terminal.screen).toEqual([]);
    terminal.write('a report\n');
    seconds(0.3);
    expect(terminal.screen).toEqual([
      'a report',
      expect.stringMatching(/^zeroFreeSpace/),
      expect.stringMatching(/^copyDeviceToDevice/),
    ]);
    for (const call of calls) call.end();
    expect(terminal.screen[0]).toBe('a report');
  });

  test('short operations beside a bar cause no redraws', () => {
    const { terminal, handle, reporter } = setup();
    const other = new FakeHandle();
    reporter.attach(other);
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    seconds(1);
    const { draws } = terminal;
    for (let count = 0; count < 100; count++) other.start('lstat').end();
    expect(terminal.draws).toBe(draws);
    copy.end();
  });

  test('never draws more lines than the terminal has', () => {
    const { terminal, handle } = setup();
    terminal.rows = 4;
    const calls = Array.from({ length: 10 }, () => handle.start('copyDeviceToDevice'));
    seconds(2);
    expect(terminal.screen).toHaveLength(3);
    for (const call of calls) call.end();
    expect(terminal.screen).toEqual([]);
  });

  test.each([1, 5, 20, 40])('never wraps in %d columns, and follows the size', (columns) => {
    const { terminal, handle } = setup(200, { label: 'disk.qcow2' });
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    seconds(1);
    expect(terminal.screen[0]?.length).toBeGreaterThan(60);
    terminal.columns = Math.max(columns, 2);
    seconds(0.1);
    expect(terminal.screen[0]?.length).toBeLessThanOrEqual(columns);
    copy.end();
  });

  test('takes an unknown size for 80 columns', () => {
    const { terminal, handle } = setup();
    terminal.columns = 0;
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    seconds(1);
    expect(terminal.screen[0]).toMatch(/^copyDeviceToDevice \[=+> +\] {2}50% {2}1s$/);
    copy.end();
  });

  test('prints lines above the bar', () => {
    const { terminal, handle, reporter } = setup();
    reporter.line('before');
    expect(terminal.text).toBe('before\n');
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    seconds(1);
    reporter.line('warning: \x1b[2Jguest\nstring');
    expect(terminal.screen).toEqual(['before', 'warning: guest string', expect.stringMatching(/^copy/)]);
    copy.end();
    expect(terminal.screen).toEqual(['before', 'warning: guest string', '✓ copyDeviceToDevice 100% 1.0s']);
  });

  test('colours the mark at the end, unless NO_COLOR', () => {
    const end = (env: NodeJS.ProcessEnv, error?: Error) => {
      const { terminal, handle } = setup(80, { env });
      const copy = handle.start('copyDeviceToDevice');
      copy.progress(1, 2);
      seconds(1);
      copy.end(error);
      return terminal.text;
    };
    expect(end({})).toContain('\x1b[32m✓\x1b[0m copy');
    expect(end({}, failure('EIO', 'bad'))).toContain('\x1b[31m✗\x1b[0m copy');
    expect(end({ NO_COLOR: '1' })).not.toMatch(colour);
    expect(end({ NO_COLOR: '' })).toMatch(colour);
  });

  test('detach clears the line and every trace', () => {
    const exits = process.listenerCount('exit');
    const { terminal, handle, reporter } = setup();
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    seconds(1);
    expect(process.listenerCount('exit')).toBe(exits + 1);
    reporter.detach(handle);
    expect(terminal.screen).toEqual([]);
    expect(terminal.cursor).toEqual([0, 0]);
    expect(handle.observers.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
    expect(process.listenerCount('exit')).toBe(exits);
  });

  test('detaching one handle leaves the lines of the others', () => {
    const { terminal, handle, reporter } = setup();
    const other = new FakeHandle();
    reporter.attach(other);
    handle.start('copyDeviceToDevice').progress(1, 2);
    other.start('zeroFreeSpace').progress(1, 2);
    seconds(1);
    reporter.detach(handle);
    expect(terminal.screen).toEqual([expect.stringMatching(/^zero/)]);
    reporter.detach(handle);
    reporter[Symbol.dispose]();
    expect(terminal.screen).toEqual([]);
  });

  test('a process that exits leaves no torn line', () => {
    const { terminal, handle, reporter } = setup();
    handle.start('copyDeviceToDevice').progress(1, 2);
    const before = process.listeners('exit');
    seconds(1);
    for (const listener of process.listeners('exit')) if (!before.includes(listener)) listener(0);
    expect(terminal.screen).toEqual([]);
    reporter.close();
  });
});

describe('text', () => {
  const setup = (options: ProgressReporterOptions = {}) => {
    const log = new Capture();
    const handle = new FakeHandle();
    const reporter = reporterOn(log, options).attach(handle);
    return { log, handle, reporter };
  };

  test('says little of a steady operation', () => {
    const { log, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    for (let position = 1; position <= 30; position++) {
      seconds(1);
      copy.progress(position, 30);
    }
    copy.end();
    expect(log.lines).toEqual([
      'copyDeviceToDevice: 3% after 2 s',
      'copyDeviceToDevice: 36% after 12 s, about 18 s left',
      'copyDeviceToDevice: 70% after 22 s, about 8 s left',
      'copyDeviceToDevice: done in 30.0 s',
    ]);
  });

  test('is never silent for longer than the interval', () => {
    const { log, handle } = setup({ interval: 5000 });
    const inspect = handle.start('inspectOs');
    seconds(16);
    inspect.end();
    expect(log.lines).toEqual([
      'inspectOs: still running after 5 s',
      'inspectOs: still running after 10 s',
      'inspectOs: still running after 15 s',
      'inspectOs: done in 16.0 s',
    ]);
  });

  test('does not promise an end in no time', () => {
    const { log, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 100);
    seconds(1);
    copy.progress(99, 100);
    seconds(1);
    copy.progress(100, 100);
    copy.end();
    expect(log.lines).toEqual(['copyDeviceToDevice: 99% after 2 s', 'copyDeviceToDevice: done in 2.0 s']);
  });

  test('repeats a percentage as such', () => {
    const { log, handle } = setup();
    const copy = handle.start('copyDeviceToDevice');
    seconds(3);
    copy.progress(29, 100);
    seconds(10);
    copy.end();
    expect(log.lines).toEqual([
      'copyDeviceToDevice: 29% after 3 s',
      'copyDeviceToDevice: still 29% after 13 s',
      'copyDeviceToDevice: done in 13.0 s',
    ]);
  });

  test('does not guess at an operation that cannot be measured', () => {
    const { log, handle } = setup();
    const zero = handle.start('zeroFreeSpace');
    seconds(2);
    zero.progress(0, 1, true);
    seconds(10);
    zero.end();
    expect(log.lines).toEqual([
      'zeroFreeSpace: still running after 2 s',
      'zeroFreeSpace: still running after 12 s',
      'zeroFreeSpace: done in 12.0 s',
    ]);
  });

  test('names the phases of a launch', () => {
    const { log, handle } = setup({ label: 'disk.qcow2' });
    const launch = handle.start('launch');
    launch.phase('appliance');
    seconds(6);
    launch.phase('kernel');
    seconds(1);
    launch.phase('init');
    launch.progress(3, 12);
    seconds(1);
    launch.progress(4, 12);
    seconds(4);
    launch.end(failure('ERR_GUESTFS_TIMEOUT', 'no sign of life\nLast lines:\n\x1b[0m'));
    expect(log.lines).toEqual([
      'disk.qcow2: launch: appliance after 2 s',
      'disk.qcow2: launch: init, 33% after 12 s',
      'disk.qcow2: launch: failed after 12.0 s: ERR_GUESTFS_TIMEOUT no sign of life',
    ]);
  });

  test.each([
    ['aborted', failure('ABORT_ERR', 'launch was aborted')],
    ['killed by the program itself', terminatedError('launch', '')],
  ])('says of what was %s just that', (_, error) => {
    const { log, handle } = setup();
    const launch = handle.start('launch');
    seconds(12);
    launch.end(error);
    expect(log.lines.at(-1)).toMatch(/launch: aborted after 12\.0 s$/);
  });

  test('prints nothing of short operations, even failed ones', () => {
    const { log, handle } = setup({ interval: 500 });
    const call = handle.start('lstat');
    call.progress(1, 2);
    seconds(1.9);
    call.end(failure('EIO', 'bad'));
    expect(log.text).toBe('');
  });

  test('is plain, whatever the guest says', () => {
    const { log, handle, reporter } = setup({ label: '\x1b]0;owned\x07disk' });
    const launch = handle.start('launch');
    launch.phase('\u009b2Jkernel\r\n');
    seconds(2);
    launch.end(failure('EIO', 'a\x1b[31mb\rc\udc80'));
    reporter.line('d\re\x1bcf');
    expect(log.text).toBe(
      'disk: launch: kernel  after 2 s\ndisk: launch: failed after 2.0 s: EIO ab c\ufffd\nd ef\n',
    );
  });

  test('has a clock of its own', () => {
    const { log, handle } = setup({ now: () => 1e6 + performance.now() * 2 });
    const call = handle.start('mount');
    seconds(1.5);
    call.end();
    expect(log.lines).toEqual(['mount: done in 3.0 s']);
  });
});

describe('text in a log of GitHub Actions', () => {
  const setup = (env: NodeJS.ProcessEnv = { CI: 'true', GITHUB_ACTIONS: 'true' }) => {
    const log = Object.assign(new Capture(), { fd: 2 });
    const reporter = reporterOn(log, { env });
    const handles = ['a.img', 'b.img'].map((label) => {
      const handle = new FakeHandle();
      reporter.attach(handle, { label });
      return handle;
    }) as [FakeHandle, FakeHandle];
    return { log, handles, reporter };
  };

  test('what happens on the way is folded away, outcomes are not', () => {
    const { log, handles } = setup();
    const launch = handles[0].start('launch');
    launch.phase('kernel');
    seconds(13);
    launch.end();
    const copy = handles[0].start('upload');
    seconds(13);
    copy.end(failure('EIO', 'bad'));
    expect(log.lines).toEqual([
      '::group::a.img: launch',
      'a.img: launch: kernel after 2 s',
      'a.img: launch: kernel after 12 s',
      '::endgroup::',
      'a.img: launch: done in 13.0 s',
      '::group::a.img: upload',
      'a.img: upload: still running after 10 s',
      '::endgroup::',
      '::error title=guestfs::a.img: upload: failed after 13.0 s: EIO bad',
    ]);
  });

  test('several operations share a group, and the program’s own lines are outside', () => {
    const { log, handles, reporter } = setup();
    const calls = handles.map((handle) => handle.start('launch'));
    for (const call of calls) call.phase('boot');
    seconds(2);
    reporter.line('a warning');
    handles[0].start('lstat').end(); // too short to be worth a line
    seconds(10);
    reporter.clear();
    reporter.clear();
    for (const call of calls) call.end();
    expect(log.lines).toEqual([
      '::group::a.img: launch and 1 more',
      'a.img: launch: boot after 2 s',
      'b.img: launch: boot after 2 s',
      '::endgroup::',
      'a warning',
      '::group::a.img: launch and 1 more',
      'a.img: launch: boot after 12 s',
      'b.img: launch: boot after 12 s',
      '::endgroup::',
      'a.img: launch: done in 12.0 s',
      'b.img: launch: done in 12.0 s',
    ]);
  });

  test('no group stays open, and nobody is left who would end it', () => {
    const listeners = () => process.listenerCount('exit');
    const before = listeners();
    const { log, handles, reporter } = setup();
    handles[0].start('launch');
    seconds(10);
    expect(listeners()).toBe(before + 1);
    reporter.detach();
    expect(log.lines.slice(-2)).toEqual(['a.img: launch: still running after 10 s', '::endgroup::']);
    expect(listeners()).toBe(before);
  });

  test('what a guest says is no command', () => {
    const { log, handles, reporter } = setup();
    const call = handles[0].start('download');
    seconds(3);
    call.end(failure('EIO', '/##[add-mask]a: bad'));
    reporter.line(' ::add-mask::a');
    reporter.line('::stop-commands::a ##[endgroup]');
    expect(log.lines).toEqual([
      '::error title=guestfs::a.img: download: failed after 3.0 s: EIO /# #[add-mask]a: bad',
      ' : :add-mask::a',
      ': :stop-commands::a # #[endgroup]',
    ]);
  });

  test.each<[string, NodeJS.ProcessEnv, number | undefined]>([
    ['in no job', {}, 2],
    ['in files and streams of the program', { CI: 'true', GITHUB_ACTIONS: 'true' }, 17],
    ['in streams that are no descriptors', { CI: 'true', GITHUB_ACTIONS: 'true' }, undefined],
  ])('there are no groups %s', (_, env, fd) => {
    const log = Object.assign(new Capture(), { fd });
    const handle = new FakeHandle();
    const reporter = reporterOn(log, { env }).attach(handle);
    const call = handle.start('launch');
    seconds(10);
    call.end();
    reporter.line('::debug::mine');
    expect(log.lines).toEqual([
      'launch: still running after 10 s',
      'launch: done in 10.0 s',
      '::debug::mine',
    ]);
  });

  test('NDJSON stays what it is, and has no command either', () => {
    const log = Object.assign(new Capture(), { fd: 2 });
    const handle = new FakeHandle();
    const label = '##[add-mask]a';
    reporterOn(log, { format: 'json', env: { GITHUB_ACTIONS: 'true' } }).attach(handle, { label });
    handle.start('mount').end();
    expect(log.records.map((record) => record.label)).toEqual([label, label]);
    expect(log.text).not.toContain('##[');
  });
});

describe('json', () => {
  test('is one object a line, from start to end', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    const reporter = reporterOn(log, { format: 'json', label: 'disk.qcow2' }).attach(handle);
    const copy = handle.start('copyDeviceToDevice');
    seconds(2);
    copy.progress(10, 100);
    seconds(1);
    copy.progress(20n, 100n);
    reporter.line('a line for people');
    copy.end();
    const head = {
      version: 1,
      time: expect.any(String),
      monotonic: expect.any(Number),
      run: expect.any(String),
    };
    const about = { ...head, kind: 'operation', operation: 'copyDeviceToDevice', id: 1 };
    expect(log.records).toEqual([
      { type: 'start', ...about, elapsed: 0 },
      {
        type: 'progress',
        ...about,
        position: 10,
        total: 100,
        ratio: 0.1,
        pulse: false,
        elapsed: 2000,
      },
      {
        type: 'progress',
        ...about,
        position: 20,
        total: 100,
        ratio: 0.2,
        pulse: false,
        elapsed: 3000,
        eta: 8000,
      },
      { type: 'end', ...about, elapsed: 3000 },
    ]);
  });

  test('has the label of a handle, as it was given', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    const label = 'a\x1b[2J.img';
    const reporter = reporterOn(log, { format: 'json', label: 'all' }).attach(handle, { label });
    handle.start('mount').end();
    reporter.clear();
    expect(log.records.map((record) => [record.type, record.label])).toEqual([
      ['start', label],
      ['end', label],
    ]);
    expect(log.text).not.toContain('\x1b');
  });

  test('tells phases, failures and the time', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    let now = Date.UTC(2026, 10, 22, 8);
    reporterOn(log, { format: 'json', now: () => now }).attach(handle);
    const launch = handle.start('launch');
    now += 500;
    launch.phase('ker\x1b[0mnel');
    now += 500;
    launch.end(failure('ERR_GUESTFS', 'bad\nthing\u009b1m'));
    expect(log.records).toMatchObject([
      { type: 'start', time: '2026-11-22T08:00:00.000Z', operation: 'launch', id: 1, elapsed: 0 },
      {
        type: 'phase',
        time: '2026-11-22T08:00:00.500Z',
        operation: 'launch',
        id: 2,
        parent: 1,
        phase: 'kernel',
        elapsed: 500,
      },
      {
        type: 'end',
        time: '2026-11-22T08:00:01.000Z',
        operation: 'launch',
        id: 1,
        phase: 'kernel',
        elapsed: 1000,
        error: { code: 'ERR_GUESTFS', message: 'bad thing' },
      },
    ]);
  });

  test('keeps large numbers exact, and an unknown size from being no number', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    reporterOn(log, { format: 'json' }).attach(handle);
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(2n ** 53n - 1n, 2n ** 53n);
    copy.progress(0, 0);
    copy.progress(0, 1, true);
    seconds(1);
    copy.progress(1, 1, true);
    copy.end();
    const [, large, empty, pulse, last] = log.records;
    expect(large).toMatchObject({ position: 9007199254740991, total: '9007199254740992' });
    expect(empty).toMatchObject({ ratio: 0 });
    expect(pulse).toMatchObject({ ratio: 0, pulse: true });
    expect(last).toMatchObject({ ratio: 1, pulse: true });
    expect(last).not.toHaveProperty('eta');
  });

  test('tells operations of several handles apart', () => {
    const log = new Capture();
    const handles = [new FakeHandle(), new FakeHandle()];
    const reporter = reporterOn(log, { format: 'json' });
    for (const handle of handles) reporter.attach(handle);
    const [first, second] = handles.map((handle) => handle.start('mount'));
    second?.end();
    first?.end();
    expect(log.records.map(({ type, id }) => `${type} ${id}`)).toEqual([
      'start 1',
      'start 2',
      'end 2',
      'end 1',
    ]);
  });

  test('gives an error without a code its name', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    reporterOn(log, { format: 'json' }).attach(handle);
    handle.start('mount').end(new DOMException('gone', 'AbortError'));
    handle.start('mount').end(new TypeError('wrong'));
    expect(log.records.map((record) => record.error?.code).filter(Boolean)).toEqual([
      'AbortError',
      'TypeError',
    ]);
  });
});

describe('none', () => {
  test('observes nothing and has no timers', () => {
    const log = new Capture(80);
    const handle = new FakeHandle();
    const reporter = reporterOn(log, { format: 'none' }).attach(handle);
    expect(handle.observers.size).toBe(0);
    const copy = handle.start('copyDeviceToDevice');
    copy.progress(1, 2);
    expect(jest.getTimerCount()).toBe(0);
    seconds(60);
    copy.end(failure('EIO', 'bad'));
    reporter.detach();
    expect(log.text).toBe('');
  });

  test('still prints lines', () => {
    const log = new Capture(80);
    reporterOn(log, { format: 'none' }).line('a result');
    expect(log.text).toBe('a result\n');
  });
});

describe('attaching', () => {
  test('twice is once', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    const reporter = reporterOn(log, { format: 'json' });
    expect(reporter.attach(handle).attach(handle)).toBe(reporter);
    handle.start('mount').end();
    expect(log.lines).toHaveLength(2);
    reporter.detach(handle);
    expect(handle.observers.size).toBe(0);
    reporter.attach(handle);
    handle.start('mount').end();
    expect(log.lines).toHaveLength(4);
  });

  test('in the middle of an operation reports the rest of it', () => {
    const log = new Capture();
    const handle = new FakeHandle();
    const reporter = reporterOn(log, { format: 'json' });
    const silent = handle.start('mount');
    const copy = handle.start('copyDeviceToDevice');
    reporter.attach(handle);
    copy.progress(1, 2);
    silent.end();
    copy.end();
    expect(log.records.map(({ type, operation }) => `${type} ${operation}`)).toEqual([
      'start copyDeviceToDevice',
      'progress copyDeviceToDevice',
      'end copyDeviceToDevice',
    ]);
  });

  test.each(['bar', 'text', 'json'] as const)('has timers only while operations run: %s', (format) => {
    const handle = new FakeHandle();
    const reporter = reporterOn(new Capture(80), { format }).attach(handle);
    expect(jest.getTimerCount()).toBe(0);
    const first = handle.start('mount');
    const second = handle.start('mount');
    expect(jest.getTimerCount()).toBe(format === 'json' ? 0 : 1);
    first.end();
    expect(jest.getTimerCount()).toBe(format === 'json' ? 0 : 1);
    second.end();
    expect(jest.getTimerCount()).toBe(0);
    handle.start('mount');
    reporter.detach();
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each(['bar', 'text'] as const)('does not keep the process alive: %s', (format) => {
    jest.useRealTimers();
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const handle = new FakeHandle();
    using _reporter = reporterOn(new Capture(80), { format }).attach(handle);
    handle.start('mount');
    expect(timers()).toBe(before);
    jest.useFakeTimers();
  });
});

describe('a stream that breaks', () => {
  class Broken extends Capture {
    attempts = 0;

    override _write(_chunk: string, _encoding: string, done: (error?: Error) => void): void {
      this.attempts++;
      setImmediate(() => done(failure('EPIPE', 'write EPIPE')));
    }
  }

  beforeEach(() => {
    jest.useRealTimers();
  });

  afterEach(() => {
    jest.useFakeTimers();
  });

  const settled = async () => {
    for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
  };

  const use = (reporter: ProgressReporter, handle: FakeHandle) => {
    const call = handle.start('mount');
    call.progress(1, 2);
    reporter.line('line');
    call.end();
  };

  // An unhandled 'error' would fail these tests by itself: Jest reports it as uncaught.
  test('while writing, also after detaching', async () => {
    const stream = new Broken();
    const handle = new FakeHandle();
    const reporter = reporterOn(stream, { format: 'json' }).attach(handle);
    handle.start('mount');
    reporter.detach();
    await settled();
    expect(stream.destroyed).toBe(true);
    expect(stream.attempts).toBe(1);
    use(reporter.attach(handle), handle);
    await settled();
    expect(stream.attempts).toBe(1);
  });

  test.each<[string, (stream: Capture) => void]>([
    ['destroyed', (stream) => stream.destroy()],
    ['destroyed with an error', (stream) => stream.destroy(failure('EPIPE', 'gone'))],
    ['ended', (stream) => stream.end()],
    [
      'that throws',
      (stream) => {
        stream.write = () => {
          throw failure('EPIPE', 'write EPIPE');
        };
      },
    ],
  ])('%s', async (_name, breakIt) => {
    for (const format of ['bar', 'text', 'json'] as const) {
      const stream = new Capture(80);
      const handle = new FakeHandle();
      const reporter = reporterOn(stream, { format }).attach(handle);
      breakIt(stream);
      use(reporter, handle);
      await settled();
      use(reporter, handle);
      reporter.close();
      await settled();
      expect(stream.text).toBe('');
    }
  });

  test('is not tried again', () => {
    const stream = new Capture();
    const write = jest.spyOn(stream, 'write').mockImplementation(() => {
      throw failure('EPIPE', 'write EPIPE');
    });
    const reporter = reporterOn(stream);
    reporter.line('first');
    reporter.line('second');
    expect(write).toHaveBeenCalledTimes(1);
  });

  test('is the program’s own business when nothing is attached or being written', async () => {
    const stream = new Capture();
    const handle = new FakeHandle();
    const reporter = reporterOn(stream, { format: 'json' });
    const listeners = stream.listenerCount('error');
    reporter.attach(handle);
    expect(stream.listenerCount('error')).toBe(listeners + 1);
    use(reporter, handle);
    reporter.detach();
    await settled();
    expect(stream.listenerCount('error')).toBe(listeners);
  });
});
