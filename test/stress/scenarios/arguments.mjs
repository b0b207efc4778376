// Every kind of argument and option, good and bad, and values that do something while they are read.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Guestfs, internalTest, rejection, settled, withFolder, withHandle } from '../library.mjs';

export async function callArguments({ times }) {
  await withHandle(async (g) => {
    await internalTest(g, 'SetOutput', ['/dev/null']); // it prints its arguments
    for (let i = 0; i < times(100); i++) {
      await good(g);
      await bad(g);
      await optional(g);
    }
    for (let i = 0; i < times(3); i++) await large(g);
  });
  for (let i = 0; i < times(50); i++) await alive();
}

/** In the order of internal_test's parameters. */
const values = (changes = {}) => [
  ...Object.values({
    ...{ str: 'string', optstr: 'é🐟\udcff', strlist: ['a', '', 'b'], b: true, integer: -1, integer64: -1n },
    ...{ filein: 'in', fileout: '/out', bufferin: Buffer.from([0, 1, 255]) },
    ...changes,
  }),
];

const test = (g, changes, options) => internalTest(g, '', values(changes), options);

async function good(g) {
  const options = { obool: true, oint: 1, oint64: 2n ** 62n, ostring: 's', ostringlist: ['x', 'y'] };
  await withFolder(async (folder) => {
    const output = join(folder, 'output');
    await internalTest(g, 'SetOutput', [output]);
    await test(g, {}, options);
    await internalTest(g, 'SetOutput', ['/dev/null']);
    assert.match(await readFile(output, 'utf8'), /obool: true\n(.|\n)*ostringlist: \["x", "y"\]/);
  });
  await test(g, { optstr: null, strlist: [], bufferin: '' });
  await test(g, { bufferin: new Uint8Array(new SharedArrayBuffer(16), 4, 8) });
  await test(g, { bufferin: new Uint8Array() });
}

async function bad(g) {
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  const throwing = ['a', 'b'];
  Object.defineProperty(throwing, 1, {
    get() {
      throw new Error('from a getter');
    },
  });
  const cases = [
    ...[{ str: 1 }, { str: 'a\0b' }, { str: '\ud800' }, { str: {} }, { optstr: undefined }],
    ...[{ strlist: 'a' }, { strlist: ['a', 1] }, { strlist: ['a\0'] }, { strlist: throwing }, { b: 1 }],
    ...[{ integer: 1.5 }, { integer: 2 ** 31 }, { integer: Number.NaN }, { integer: 1n }],
    ...[{ integer64: 2n ** 63n }, { integer64: 2 ** 53 }, { integer64: 'x' }, { integer64: -0.5 }],
    ...[{ bufferin: 1 }, { bufferin: detached }, { bufferin: new Uint16Array(2) }],
  ];
  for (const change of cases) await rejection(test(g, change));
  for (const options of [{ oint: 'x' }, { ostringlist: [1] }, { unknown: 1 }, { signal: 1 }]) {
    await rejection(test(g, {}, options));
  }
}

async function optional(g) {
  await internalTest(g, 'OnlyOptargs', [], { test: 1 });
  await internalTest(g, 'OnlyOptargs');
  const all = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`opt${i + 1}`, i]));
  await internalTest(g, '63Optargs', [], all);
  await internalTest(g, '63Optargs', [], { opt1: 1, opt63: 63 });
}

async function large(g) {
  await test(g, { str: 'x'.repeat(5_000_000), bufferin: Buffer.alloc(5_000_000) });
  await test(g, { strlist: Array.from({ length: 100_000 }, (_, i) => `item ${i}`) });
}

/** A list that calls, and at last closes, the very handle that reads it. */
async function alive() {
  const g = new Guestfs();
  await internalTest(g, 'SetOutput', ['/dev/null']);
  const calls = [];
  const list = ['a', 'b', 'c'];
  const actions = [() => g.version(), () => g.close(), () => g.kill()];
  actions.forEach((action, i) => {
    Object.defineProperty(list, i, {
      get() {
        calls.push(action());
        list.length = 3;
        globalThis.gc();
        return 'element';
      },
    });
  });
  const call = test(g, { strlist: list });
  await settled([call, ...calls]);
  await g.close();
}
