// Thousands of calls that wait, and leave the queue in every way.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Guestfs, settled, whileBusy, withHandle } from '../library.mjs';

export async function queue({ times }) {
  await withHandle(async (g) => {
    await inOrder(g, times(10_000));
    for (let i = 0; i < times(10); i++) {
      await abortedWhileWaiting(g, times(2000));
      await abortedWhileRunning(g, times(2000));
    }
  });
  for (let i = 0; i < times(10); i++) {
    await killed(times(1000));
    await closed(times(1000));
  }
}

async function inOrder(g, count) {
  const order = [];
  await Promise.all(Array.from({ length: count }, (_, i) => g.getMemsize().then(() => order.push(i))));
  assert.deepEqual(order, [...order.keys()]);
  assert.equal(order.length, count);
}

/** Every other call has the signal; the others are none the worse. */
async function abortedWhileWaiting(g, count) {
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [];
  await whileBusy(g, async () => {
    for (let i = 0; i < count; i++) calls.push(i % 2 === 0 ? g.getSmp({ signal }) : g.getSmp());
    calls.push(g.launch({ signal }));
    setImmediate(() => controller.abort());
    await settled(calls.filter((_, i) => i % 2 === 0));
  });
  const aborted = (await settled(calls)).filter(({ reason }) => reason?.name === 'AbortError');
  assert.equal(aborted.length, Math.ceil((count + 1) / 2));
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
}

/** Aborts from timers, wherever the thread may be. */
async function abortedWhileRunning(g, count) {
  const controllers = Array.from({ length: 10 }, () => new AbortController());
  const calls = Array.from({ length: count }, (_, i) => g.version({ signal: controllers[i % 10].signal }));
  for (const [i, controller] of controllers.entries()) setTimeout(() => controller.abort(), i);
  await settled(calls);
}

async function killed(count) {
  const g = new Guestfs();
  const calls = settled(Array.from({ length: count }, () => g.version()));
  await g.kill();
  await calls;
  assert.equal((await g.version()).major, 1n);
  await g.close();
}

async function closed(count) {
  const g = new Guestfs();
  const calls = settled(Array.from({ length: count }, () => g.version()));
  await g.close();
  assert.ok((await calls).every(({ status }) => status === 'fulfilled'));
}
