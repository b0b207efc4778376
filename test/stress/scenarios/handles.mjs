// Handles that come and go, in every state that needs no appliance.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { collectGarbage, Guestfs, internalTest, rejection, settled, whileBusy } from '../library.mjs';

export async function handles({ times }) {
  for (let i = 0; i < times(40); i++) {
    await closeUnused();
    await closeTwiceAtOnce();
    await closeBehindCalls();
    await closeFromListeners();
    await killWithoutAppliance();
    refuseOptions();
  }
  for (let i = 0; i < times(10); i++) await closeWhileBusy();
  for (let i = 0; i < times(10); i++) await drop(20);
}

async function closeUnused() {
  await new Guestfs().close();
  await new Guestfs({ memsize: 1000, smp: 2, identifier: 'stress', backendSettings: ['a', 'b'] }).close();
}

async function closeTwiceAtOnce() {
  const g = new Guestfs();
  await Promise.all([g.close(), g.version(), g.close()].map((promise) => promise.catch(() => undefined)));
  await rejection(g.version(), 'ERR_GUESTFS_CLOSED');
  await rejection(g.launch(), 'ERR_GUESTFS_CLOSED');
  assert.throws(() => g.private.get('key'), { code: 'ERR_GUESTFS_CLOSED' });
  await g.kill();
}

async function closeBehindCalls() {
  const g = new Guestfs();
  const calls = Array.from({ length: 20 }, () => g.getMemsize());
  await g.close();
  assert.equal(new Set(await Promise.all(calls)).size, 1);
}

async function closeFromListeners() {
  const g = new Guestfs();
  g.on('enter', () => g.close());
  g.on('close', () => g.close());
  const closed = once(g, 'close');
  await settled([g.version(), g.version()]);
  await closed;
}

async function killWithoutAppliance() {
  const g = new Guestfs();
  await g.kill();
  const calls = Array.from({ length: 5 }, () => g.version());
  const kills = [g.kill(), g.kill()];
  await settled([...calls, ...kills, g.close()]);
}

function refuseOptions() {
  assert.throws(() => new Guestfs({ memsize: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new Guestfs({ smp: 0 }), { name: 'GuestfsError' });
}

async function closeWhileBusy() {
  const g = new Guestfs();
  let closed;
  await whileBusy(g, async () => {
    closed = Promise.all([g.version(), g.close(), g.close()]);
  });
  await closed;
}

/** Forgets handles in all states, and waits for the collector to close them. */
async function drop(count) {
  const kinds = [
    () => undefined,
    (g) => void g.version(),
    (g) => g.version(),
    (g) => g.on('trace', () => g),
    (g) => g.private.set('self', { g }),
    (g) => void g.progress().next(),
    (g) => internalTest(g, 'Rstringlist', ['1000']),
    (g) => g.addDriveScratch(1024 * 1024),
    (g) => void g.close(),
  ];
  for (let i = 0; i < count; i++) for (const use of kinds) await use(new Guestfs());
  await collectGarbage();
}
