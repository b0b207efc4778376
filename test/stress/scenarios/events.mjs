// Events by the hundred thousand, and listeners that do what they should not.
import assert from 'node:assert/strict';
import { Guestfs, internalTest, settled, withHandle } from '../library.mjs';

export async function events({ times }) {
  await traceStorm(times(20_000));
  for (let i = 0; i < times(50); i++) {
    await changingListeners();
    await throwingListeners();
    await listenersThatCall();
    await messagesForNobody();
  }
}

function traceStorm(count) {
  return withHandle(async (g) => {
    let traced = 0;
    let entered = 0;
    g.on('trace', () => traced++);
    g.on('enter', () => entered++);
    await g.setTrace(true);
    const calls = Array.from({ length: count }, (_, i) =>
      internalTest(g, 'Rstring', [`${i} é\udcff`.repeat(i % 50 === 0 ? 100 : 1)]),
    );
    await Promise.all(calls);
    assert.ok(traced >= count && entered >= count, `${traced} trace and ${entered} enter events`);
  });
}

function changingListeners() {
  return withHandle(async (g) => {
    const listener = () => undefined;
    g.on('trace', listener); // else it would go to the terminal
    const calls = [g.setTrace(true)];
    for (let i = 0; i < 50; i++) {
      if (i % 3 === 0) g.on('enter', listener);
      if (i % 3 === 1) g.once('enter', listener);
      if (i % 3 === 2) g.removeAllListeners('enter');
      calls.push(g.version());
      if (i % 10 === 0) await calls.at(-1);
    }
    await Promise.all(calls);
  });
}

async function throwingListeners() {
  const thrown = [];
  const catchAll = (error) => thrown.push(error);
  process.on('uncaughtException', catchAll);
  await withHandle(async (g) => {
    g.on('enter', () => {
      throw new Error('from a listener');
    });
    await Promise.all([g.version(), g.getSmp(), g.addDrive('/nonexistent').catch(() => undefined)]);
  });
  process.off('uncaughtException', catchAll);
  assert.ok(thrown.length >= 3 && thrown.every(({ message }) => message === 'from a listener'));
}

async function listenersThatCall() {
  const g = new Guestfs();
  const calls = [];
  const call = (method) => calls.push(settled([g[method]()]));
  g.on('enter', (name) => {
    g.private.set(name, calls.length);
    if (calls.length < 20) call('version');
    if (calls.length === 10) call('kill');
    if (calls.length === 15) call('close');
    if (calls.length % 7 === 0) globalThis.gc();
  });
  call('version');
  for (let i = 0; i < calls.length; i++) await calls[i];
  await g.close();
}

/** The handle is dropped while its thread still has much to say. */
async function messagesForNobody() {
  for (let i = 0; i < 5; i++) {
    const g = new Guestfs();
    g.on('trace', () => undefined);
    void g.setTrace(true);
    for (let j = 0; j < 50; j++) void g.version();
    void g.close();
  }
  globalThis.gc();
}
