import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ImagesReporter } from '../../lib/cli/images';
import type { Guestfs } from '../../lib/guestfs';
import type { InspectAllProgress } from '../../lib/inspect';
import { ProgressReporter } from '../../lib/progress';
import { FakeHandle } from '../support/fake-operations';
import { Capture, Terminal } from '../support/terminal';

/** A handle as far as a reporter of images knows it. */
class WarningHandle extends FakeHandle {
  readonly warn: ((text: string) => void)[] = [];

  on(_: 'warning', listener: (text: string) => void): void {
    this.warn.push(listener);
  }
}

const seconds = (count: number) => jest.advanceTimersByTime(count * 1000);

beforeEach(() => {
  jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
});

afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function setup(format: 'bar' | 'text' | 'json', paths: string[]) {
  const output = format === 'bar' ? new Terminal(100) : new Capture();
  const images = new ImagesReporter(
    paths,
    new ProgressReporter({ format, stream: output, env: {} }),
    'inspect',
  );
  let done = 0;
  const tell = (type: InspectAllProgress['type'], index: number, error?: Error) => {
    if (type === 'end') done++;
    const event = { type, index, image: paths[index] as string, error };
    images.progress({ ...event, running: 0, done, failed: 0, total: paths.length });
  };
  const begin = (index: number) => {
    const handle = new WarningHandle();
    tell('start', index);
    images.handle(handle as unknown as Guestfs, undefined, index);
    return handle;
  };
  return { output, images, tell, begin };
}

describe('images that are inspected', () => {
  test('as bars: the whole, and one for each from its begin to its end', () => {
    const { output, images, tell, begin } = setup('bar', ['/a/one.img', '/a/two.img', '/a/three.img']);
    const terminal = output as Terminal;
    const [one, two] = [begin(0), begin(1)];
    one.start('launch').phase('kernel');
    two.start('listDevices').end();
    seconds(1);
    expect(terminal.screen).toEqual([
      expect.stringMatching(/^inspectAll \[>? +\] {3}0% {2}1s/),
      expect.stringMatching(/^one\.img inspect \[.*<=>.*\] {2}1s +launch: kernel$/),
      expect.stringMatching(/^two\.img inspect \[.*<=>.*\] {2}1s +listDevices$/),
    ]);
    images.clear();
    expect(terminal.screen).toEqual([]);
    tell('end', 1);
    seconds(1);
    expect(terminal.screen).toEqual([
      '✓ two.img inspect 100% 1.0s',
      expect.stringMatching(/^inspectAll \[.*\] {2}33% {2}2s/),
      expect.stringMatching(/^one\.img inspect/),
    ]);
    tell('end', 0, Object.assign(new Error('bad'), { code: 'EIO' }));
    begin(2);
    tell('end', 2);
    images.close();
    expect(terminal.screen).toEqual([
      '✓ two.img inspect 100% 1.0s',
      '✗ one.img inspect EIO 2.0s',
      '✓ inspectAll 100% 2.0s',
      '3 images, 1 failed, in 2.0 s',
    ]);
  });

  test('as bars, of one image: its operations', () => {
    const { output, images, tell, begin } = setup('bar', ['/a/one.img']);
    const launch = begin(0).start('launch');
    launch.phase('boot');
    seconds(1);
    expect((output as Terminal).screen).toEqual([expect.stringMatching(/^one\.img launch \[.*boot$/)]);
    launch.end();
    tell('end', 0);
    images.close();
  });

  test('as lines: the operations of each, by path where names are the same', () => {
    const { output, images, begin } = setup('text', ['/a/disk.img', '/b/disk.img']);
    begin(1).start('launch').phase('boot');
    seconds(3);
    expect(output.lines).toContain('/b/disk.img: launch: boot after 2 s');
    expect(output.lines).toContain('inspectAll: 0% after 2 s');
    images.close();
  });

  test('as JSON: each record says which image', () => {
    const { output, images, tell, begin } = setup('json', ['/a/one.img', '/a/two.img']);
    begin(1).start('launch').end();
    tell('end', 1);
    expect(
      output.records.map(({ type, operation, label, ratio }) => [type, operation, label, ratio]),
    ).toEqual([
      ['start', 'inspectAll', undefined, undefined],
      ['progress', 'inspectAll', undefined, 0],
      ['start', 'inspect', '/a/two.img', undefined],
      ['start', 'launch', '/a/two.img', undefined],
      ['end', 'launch', '/a/two.img', undefined],
      ['end', 'inspect', '/a/two.img', undefined],
      ['progress', 'inspectAll', undefined, 0.5],
    ]);
    images.close();
  });

  test('warn once of what all of them warn of', () => {
    const { output, images, begin } = setup('text', ['a', 'b']);
    for (const handle of [begin(0), begin(1)]) for (const warn of handle.warn) warn('KVM does not work');
    expect(output.lines).toEqual(['guestfs: KVM does not work']);
    images.close();
  });

  test('warn programs in JSON', () => {
    const { images, begin } = setup('json', ['a', 'b']);
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    for (const handle of [begin(0), begin(1)]) for (const warn of handle.warn) warn('KVM does not work');
    const note = expect.stringMatching(/^\{"version":1,"type":"note",.*"message":"KVM does not work"\}\n$/);
    expect(write.mock.calls).toEqual([[note]]);
    write.mockRestore();
    images.close();
  });
});
