import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import timers from 'node:timers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { closeGate, makeFifo } from '../support/gate';
import { failureOf } from '../support/internal';

describe('calls', () => {
  test('run in the order in which they were made', async () => {
    await using g = new Guestfs();
    const order: number[] = [];
    const calls = Array.from({ length: 200 }, async (_, i) => {
      void g.setMemsize(1000 + i);
      order.push(await g.getMemsize());
    });
    await Promise.all(calls);
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => 1000 + i));
  });

  test('of which some fail stay in order', async () => {
    await using g = new Guestfs();
    const order: string[] = [];
    const calls = Array.from({ length: 100 }, (_, i) =>
      i % 3 === 0
        ? g
            .addDrive(`/nonexistent/${i}`)
            .catch(({ message }: Error) => order.push(message.split(':')[0] as string))
        : g.getSmp().then(() => order.push(`/nonexistent/${i}`)),
    );
    await Promise.all(calls);
    expect(order).toEqual(calls.map((_, i) => `/nonexistent/${i}`));
  });

  test('may be ten thousand at a time', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const calls = Array.from({ length: 10_000 }, (_, i) => g.setMemsize(1000 + i));
    const last = g.getMemsize();
    await gate.open();
    await Promise.all(calls);
    expect(await last).toBe(10_999);
  });

  test('do not hold up the event loop while they run', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    for (let turns = 0; turns < 100; turns++) await setImmediate();
    await gate.open();
  });

  test('that are awaited one after the other leave the event loop its turns', async () => {
    await using g = new Guestfs();
    let turned = false;
    setImmediate().then(() => {
      turned = true;
    });
    for (let i = 0; i < 100_000 && !turned; i++) await g.getMemsize();
    expect(turned).toBe(true);
  });

  test('of ever new handles leave the event loop its turns as well', async () => {
    const handles: Guestfs[] = [];
    let turned = false;
    setImmediate().then(() => {
      turned = true;
    });
    while (handles.length < 500 && !turned) {
      const g = new Guestfs();
      handles.push(g);
      await g.getMemsize();
    }
    expect(turned).toBe(true);
    await Promise.all(handles.map((g) => g.close()));
  });

  test('that look at the handle wait for those that were made before', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    const added = g.addDriveScratch(2 ** 20);
    const drives = g.debugDrives();
    const order: string[] = [];
    const both = [added.then(() => order.push('added')), g.getSmp().then(() => order.push('looked'))];
    await gate.open();
    await Promise.all(both);
    expect(order).toEqual(['added', 'looked']);
    expect(await drives).toHaveLength(1);
  });

  test('that take no time tell of their events before their result, and not within the call', async () => {
    await using g = new Guestfs();
    const heard: string[] = [];
    g.on('enter', (name) => heard.push(name));
    const first = g.getSmp();
    const second = g.getMemsize();
    expect(heard).toEqual([]);
    await first;
    expect(heard).toEqual(['get_smp', 'get_memsize']);
    await second;
    await g.getSmp({ signal: new AbortController().signal });
    expect(heard).toEqual(['get_smp', 'get_memsize', 'get_smp']);
  });

  test('of which each makes the next, from a listener, leave the event loop its turns', async () => {
    await using g = new Guestfs();
    const most = 100_000;
    let turned = false;
    let heard = 0;
    setImmediate().then(() => {
      turned = true;
    });
    g.on('enter', () => {
      if (!turned && ++heard < most) void g.getSmp();
    });
    await g.getSmp();
    await setImmediate();
    expect(heard).toBeLessThan(most);
  });

  test('end also where a test has put fake timers into the place of those of Node.js', async () => {
    await using g = new Guestfs();
    const { signal } = new AbortController(); // with a signal no call is made on this thread
    const { setImmediate } = timers;
    timers.setImmediate = (() => undefined) as unknown as typeof setImmediate;
    try {
      await g.getSmp({ signal });
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await g.getSmp({ signal })).toBe(1);
    } finally {
      timers.setImmediate = setImmediate;
    }
  });

  test('tell of their events and are killed with the fake timers of Jest too', async () => {
    await using g = new Guestfs();
    const heard: string[] = [];
    g.on('enter', (name) => heard.push(name));
    await using gate = await closeGate(g);
    jest.useFakeTimers();
    try {
      const killed = g.kill();
      await gate.open();
      await killed;
      heard.length = 0;
      await g.getSmp();
      expect(heard).toEqual(['get_smp']);
    } finally {
      jest.useRealTimers();
    }
  });

  test('whose arguments close the handle while they are read are refused', async () => {
    const g = new Guestfs();
    const settings = Object.defineProperty(['force_tcg'], 0, {
      get: () => {
        void g.close();
        return 'force_tcg';
      },
    });
    await expect(g.setBackendSettings(settings)).rejects.toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('whose events come faster than listeners take them leave the event loop its turns', async () => {
    await using g = new Guestfs();
    await g.getSmp();
    let heard = 0;
    g.on('enter', () => {
      heard++;
      const start = performance.now();
      while (performance.now() - start < 0.1);
    });
    const calls = Promise.all(Array.from({ length: 2000 }, () => g.getSmp()));
    // This thread looks away until all events wait for it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    let turns = 0;
    for (; heard < 2000; turns++) await setImmediate();
    await calls;
    expect(turns).toBeGreaterThan(4);
  });

  test('of several handles share the turns: each is heard, and all together take no longer than one', async () => {
    const { signal } = new AbortController(); // with a signal no call is made on this thread
    const handles = Array.from({ length: 4 }, () => new Guestfs());
    const order: number[] = [];
    for (const [i, g] of handles.entries()) {
      await g.getSmp({ signal });
      g.on('enter', () => {
        order.push(i);
        const start = performance.now();
        while (performance.now() - start < 0.2);
      });
    }
    const calls = handles.map((g) => Promise.all(Array.from({ length: 250 }, () => g.getSmp({ signal }))));
    // This thread looks away until all events wait for it: 200 ms of work.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    let turns = 0;
    for (; order.length < 1000; turns++) await setImmediate();
    await Promise.all(calls);
    expect(turns).toBeGreaterThan(30);
    expect(new Set(order.slice(0, 500))).toEqual(new Set([0, 1, 2, 3]));
    await Promise.all(handles.map((g) => g.close()));
  });
});

describe('close()', () => {
  test('waits for ten thousand calls', async () => {
    const g = new Guestfs();
    const calls = Array.from({ length: 10_000 }, () => g.getSmp());
    let done = 0;
    for (const call of calls) void call.then(() => done++);
    await g.close();
    expect(done).toBe(10_000);
  });

  test('many times at once closes once', async () => {
    using folder = temporaryFolder();
    const g = new Guestfs({ tmpdir: folder.path });
    await g.addDriveScratch(1024 * 1024);
    await Promise.all(Array.from({ length: 100 }, () => g.close()));
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe('kill()', () => {
  test('of an idle handle that was never launched changes nothing', async () => {
    await using g = new Guestfs({ memsize: 1234 });
    await g.addDriveScratch(1024 * 1024, { label: 'data' });
    await expect(g.kill()).resolves.toBeUndefined();
    expect(await g.getMemsize()).toBe(1234);
    expect(await g.debugDrives()).toHaveLength(1);
  });

  test('of a handle that was never used', async () => {
    await using g = new Guestfs();
    await expect(g.kill()).resolves.toBeUndefined();
  });

  test('several times at once', async () => {
    await using g = new Guestfs();
    await Promise.all([g.kill(), g.kill(), g.kill()]);
    expect((await g.version()).major).toBe(1n);
  });

  test('ends a call that is stuck in a process', async () => {
    using folder = temporaryFolder();
    await using g = new Guestfs();
    const entered = once(g, 'enter');
    // qemu-img waits for somebody to write.
    const call = failureOf(g.diskFormat(makeFifo(folder.file('disk'))));
    await entered;
    await g.kill();
    const error = await call;
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'diskFormat' });
    expect(error.cause).toBeInstanceOf(GuestfsError);
    expect((await g.version()).major).toBe(1n);
  });

  test('ends the calls that wait at once', async () => {
    await using g = new Guestfs({ memsize: 1000 });
    await using gate = await closeGate(g);
    const calls = [g.setMemsize(2000), g.launch(), g.getSmp()].map((call) => failureOf(call));
    const killed = g.kill();
    // The gate is still closed.
    const errors = await Promise.all(calls);
    expect(errors.map(({ code, operation }) => [code, operation])).toEqual([
      ['ERR_GUESTFS_TERMINATED', 'setMemsize'],
      ['ERR_GUESTFS_TERMINATED', 'launch'],
      ['ERR_GUESTFS_TERMINATED', 'getSmp'],
    ]);
    await gate.open();
    await killed;
    expect(await g.getMemsize()).toBe(1000);
  });

  test('is over before what is called as soon as a call has rejected', async () => {
    using folder = temporaryFolder();
    await using g = new Guestfs();
    const traces: string[] = [];
    g.on('trace', (text) => traces.push(text));
    await g.setTrace(true);
    const entered = once(g, 'enter');
    const stuck = g.diskFormat(makeFifo(folder.file('disk')));
    await entered;
    const killed = g.kill();
    await failureOf(stuck);
    await g.addDriveScratch(1024 * 1024);
    await killed;
    const [shutdown, add] = ['shutdown', 'add_drive_scratch'].map((name) =>
      traces.findIndex((text) => text.startsWith(name)),
    );
    expect(shutdown).toBeGreaterThanOrEqual(0);
    expect(add).toBeGreaterThan(shutdown as number);
    expect(await g.debugDrives()).toHaveLength(1);
  });

  test('does not end calls that are made afterwards', async () => {
    await using g = new Guestfs();
    const killed = g.kill();
    const version = g.version();
    await killed;
    expect((await version).major).toBe(1n);
  });

  test('ends a launch whose turn has just come', async () => {
    await using g = new Guestfs({ path: '/nonexistent' });
    await g.addDriveScratch(1024 * 1024);
    const launch = failureOf(g.launch());
    // This thread looks away, so that the handle's thread is ahead of it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await g.kill();
    expect(await launch).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'launch' });
    expect(await g.isConfig()).toBe(true);
  });

  test('leaves a pending close to its work', async () => {
    const g = new Guestfs();
    const gate = await closeGate(g);
    const call = failureOf(g.getSmp());
    const closing = g.close();
    const killed = g.kill();
    expect(await call).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    await gate.open();
    await Promise.all([closing, killed]);
    expect(await failureOf(g.getSmp())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('and close at once', async () => {
    const g = new Guestfs();
    await Promise.all([g.kill(), g.close()]);
    const other = new Guestfs();
    await Promise.all([other.close(), other.kill()]);
  });
});
