import { describe, expect, test } from '@jest/globals';
import { Calls } from '../../lib/calls/calls';
import type { EventName } from '../../lib/calls/generated/events';
import type { Operation } from '../../lib/calls/operations';
import { MessageKind } from '../../lib/native/addon';
import { enough } from '../../lib/options/abort-signals';
import type { CallOptions, ProgressEvent } from '../../lib/options/types';
import { FakeNative } from '../support/fake-native';

/** A handle without libguestfs: the test says what the appliance would have said. */
function fakeHandle() {
  const native = new FakeNative();
  const heard: ProgressEvent[] = [];
  const calls = new Calls(native, {
    event: (_name: EventName) => undefined,
    progress: (event) => heard.push(event),
    applianceDied: () => undefined,
  });
  return { native, calls, heard };
}

const ofProgress = (calls: Calls, options: CallOptions = {}) =>
  calls.call<string>('debug', ['progress', ['5']], options);

describe('a progress event', () => {
  test('says all that libguestfs said', async () => {
    const { native, calls, heard } = fakeHandle();
    const call = ofProgress(calls);
    native.progress(1n, 4n, 77);
    native.answer('ok');
    await call;
    expect(heard).toEqual([
      { operation: 'debug', procNr: 211, serial: 77, position: 1n, total: 4n, ratio: 0.25, pulse: false },
    ]);
  });

  test.each([
    [0n, 1n, 0, true],
    [1n, 1n, 1, true],
    [0n, 0n, 0, false],
    [0n, 12n, 0, false],
    [12n, 12n, 1, false],
    [2n ** 64n - 1n, 2n ** 64n - 1n, 1, false],
    [2n ** 63n, 2n ** 64n - 1n, 0.5, false],
  ])('%p of %p', async (position, total, ratio, pulse) => {
    const { native, calls, heard } = fakeHandle();
    const call = ofProgress(calls);
    native.progress(position, total);
    native.answer('ok');
    await call;
    expect(heard[0]).toMatchObject({ position, total, pulse });
    expect(heard[0]?.ratio).toBeCloseTo(ratio, 10);
  });

  test('of a launch tells its phase, and comes with each phase', async () => {
    const { native, calls, heard } = fakeHandle();
    const own: ProgressEvent[] = [];
    const options = { onProgress: (event: ProgressEvent) => own.push(event) };
    const launch = calls.hold('launch', undefined, async (hold) => {
      const began = Date.now() - 5000;
      const call = calls.call('launch', [], options, hold.operation);
      calls.enter(hold, { phase: 'boot', position: 3n, total: 12n, began }, options.onProgress);
      native.progress(6n, 12n);
      native.answer(undefined);
      await call;
      calls.enter(hold, { phase: 'ready', position: 12n, total: 12n, began }, options.onProgress);
    });
    native.receive(MessageKind.result, 1, undefined); // the queue has got there
    await launch;
    expect(heard).toEqual(own);
    expect(own).toMatchObject([
      { operation: 'launch', procNr: 0, serial: 0, phase: 'boot', position: 3n, ratio: 0.25, pulse: false },
      { operation: 'launch', phase: 'boot', position: 6n, ratio: 0.5 },
      { operation: 'launch', phase: 'ready', position: 12n, ratio: 1 },
    ]);
    for (const { elapsed } of own) expect(elapsed).toBeGreaterThanOrEqual(5000);

    const later = ofProgress(calls);
    native.progress(1n, 2n);
    native.answer('ok');
    await later;
    expect(Object.keys(heard.at(-1) ?? {})).not.toContain('phase');
  });

  test('that comes after its call is dropped', async () => {
    const { native, calls, heard } = fakeHandle();
    const call = ofProgress(calls);
    native.answer('ok');
    native.progress(1n, 2n);
    await call;
    expect(heard).toEqual([]);
  });
});

describe('onProgress', () => {
  test('hears of its own call only', async () => {
    const { native, calls, heard } = fakeHandle();
    const own: bigint[] = [];
    const first = ofProgress(calls, { onProgress: ({ position }) => own.push(position) });
    native.progress(1n, 9n);
    native.answer('ok');
    const second = ofProgress(calls);
    native.progress(2n, 9n);
    native.answer('ok');
    await Promise.all([first, second]);
    expect(own).toEqual([1n]);
    expect(heard).toHaveLength(2);
  });

  test('has heard everything when the call settles', async () => {
    const { native, calls } = fakeHandle();
    const order: string[] = [];
    const call = ofProgress(calls, { onProgress: ({ position }) => order.push(String(position)) });
    for (let i = 0n; i <= 3n; i++) native.progress(i, 3n);
    native.answer('ok');
    await call.then(() => order.push('settled'));
    expect(order).toEqual(['0', '1', '2', '3', 'settled']);
  });
});

describe('an observer', () => {
  function observed() {
    const fake = fakeHandle();
    const heard: string[] = [];
    const note = (what: string) => (op: Operation, detail?: unknown) => {
      const more = detail instanceof Error ? detail.name : typeof detail === 'object' ? 'event' : detail;
      heard.push([what, op.operation, more].filter((text) => text !== undefined).join(' '));
    };
    const detach = fake.calls.observe({
      started: note('started'),
      progress: note('progress'),
      phase: note('phase'),
      ended: note('ended'),
    });
    const start = () => fake.native.receive(MessageKind.started, fake.native.calls.at(-1) as number);
    return { ...fake, heard, detach, start };
  }

  test('hears when a call starts, how far it is and when it ends', async () => {
    const { native, calls, heard, start } = observed();
    const call = ofProgress(calls);
    start();
    native.progress(1n, 2n);
    native.answer('ok');
    await call;
    expect(heard).toEqual(['started debug', 'progress debug event', 'ended debug']);
  });

  test('hears of a failure', async () => {
    const { native, calls, heard, start } = observed();
    const call = ofProgress(calls);
    start();
    native.receive(MessageKind.failed, native.calls[0] as number, { errno: 2, message: 'no' });
    await expect(call).rejects.toMatchObject({ code: 'ENOENT' });
    expect(heard).toEqual(['started debug', 'ended debug GuestfsError']);
  });

  test('hears of no failure where the caller had enough', async () => {
    const { native, calls, heard, start } = observed();
    const stop = new AbortController();
    const call = ofProgress(calls, { signal: stop.signal });
    start();
    stop.abort(enough);
    native.receive(MessageKind.failed, native.calls[0] as number, { errno: 4, message: 'no' });
    await expect(call).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(heard).toEqual(['started debug', 'ended debug']);
  });

  test('hears nothing of a call that never started', async () => {
    const { native, calls, heard } = observed();
    const call = ofProgress(calls);
    native.receive(MessageKind.failed, native.calls[0] as number, { errno: 0, message: 'no' });
    await expect(call).rejects.toThrow('no');
    expect(heard).toEqual([]);
  });

  test('hears the phases of an operation that has them', async () => {
    const { calls, heard } = observed();
    const hold = { operation: { id: 99, operation: 'launch' }, terminated: false, stuck: false };
    const stage = { phase: 'kernel', position: 6n, total: 12n, began: Date.now() } as const;
    calls.enter({ ...hold, stage: undefined }, stage, undefined);
    calls.enter({ ...hold, stage: undefined }, { ...stage, phase: 'ready' }, undefined);
    expect(heard).toEqual(['phase launch kernel']);
  });

  test('hears of the larger operation that a call is part of', async () => {
    const { native, calls, heard, start } = observed();
    const call = calls.call('launch', [], {}, { id: 99, operation: 'larger' });
    start();
    native.progress(3n, 12n);
    native.answer(undefined);
    await call;
    expect(heard).toEqual(['progress larger event']);
  });

  test('hears nothing after it was detached', async () => {
    const { native, calls, heard, detach, start } = observed();
    const call = ofProgress(calls);
    start();
    detach();
    native.progress(1n, 2n);
    native.answer('ok');
    await call;
    expect(heard).toEqual(['started debug']);
  });
});
