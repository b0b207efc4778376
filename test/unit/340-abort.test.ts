import { getEventListeners, once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { AbortError, Guestfs, inspect } from '../../lib';
import { Calls } from '../../lib/calls/calls';
import { MessageKind } from '../../lib/native/addon';
import { eventually } from '../support/eventually';
import { FakeNative } from '../support/fake-native';
import { temporaryFolder } from '../support/folder';
import { closeGate, makeFifo } from '../support/gate';
import { failureOf } from '../support/internal';
import { resultOf } from '../support/script';

const aborted = { name: 'AbortError', code: 'ABORT_ERR' };

describe('a signal that is aborted already', () => {
  test('keeps the call from being made', async () => {
    await using g = new Guestfs({ memsize: 1000 });
    const error = await failureOf(g.setMemsize(2000, { signal: AbortSignal.abort() }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ ...aborted, operation: 'setMemsize' });
    expect(await g.getMemsize()).toBe(1000);
  });

  test('keeps launch from being made', async () => {
    await using g = new Guestfs();
    const entered: string[] = [];
    g.on('enter', (name) => entered.push(name));
    expect(await failureOf(g.launch({ signal: AbortSignal.abort() }))).toMatchObject({
      ...aborted,
      operation: 'launch',
    });
    expect(entered).toEqual([]);
  });
});

describe('what only looks like a signal', () => {
  /** As other libraries and realms make them. */
  function lookalike(members: object = {}): AbortSignal {
    const target = new EventTarget();
    return Object.assign(target, { aborted: false, reason: undefined, ...members }) as AbortSignal;
  }

  /** Whose member throws when it is read. */
  const throwing = (name: string) =>
    Object.defineProperty(lookalike(), name, {
      get() {
        throw new Error('mine');
      },
    });

  test('aborts calls', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const signal = lookalike({ reason: 'enough' });
    const calls = [1, 2].map(() => failureOf(g.getSmp({ signal })));
    signal.dispatchEvent(new Event('abort'));
    for (const call of calls) expect(await call).toMatchObject({ ...aborted, cause: 'enough' });
    await gate.open();
  });

  test('may say nothing when it aborts', async () => {
    await using g = new Guestfs();
    const signal = lookalike();
    await g.getSmp({ signal });
    Object.assign(signal, { aborted: true, reason: 'enough' });
    expect(await failureOf(g.getSmp({ signal }))).toMatchObject({ ...aborted, cause: 'enough' });
  });

  test.each<[string, unknown, string]>([
    ['reading aborted throws', throwing('aborted'), 'ERR_INVALID_ARG_VALUE'],
    ['reading addEventListener throws', throwing('addEventListener'), 'ERR_INVALID_ARG_VALUE'],
    [
      'a proxy throws',
      new Proxy(new AbortController().signal, {
        get: () => {
          throw new Error('mine');
        },
      }),
      'ERR_INVALID_ARG_VALUE',
    ],
    [
      'addEventListener throws',
      lookalike({
        addEventListener: () => {
          throw new Error('mine');
        },
      }),
      'ERR_INVALID_ARG_VALUE',
    ],
    ['aborted is no boolean', lookalike({ aborted: 1 }), 'ERR_INVALID_ARG_TYPE'],
    ['addEventListener is no function', lookalike({ addEventListener: 1 }), 'ERR_INVALID_ARG_TYPE'],
  ])('is refused before anything happens: %s', async (_, value, code) => {
    await using g = new Guestfs({ memsize: 1000 });
    const signal = value as AbortSignal;
    const refused = { name: 'TypeError', code, message: expect.stringContaining('"options.signal"') };
    expect(await failureOf(g.setMemsize(2000, { signal }))).toMatchObject(refused);
    expect(await failureOf(g.launch({ signal }))).toMatchObject(refused);
    expect(await failureOf(inspect('disk.img', { signal }))).toMatchObject(refused);
    expect(await g.getMemsize()).toBe(1000);
  });

  test('cannot keep a call from ending', async () => {
    await using g = new Guestfs();
    const signal = lookalike({
      removeEventListener: () => {
        throw new Error('mine');
      },
    });
    expect(await g.getSmp({ signal })).toBe(1);
    const reason = Object.defineProperty(lookalike({ aborted: true }), 'reason', {
      get() {
        throw new Error('mine');
      },
    });
    expect(await failureOf(g.getSmp({ signal: reason }))).toMatchObject({
      ...aborted,
      cause: new Error('mine'),
    });
  });

  test('is followed by one listener, however many calls it aborts', async () => {
    await using g = new Guestfs();
    const signal = lookalike();
    await Promise.all(Array.from({ length: 100 }, () => g.getSmp({ signal })));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });
});

describe('a call that waits', () => {
  test('leaves the queue at once', async () => {
    await using g = new Guestfs({ memsize: 1000 });
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const call = failureOf(g.setMemsize(2000, { signal: controller.signal }));
    const next = g.getMemsize();
    controller.abort(new Error('enough'));
    // The gate is still closed.
    const error = await call;
    expect(error).toMatchObject({ ...aborted, operation: 'setMemsize', cause: new Error('enough') });
    await gate.open();
    expect(await next).toBe(1000);
  });

  test('leaves the others in their order', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const order: number[] = [];
    const calls = Array.from({ length: 100 }, (_, i) => {
      const options = i % 2 === 0 ? { signal: controller.signal } : {};
      return g.getSmp(options).then(
        () => order.push(i),
        (error: Error) => error,
      );
    });
    controller.abort();
    await gate.open();
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((outcome) => outcome instanceof AbortError)).toHaveLength(50);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i + 1));
  });

  test('is given up when its signal times out', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const error = await failureOf(g.getSmp({ signal: AbortSignal.timeout(10) }));
    expect(error).toMatchObject({ ...aborted, cause: { name: 'TimeoutError' } });
    await gate.open();
  });

  test('may be given up by a getter among its own arguments', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const list = Object.defineProperty([''], 0, {
      get: () => {
        controller.abort();
        return 'a';
      },
    });
    const call = g.setBackendSettings(list, { signal: controller.signal });
    expect(await failureOf(call)).toMatchObject(aborted);
    await gate.open();
    expect(await g.getBackendSettings()).toEqual([]);
  });

  test('may be a launch', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const launch = failureOf(g.launch({ signal: controller.signal }));
    controller.abort();
    expect(await launch).toMatchObject({ ...aborted, operation: 'launch' });
    await gate.open();
    expect(await g.isConfig()).toBe(true);
  });

  test('may be ten thousand calls of one signal', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const { signal } = controller;
    const calls = Array.from({ length: 10_000 }, () =>
      g.getSmp({ signal }).catch((error: Error) => error.name),
    );
    controller.abort();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['AbortError']));
    await gate.open();
  });
});

describe('a launch whose turn came in the very moment of the abort', () => {
  test('lets the handle go on', async () => {
    await using g = new Guestfs({ path: '/nonexistent' });
    await g.getSmp();
    const controller = new AbortController();
    const launch = failureOf(g.launch({ signal: controller.signal }));
    // This thread looks away, so that the handle's thread is ahead of it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    controller.abort();
    expect(await launch).toMatchObject({ ...aborted, operation: 'launch' });
    expect(await g.isConfig()).toBe(true);
  });
});

describe('a running call', () => {
  test('that cannot be cancelled ends by itself, and then rejects', async () => {
    await using g = new Guestfs();
    const controller = new AbortController();
    const gate = await closeGate(g, { signal: controller.signal });
    let settled = false;
    const outcome = failureOf(gate.call).finally(() => {
      settled = true;
    });
    controller.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    await gate.open();
    expect(await outcome).toMatchObject({ ...aborted, operation: 'internalTestSetOutput' });
    expect((await g.version()).major).toBe(1n);
  });

  test('that can be cancelled is cancelled until it ends', async () => {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const controller = new AbortController();
    const call = failureOf(calls.call('upload', ['/a', '/b'], { signal: controller.signal }));
    controller.abort();
    while (native.cancelled < 3) await new Promise((resolve) => setImmediate(resolve));
    native.receive(MessageKind.failed, native.calls[0] as number, {
      errno: 4,
      message: 'operation cancelled by user',
    });
    expect(await call).toMatchObject({ ...aborted, operation: 'upload' });
  });

  test('is cancelled until it ends by userCancel() too, which is no abort', async () => {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const call = failureOf(calls.call('upload', ['/a', '/b']));
    calls.userCancel();
    expect(await eventually(() => native.cancelled >= 3, 2000)).toBe(true);
    native.receive(MessageKind.failed, native.calls[0] as number, {
      errno: 4,
      message: 'operation cancelled by user',
    });
    expect(await call).toMatchObject({ code: 'EINTR', operation: 'upload' });
  });

  test('that has ended is left alone', async () => {
    await using g = new Guestfs();
    const controller = new AbortController();
    const version = await g.version({ signal: controller.signal });
    controller.abort();
    expect(version.major).toBe(1n);
    expect((await g.version()).major).toBe(1n);
  });

  test('is killed with what it started by killOnAbort', async () => {
    using folder = temporaryFolder();
    await using g = new Guestfs();
    const controller = new AbortController();
    const entered = once(g, 'enter');
    // qemu-img waits for somebody to write.
    const fifo = makeFifo(folder.file('disk'));
    const call = failureOf(g.diskFormat(fifo, { signal: controller.signal, killOnAbort: true }));
    await entered;
    controller.abort();
    expect(await call).toMatchObject({ ...aborted, operation: 'diskFormat' });
    expect((await g.version()).major).toBe(1n);
  });
});

describe('one signal for thousands of calls', () => {
  test('has no listeners left', async () => {
    await using g = new Guestfs();
    const { signal } = new AbortController();
    const calls = Array.from({ length: 2000 }, (_, i) =>
      i % 2 === 0 ? g.getSmp({ signal }) : g.addDrive('/nonexistent', { signal }).catch(() => undefined),
    );
    expect(getEventListeners(signal, 'abort')).not.toEqual([]);
    await Promise.all(calls);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('has none after refused calls and launches', async () => {
    await using g = new Guestfs({ path: '/nonexistent' });
    const { signal } = new AbortController();
    await failureOf(g.setSmp(1.5, { signal }));
    await failureOf(g.launch({ signal }));
    await failureOf(g.addDrive('/nonexistent', { signal }));
    const handle = new Guestfs();
    await handle.close();
    await failureOf(handle.getSmp({ signal }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('has none after it was aborted', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const call = failureOf(g.getSmp({ signal: controller.signal }));
    controller.abort();
    await call;
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    await gate.open();
  });

  test('warns of no leak', async () => {
    const warnings = await resultOf<string[]>(`
      const warnings = [];
      process.on('warning', (warning) => warnings.push(warning.message));
      const { signal } = new AbortController();
      const g = new Guestfs();
      await Promise.all(Array.from({ length: 100 }, () => g.getSmp({ signal })));
      await g.close();
      setImmediate(() => console.log(JSON.stringify(warnings)));
    `);
    expect(warnings).toEqual([]);
  });
});
