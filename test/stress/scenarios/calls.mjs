// Every kind of result, well and failed, of every size.
import assert from 'node:assert/strict';
import { internalTest, rejection, withHandle } from '../library.mjs';

const failing = [
  ...['Rinterr', 'Rint64err', 'Rboolerr', 'Rconststringerr', 'Rstringerr', 'Rstringlisterr'],
  ...['Rstructerr', 'Rstructlisterr', 'Rhashtableerr', 'Rbufferouterr'],
];

export function calls({ times }) {
  return withHandle(async (g) => {
    const call = (name, ...args) => internalTest(g, name, args);
    for (let i = 0; i < times(50); i++) {
      await results(call);
      for (const name of failing) await rejection(call(name), 'ERR_GUESTFS');
      await rejection(call('SetOutput', '/nonexistent/output'), 'ENOENT');
      await rejection(g.addDrive('/nonexistent'), 'ENOENT');
    }
    for (let i = 0; i < times(3); i++) await largeResults(call);
    for (let i = 0; i < times(20); i++) await resultsThatNobodyKeeps(call);
  });
}

async function results(call) {
  assert.equal(await call('CloseOutput'), undefined);
  assert.equal(await call('Rint', '-10'), -10);
  assert.equal(await call('Rint64', '9007199254740993'), 9007199254740993n);
  assert.equal(await call('Rbool', 'true'), true);
  assert.equal(await call('Rconststring', 'x'), 'static string');
  assert.equal(await call('Rconstoptstring', 'x'), 'static string');
  assert.equal(await call('Rconstoptstringerr'), null);
  assert.equal(await call('Rstring', 'é🐟\udcff'), 'é🐟\udcff');
  assert.deepEqual(await call('Rstringlist', '3'), ['0', '1', '2']);
  assert.equal((await call('Rstruct', 'x')).pvName, 'pv0');
  assert.equal((await call('Rstructlist', '3')).at(-1).pvSize, 2n);
  assert.equal((await call('Rstructlist', '0')).length, 0);
  assert.equal((await call('Rhashtable', '12')).get('11'), '11');
  assert.equal((await call('Rbufferout', 'abc')).toString(), 'abc');
  assert.equal((await call('Rbufferout', '')).length, 0);
}

async function largeResults(call) {
  const text = 'x'.repeat(10_000_000);
  assert.equal((await call('Rstring', text)).length, text.length);
  assert.equal((await call('Rbufferout', text)).length, text.length);
  assert.equal((await call('Rstringlist', '100000')).length, 100_000);
  assert.equal((await call('Rstructlist', '10000')).length, 10_000);
  assert.equal((await call('Rhashtable', '10000')).size, 10_000);
}

/** Buffers belong to libguestfs's memory until the collector has taken them. */
async function resultsThatNobodyKeeps(call) {
  for (let i = 0; i < 100; i++) await call('Rbufferout', `nobody keeps ${i}`);
  globalThis.gc();
}
