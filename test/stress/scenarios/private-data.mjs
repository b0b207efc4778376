// Private data, while the handle is idle, busy, and gone.
import assert from 'node:assert/strict';
import { collectGarbage, Guestfs, privateKey, whileBusy, withHandle } from '../library.mjs';

export async function privateData({ times }) {
  for (let i = 0; i < times(20); i++) {
    await withHandle(async (g) => {
      writeAndRead(g);
      const calls = Array.from({ length: 20 }, () => g.version());
      writeAndRead(g); // beside calls that come and go
      await Promise.all(calls);
      await whileBusy(g, async () => writeAndRead(g));
      writeAndRead(g);
    });
  }
  for (let i = 0; i < times(200); i++) cyclic(new Guestfs());
  await collectGarbage();
}

function writeAndRead(g) {
  const typed = privateKey('stress:typed');
  for (let i = 0; i < 50; i++) g.private.set(`key ${i % 10} é🐟`, { i });
  assert.equal(g.private.get('key 9 é🐟').i, 49);
  g.private.set(typed, g).set('nothing', undefined);
  assert.equal(g.private.get(typed), g);
  assert.equal(g.private.size, 12);
  assert.equal([...g.private].length, 12);
  for (const key of g.private.keys()) assert.ok(g.private.delete(key));
  assert.equal(g.private.size, 0);
  assert.ok(!g.private.delete('key 1'));
  for (const key of ['', '_mine', 'a\0b', '\ud800']) {
    assert.throws(() => g.private.set(key, 1), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  g.private.set('left', 'for close');
  g.private.delete('left');
}

function cyclic(g) {
  g.private.set('self', { g, large: new Array(1000).fill(g) });
  g.on('close', () => g);
}
