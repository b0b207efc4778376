import { describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { ProgressStream } from '../../lib/calls/progress-stream';
import type { ProgressEvent } from '../../lib/options/types';
import { isCollected } from '../support/garbage';

function event(serial: number, position: number): ProgressEvent {
  return {
    operation: 'debug',
    procNr: 211,
    serial,
    position: BigInt(position),
    total: 10n,
    ratio: position / 10,
    pulse: false,
  };
}

/** What a consumer gets that comes when everything has happened: serial and position of each event. */
async function taken(stream: ProgressStream): Promise<string[]> {
  stream.end();
  const events: string[] = [];
  for await (const { serial, position } of stream) events.push(`${serial}:${position}`);
  return events;
}

function streamOf(...events: ProgressEvent[]): ProgressStream {
  const stream = new ProgressStream(() => undefined);
  for (const each of events) stream.push(each);
  return stream;
}

const positions = (serial: number, ...list: number[]) => list.map((position) => event(serial, position));

describe('events that nobody has taken yet', () => {
  test('of one call: the first and the newest', async () => {
    expect(await taken(streamOf(...positions(1, 0, 1, 2, 3, 10)))).toEqual(['1:0', '1:10']);
  });

  test('two of one call are both there', async () => {
    expect(await taken(streamOf(...positions(1, 0, 10)))).toEqual(['1:0', '1:10']);
  });

  test('of several calls: the first and the newest of each', async () => {
    const stream = streamOf(...positions(1, 0, 5, 10), ...positions(2, 1), ...positions(3, 0, 4, 5));
    expect(await taken(stream)).toEqual(['1:0', '1:10', '2:1', '3:0', '3:5']);
  });

  test('are few, however many there were', async () => {
    const stream = streamOf(...Array.from({ length: 100_000 }, (_, i) => event(1, i)));
    expect(await taken(stream)).toEqual(['1:0', '1:99999']);
  });

  test('replace no event that was taken', async () => {
    const stream = streamOf(...positions(1, 0, 1));
    expect((await stream.next()).value?.position).toBe(0n);
    stream.push(event(1, 2));
    expect((await stream.next()).value?.position).toBe(2n);
    stream.push(event(1, 3));
    expect(await taken(stream)).toEqual(['1:3']);
  });
});

describe('a consumer that waits', () => {
  test('gets every event', async () => {
    const stream = streamOf();
    for (const each of positions(1, 0, 1, 2)) {
      const next = stream.next();
      stream.push(each);
      expect(await next).toEqual({ done: false, value: each });
    }
  });

  test('several get one event each, in their order', async () => {
    const stream = streamOf();
    const takers = [stream.next(), stream.next()];
    stream.push(event(1, 0));
    stream.push(event(1, 1));
    expect((await Promise.all(takers)).map(({ value }) => value?.position)).toEqual([0n, 1n]);
  });

  test('hears of the end', async () => {
    const stream = streamOf();
    const takers = [stream.next(), stream.next()];
    stream.end();
    expect(await Promise.all(takers)).toEqual(Array(2).fill({ done: true, value: undefined }));
  });
});

describe('the end', () => {
  test('comes after what was there', async () => {
    expect(await taken(streamOf(event(1, 0)))).toEqual(['1:0']);
  });

  test('lets nothing follow', async () => {
    const stream = streamOf();
    stream.end();
    stream.push(event(1, 0));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('is told once', () => {
    let told = 0;
    const stream = new ProgressStream(() => told++);
    stream.end();
    stream.end();
    void stream.return();
    expect(told).toBe(1);
  });

  test('by leaving the loop drops what was there', async () => {
    let told = 0;
    const stream = new ProgressStream(() => told++);
    stream.push(event(1, 0));
    stream.push(event(1, 1));
    for await (const { position } of stream) {
      expect(position).toBe(0n);
      break;
    }
    expect(told).toBe(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});

describe('progress() of a handle', () => {
  test('is left to the garbage collector when its loop was left', async () => {
    await using g = new Guestfs();
    const make = async () => {
      const stream = g.progress();
      await stream.return?.();
      return new WeakRef(stream);
    };
    expect(await isCollected(await make())).toBe(true);
  });

  test('does not keep calls waiting', async () => {
    await using g = new Guestfs();
    const streams = Array.from({ length: 10 }, () => g.progress());
    expect((await g.version()).major).toBe(1n);
    expect(new Set(streams).size).toBe(10);
  });
});
