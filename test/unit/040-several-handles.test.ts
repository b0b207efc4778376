import { scrypt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { closeGate } from '../support/gate';
import { failureOf, internalTest } from '../support/internal';
import { resultOf } from '../support/script';

test('handles are distinct', async () => {
  await using a = new Guestfs({ memsize: 1001 });
  await using b = new Guestfs({ memsize: 1002 });
  await using c = new Guestfs({ memsize: 1003 });
  expect(await Promise.all([a, b, c].map((g) => g.getMemsize()))).toEqual([1001, 1002, 1003]);
  expect(new Set(await Promise.all([a, b, c].map((g) => g.cPointer()))).size).toBe(3);
});

test('a call of one does not wait for a call of another', async () => {
  await using busy = new Guestfs();
  await using idle = new Guestfs();
  await using gate = await closeGate(busy);
  expect((await idle.version()).major).toBe(1n);
  expect(await idle.getSockdir()).toMatch(/^\//); // on the handle's thread
  await gate.open();
  await gate.call;
});

test("eight that are busy leave Node's own threads and timers free", async () => {
  const handles = Array.from({ length: 8 }, () => new Guestfs());
  const gates = await Promise.all(handles.map((g) => closeGate(g)));
  await Promise.all([
    readFile(__filename),
    lookup('localhost'),
    promisify(scrypt)('password', 'salt', 16),
    promisify(gzip)('text'),
    setTimeout(10),
  ]);
  for (const gate of gates) await gate.open();
  await Promise.all(handles.map((g) => g.close()));
});

test('each has its own errors', async () => {
  await using a = new Guestfs();
  await using b = new Guestfs();
  const [first, second] = await Promise.all([
    failureOf(a.addDrive('/nonexistent/a')),
    failureOf(internalTest(b, 'Rinterr')),
  ]);
  expect(first).toMatchObject({ code: 'ENOENT', operation: 'addDrive' });
  expect(second).toMatchObject({ code: 'ERR_GUESTFS', operation: 'internalTestRinterr' });
});

test('each has its own events', async () => {
  await using a = new Guestfs({ identifier: 'a' });
  await using b = new Guestfs({ identifier: 'b' });
  const heard: string[] = [];
  a.on('enter', (name) => heard.push(`a ${name}`));
  b.on('enter', (name) => heard.push(`b ${name}`));
  await a.getMemsize();
  await b.getSmp();
  expect(heard).toEqual(['a get_memsize', 'b get_smp']);
});

test('closing one leaves the others', async () => {
  await using a = new Guestfs();
  const b = new Guestfs();
  await b.close();
  expect((await a.version()).major).toBe(1n);
});

test('a hundred at once', async () => {
  const handles = Array.from({ length: 100 }, (_, i) => new Guestfs({ memsize: 1000 + i }));
  const sizes = await Promise.all(handles.map((g) => g.getMemsize()));
  await Promise.all(handles.map((g) => g.close()));
  expect(sizes).toEqual(handles.map((_, i) => 1000 + i));
});

test('more than libguestfs can have are refused, and the others are unharmed', async () => {
  const found = await resultOf<{ count: number; error: object; again: number }>(`
    const handles = [];
    let error;
    while (!error) {
      try {
        handles.push(new Guestfs({ memsize: 1000 + handles.length }));
      } catch (thrown) {
        error = { ...thrown, message: thrown.message };
      }
    }
    const memsizes = await Promise.all(handles.map((g) => g.getMemsize()));
    if (memsizes.some((memsize, i) => memsize !== 1000 + i)) throw new Error(memsizes.join());
    await handles.pop().close();
    const again = new Guestfs({ memsize: 999 });
    console.log(JSON.stringify({ count: handles.length, error, again: await again.getMemsize() }));
  `);
  expect(found).toMatchObject({
    error: { code: 'ERR_GUESTFS_LIMIT', operation: 'create' },
    again: 999,
  });
  // PTHREAD_KEYS_MAX of glibc, less those of Node.js and the libraries.
  expect(found.count).toBeGreaterThan(900);
  expect(found.count).toBeLessThan(1024);
});
