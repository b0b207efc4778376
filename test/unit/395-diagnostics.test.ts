import { tracingChannel } from 'node:diagnostics_channel';
import { afterEach, expect, test } from '@jest/globals';
import { type CallDiagnostics, Guestfs } from '../../lib';
import { failureOf } from '../support/internal';

const channel = tracingChannel<string, CallDiagnostics>('guestfs:call');
const heard: [event: string, call: CallDiagnostics][] = [];
const subscribers = {
  start: (call: CallDiagnostics) => heard.push(['start', { ...call }]),
  end: () => undefined,
  asyncStart: () => undefined,
  asyncEnd: (call: CallDiagnostics) => heard.push(['asyncEnd', { ...call }]),
  error: (call: CallDiagnostics) => heard.push(['error', { ...call }]),
};

afterEach(() => {
  channel.unsubscribe(subscribers);
  heard.length = 0;
});

test('subscribers of guestfs:call are told of every call, how long it took and how it ended', async () => {
  channel.subscribe(subscribers);
  await using g = new Guestfs({ memsize: 1234 });
  expect(await g.getMemsize()).toBe(1234);
  const error = await failureOf(g.addDrive('/nonexistent'));
  expect(heard).toMatchObject([
    ['start', { operation: 'getMemsize', handle: g }],
    ['asyncEnd', { operation: 'getMemsize', handle: g, result: 1234, duration: expect.any(Number) }],
    ['start', { operation: 'addDrive', handle: g }],
    ['error', { operation: 'addDrive', handle: g, error, duration: expect.any(Number) }],
    ['asyncEnd', { operation: 'addDrive', error }],
  ]);
});

test('a launch is one call', async () => {
  channel.subscribe(subscribers);
  await using g = new Guestfs();
  const error = await failureOf(g.launch({ signal: AbortSignal.abort() }));
  expect(heard.map(([event, { operation }]) => `${event} ${operation}`)).toEqual([
    'start launch',
    'error launch',
    'asyncEnd launch',
  ]);
  expect(heard.at(-1)?.[1].error).toBe(error);
});

test('nobody is told after having unsubscribed', async () => {
  channel.subscribe(subscribers);
  channel.unsubscribe(subscribers);
  await using g = new Guestfs();
  await g.getMemsize();
  expect(heard).toEqual([]);
});
