import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Guestfs, ProgressEvent } from '../../lib';
import { expectWellFormed, GiB, launchedHandle, MiB, sleep, timed } from '../support/appliance';
import { qemuOf } from '../support/processes';

/** Runs for so many seconds in the appliance and sends progress messages, as a long operation would. */
const progress = (g: Guestfs, seconds: number, options?: Parameters<Guestfs['debug']>[2]) =>
  g.debug('progress', [String(seconds)], options);

describe('progress messages', () => {
  let g: Guestfs;
  let heard: ProgressEvent[] = [];
  const hear = (event: ProgressEvent) => heard.push(event);

  // Empty, and copied sparsely: nothing of it is ever written.
  const disk = 64 * GiB;
  /** So many bytes take the appliance some 5 s to copy, be it emulated or not. */
  let plenty = 0;

  beforeAll(async () => {
    g = await launchedHandle(disk, disk);
    const { ms } = await timed(copy({ size: 128 * MiB }));
    plenty = Math.min(Math.round((5000 / ms) * 128) * MiB, disk / 2);
  });

  type CopyOptions = NonNullable<Parameters<Guestfs['copyDeviceToDevice']>[2]>;
  const copy = (options: CopyOptions) =>
    g.copyDeviceToDevice('/dev/sda', '/dev/sdb', { ...options, sparse: true });

  /** Copies so much that there is progress: machines are not equally fast at all times, so it may take a second try. */
  async function longCopy(options: () => CopyOptions) {
    for (;;) {
      const events: ProgressEvent[] = [];
      const { error } = await timed(copy({ ...options(), onProgress: (event) => events.push(event) }));
      await g.listDevices();
      if (events.length >= 2 || plenty === disk / 2) return { events, error };
      plenty = Math.min(2 * plenty, disk / 2);
    }
  }

  afterAll(async () => {
    await g?.close();
  });

  test('of a call of 5 seconds reach listener, onProgress and iterator; private data answers at once', async () => {
    heard = [];
    const own: ProgressEvent[] = [];
    const iterated: ProgressEvent[] = [];
    const stream = g.progress();
    const iteration = (async () => {
      for await (const event of stream) iterated.push(event);
    })();
    const start = performance.now();
    let firstAfter = 0;
    let ended = false;
    g.private.set('test:answer', { value: 42 });
    g.on('progress', hear);
    const call = progress(g, 5, {
      onProgress: (event) => {
        firstAfter ||= performance.now() - start;
        own.push(event);
      },
    }).finally(() => {
      ended = true;
    });
    const answers = await privateDataAnswers(g, () => ended);
    expect(await call).toBe('ok');
    const atTheEnd = heard.length;
    g.off('progress', hear);

    // About nine: the first after 2 s, then three a second.
    expect(heard.length).toBeGreaterThanOrEqual(7);
    expect(heard.length).toBeLessThanOrEqual(12);
    expect(firstAfter).toBeGreaterThan(1900);
    expect(firstAfter).toBeLessThan(3500);
    expectWellFormed(heard, 'debug');
    expect(heard.at(-1)).toMatchObject({ ratio: 1, pulse: false });
    expect(heard.at(-1)?.position).toBe(heard.at(-1)?.total);
    expect(heard.filter((event) => event.position === event.total)).toHaveLength(1);
    expect(new Set(heard.map((event) => event.serial)).size).toBe(1);
    expect(heard[0]?.procNr).toBeGreaterThan(0);

    await sleep(500);
    expect(heard).toHaveLength(atTheEnd); // all of them came before the promise settled
    expect(own).toEqual(heard);
    await stream.return?.();
    await iteration;
    expect(iterated).toEqual(heard);

    // A get that waited for the call would take seconds; one sample may meet a pause of this process.
    expect(answers.length).toBeGreaterThan(50);
    expect(median(answers)).toBeLessThan(5);
    expect(answers.filter((ms) => ms >= 5).length).toBeLessThan(answers.length / 20);
  });

  test('do not reach a listener that was removed, and reach it again when it is added again', async () => {
    heard = [];
    g.on('progress', hear);
    g.off('progress', hear);
    await progress(g, 3);
    expect(heard).toEqual([]);

    g.on('progress', hear);
    await progress(g, 3);
    g.off('progress', hear);
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expectWellFormed(heard, 'debug');
    expect(heard.at(-1)?.ratio).toBe(1);
  });

  test('reach a listener that is added or removed while the call runs', async () => {
    heard = [];
    const early: ProgressEvent[] = [];
    const hearEarly = (event: ProgressEvent) => {
      early.push(event);
      g.off('progress', hearEarly);
    };
    g.on('progress', hearEarly);
    const call = progress(g, 4);
    await sleep(1000);
    g.on('progress', hear);
    await call;
    g.off('progress', hear);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    expect(early).toEqual(heard.slice(0, 1));
    expect(heard.at(-1)?.ratio).toBe(1);
  });

  test('are not sent by a call of less than 2 seconds', async () => {
    heard = [];
    const own: ProgressEvent[] = [];
    g.on('progress', hear);
    await progress(g, 1, { onProgress: (event) => own.push(event) });
    await g.listDevices();
    g.off('progress', hear);
    expect(heard).toEqual([]);
    expect(own).toEqual([]);
  });

  test('go to the call that they belong to, exact where the appliance knows the total', async () => {
    const first: ProgressEvent[] = [];
    const [, { events: second }] = await Promise.all([
      progress(g, 3, { onProgress: (event) => first.push(event) }),
      longCopy(() => ({ size: plenty })),
    ]);
    expect(first.length).toBeGreaterThanOrEqual(2);
    expectWellFormed(first, 'debug');
    expect(second.length).toBeGreaterThanOrEqual(2);
    expectWellFormed(second, 'copyDeviceToDevice');
    for (const event of second) expect([event.total, event.pulse]).toEqual([BigInt(plenty), false]);
    expect(second.at(-1)?.position).toBe(BigInt(plenty));
    expect(second[0]?.serial).not.toBe(first[0]?.serial);
  });

  test('reach the request that made the call, of those that share the handle', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: Record<string, unknown[]> = { first: [], second: [] };
    const calls = Object.entries(seen).map(([name, stores]) => {
      const onProgress = () => stores.push(request.getStore());
      return request.run(name, () => progress(g, 3, { onProgress }));
    });
    await Promise.all(calls);
    for (const [name, stores] of Object.entries(seen)) expect([...new Set(stores)]).toEqual([name]);
  });

  test('are a pulse of 0 of 1 and in the end 1 of 1 where it cannot estimate', async () => {
    const { events } = await longCopy(() => ({ srcoffset: disk - plenty }));
    expect(events.length).toBeGreaterThanOrEqual(2);
    expectWellFormed(events, 'copyDeviceToDevice');
    const positions = events.map((event) => event.position);
    expect(positions).toEqual([...positions.slice(1).fill(0n), 1n]);
    for (const event of events) expect([event.total, event.pulse]).toEqual([1n, true]);
  });

  describe('lack the final one when the call fails', () => {
    test('where the total is known', async () => {
      const beyondTheSource = () => ({ srcoffset: disk - plenty, size: plenty + MiB });
      const { events, error } = await longCopy(beyondTheSource);
      expect(error).toMatchObject({ name: 'GuestfsError', operation: 'copyDeviceToDevice' });
      expect(events.length).toBeGreaterThan(0);
      expectWellFormed(events, 'copyDeviceToDevice');
      expect(events.filter((event) => event.position === event.total)).toEqual([]);
    });

    test('in a pulse', async () => {
      const { events, error } = await longCopy(() => ({ destoffset: disk - plenty }));
      expect(error).toMatchObject({ name: 'GuestfsError', operation: 'copyDeviceToDevice' });
      expect(events.length).toBeGreaterThan(0);
      for (const event of events) expect([event.position, event.total]).toEqual([0n, 1n]);
    });
  });

  // The last one: the appliance is gone afterwards.
  test('end with an appliance that dies, without a final one', async () => {
    const events: ProgressEvent[] = [];
    const quits: string[] = [];
    g.on('subprocessQuit', () => quits.push('quit'));
    const stream = g.progress();
    const call = timed(progress(g, 60, { onProgress: (event) => events.push(event) }));
    const waiting = timed(g.listDevices());
    await stream.next();
    process.kill(qemuOf() as number, 'SIGKILL');
    const killed = performance.now();
    expect((await call).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'debug' });
    expect(performance.now() - killed).toBeLessThan(5000);
    expect((await waiting).error).toMatchObject({ name: 'GuestfsError', operation: 'listDevices' });
    expect(quits).toEqual(['quit']);
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter((event) => event.ratio === 1)).toEqual([]);

    await g.close();
    expect(await stream.next().then(drained(stream))).toEqual({ done: true, value: undefined });
  });
});

/** Milliseconds that `private` took to answer, again and again until the call has ended. */
async function privateDataAnswers(g: Guestfs, ended: () => boolean): Promise<number[]> {
  const answers: number[] = [];
  for (let i = 0; !ended(); i++) {
    await sleep(20);
    const start = performance.now();
    const answer = g.private.get('test:answer');
    answers.push(performance.now() - start);
    expect(answer).toEqual({ value: 42 });
    const writing = performance.now();
    g.private.set('test:count', i);
    expect(g.private.get('test:count')).toBe(i);
    expect(g.private.has('test:missing')).toBe(false);
    answers.push(performance.now() - writing);
  }
  return answers;
}

/** Reads what is left. */
function drained(stream: AsyncIterator<ProgressEvent>) {
  return async (result: IteratorResult<ProgressEvent>): Promise<IteratorResult<ProgressEvent>> => {
    let last = result;
    while (!last.done) last = await stream.next();
    return last;
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
