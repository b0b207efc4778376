import { describe, expect, test } from '@jest/globals';
import { Guestfs, PrivateData, privateKey } from '../../lib';
import { compileWithHeader } from '../support/c-library';
import { temporaryFolder } from '../support/folder';
import { isCollected } from '../support/garbage';
import { closeGate } from '../support/gate';
import { resultOf } from '../support/script';

describe('a value', () => {
  test('is what was set', async () => {
    await using g = new Guestfs();
    const value = { id: 7 };
    g.private.set('acme:job', value);
    expect(g.private.get('acme:job')).toBe(value);
    expect(g.private.has('acme:job')).toBe(true);
  });

  test.each([[null], [undefined], [0], [''], [false], [Number.NaN], [10n], [Symbol('x')], [() => 1]])(
    'may be %p, which is not the same as none',
    async (value) => {
      await using g = new Guestfs();
      g.private.set('key', value);
      expect(g.private.get('key')).toBe(value);
      expect(g.private.has('key')).toBe(true);
      expect([...g.private]).toEqual([['key', value]]);
    },
  );

  test('takes the place of an earlier one', async () => {
    await using g = new Guestfs();
    g.private.set('key', 'old').set('key', 'new');
    expect(g.private.get('key')).toBe('new');
    expect(g.private.size).toBe(1);
  });

  test('is gone when it is deleted', async () => {
    await using g = new Guestfs();
    g.private.set('key', 1);
    expect(g.private.delete('key')).toBe(true);
    expect(g.private.has('key')).toBe(false);
    expect(g.private.get('key')).toBeUndefined();
    expect(g.private.delete('key')).toBe(false);
  });

  test('can be set again after it was deleted', async () => {
    await using g = new Guestfs();
    g.private.set('key', 1).delete('key');
    g.private.set('key', 2);
    expect([...g.private]).toEqual([['key', 2]]);
  });

  test('belongs to one handle', async () => {
    await using a = new Guestfs();
    await using b = new Guestfs();
    a.private.set('key', 1);
    expect(b.private.has('key')).toBe(false);
  });

  test('that is missing', async () => {
    await using g = new Guestfs();
    expect(g.private.get('missing')).toBeUndefined();
    expect(g.private.has('missing')).toBe(false);
    expect(g.private.delete('missing')).toBe(false);
  });
});

describe('a key', () => {
  test.each(['a', 'acme:job', 'a_b', 'with space', 'é😀', 'constructor', '0'])('may be %j', async (key) => {
    await using g = new Guestfs();
    g.private.set(key, 1);
    expect(g.private.get(key)).toBe(1);
    expect([...g.private.keys()]).toEqual([key]);
  });

  test('may be long', async () => {
    await using g = new Guestfs();
    const key = 'k'.repeat(100_000);
    g.private.set(key, 1);
    expect(g.private.get(key)).toBe(1);
  });

  test('is case-sensitive', async () => {
    await using g = new Guestfs();
    g.private.set('key', 1).set('Key', 2);
    expect([g.private.get('key'), g.private.get('Key')]).toEqual([1, 2]);
  });

  const fail = () => {
    throw new Error('mine');
  };

  const refusals: [string, unknown, string][] = [
    ['empty', '', 'ERR_INVALID_ARG_VALUE'],
    ['with a NUL', 'a\0b', 'ERR_INVALID_ARG_VALUE'],
    ['reserved', '_mine', 'ERR_INVALID_ARG_VALUE'],
    ['of this binding', '_guestfs_node', 'ERR_INVALID_ARG_VALUE'],
    ['with a lone surrogate', 'a\ud800', 'ERR_INVALID_ARG_VALUE'],
    ['with a byte that is no text', 'a\udcff', 'ERR_INVALID_ARG_VALUE'],
    ['a number', 1, 'ERR_INVALID_ARG_TYPE'],
    ['a symbol', Symbol('x'), 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['undefined', undefined, 'ERR_INVALID_ARG_TYPE'],
    ['an object', {}, 'ERR_INVALID_ARG_TYPE'],
    ['an object with a reserved name', { name: '_mine' }, 'ERR_INVALID_ARG_VALUE'],
    ['a proxy that throws', new Proxy({}, { get: fail }), 'ERR_INVALID_ARG_VALUE'],
  ];

  test.each(refusals)('must not be %s', async (_, key, code) => {
    await using g = new Guestfs();
    const uses = [
      () => g.private.set(key as string, 1),
      () => g.private.get(key as string),
      () => g.private.has(key as string),
      () => g.private.delete(key as string),
      () => privateKey(key as string),
    ];
    for (const use of uses.slice(0, 4))
      expect(use).toThrow(expect.objectContaining({ name: 'TypeError', code }));
    if (typeof key === 'string')
      expect(uses[4]).toThrow(expect.objectContaining({ name: 'TypeError', code }));
    expect(g.private.size).toBe(0);
  });

  test('the reserved ones say whose they are', async () => {
    await using g = new Guestfs();
    expect(() => g.private.set('_x', 1)).toThrow(
      /private\.set.*libguestfs reserves such keys for language bindings/,
    );
  });
});

describe('privateKey()', () => {
  test('names a value and its type', async () => {
    const job = privateKey<{ id: number }>('acme:job');
    await using g = new Guestfs();
    g.private.set(job, { id: 7 });
    const id: number | undefined = g.private.get(job)?.id;
    expect(id).toBe(7);
    expect(g.private.has(job)).toBe(true);
    expect(g.private.get('acme:job')).toEqual({ id: 7 });
    expect(g.private.delete(job)).toBe(true);
  });

  test('is the same key wherever it is made', async () => {
    await using g = new Guestfs();
    g.private.set(privateKey<number>('n'), 1);
    expect(g.private.get(privateKey<number>('n'))).toBe(1);
  });

  test('cannot be changed', () => {
    const key = privateKey<number>('n') as { name: string };
    expect(() => {
      key.name = '_m';
    }).toThrow(TypeError);
  });
});

describe('iteration', () => {
  test('is in the order of the first set', async () => {
    await using g = new Guestfs();
    g.private.set('b', 1).set('a', 2).set('c', null).set('b', 3);
    expect([...g.private]).toEqual([
      ['b', 3],
      ['a', 2],
      ['c', null],
    ]);
    expect([...g.private.keys()]).toEqual(['b', 'a', 'c']);
    expect([...g.private.values()]).toEqual([3, 2, null]);
    expect([...g.private.entries()]).toEqual([...g.private]);
    expect(g.private.size).toBe(3);
  });

  test('makes a Map', async () => {
    await using g = new Guestfs();
    g.private.set('a', 1);
    expect(new Map(g.private)).toEqual(new Map([['a', 1]]));
  });

  test('does not show the binding’s own key', async () => {
    await using g = new Guestfs();
    await g.version();
    expect([...g.private.keys()]).toEqual([]);
  });

  test('stands changes in the middle', async () => {
    await using g = new Guestfs();
    for (let i = 0; i < 10; i++) g.private.set(`k${i}`, i);
    for (const [key] of g.private) g.private.delete(key);
    expect(g.private.size).toBe(0);
  });

  test('passes by what is deleted before its turn', async () => {
    await using g = new Guestfs();
    g.private.set('a', 1).set('b', 2).set('c', 3);
    const seen: unknown[] = [];
    for (const entry of g.private) {
      seen.push(entry);
      g.private.delete('b');
    }
    expect(seen).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
  });

  test('of ten thousand', async () => {
    await using g = new Guestfs();
    for (let i = 0; i < 10_000; i++) g.private.set(`key ${i}`, i);
    expect(g.private.size).toBe(10_000);
    expect([...g.private.values()]).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    for (let i = 0; i < 10_000; i += 2) g.private.delete(`key ${i}`);
    expect(g.private.size).toBe(5_000);
    expect(g.private.get('key 9999')).toBe(9999);
    expect(g.private.has('key 9998')).toBe(false);
  });
});

describe('while a call runs', () => {
  test('reads and writes take effect at once', async () => {
    await using g = new Guestfs();
    g.private.set('kept', 1).set('deleted', 2);
    await using gate = await closeGate(g);
    g.private.set('kept', 3).set('new', 4).delete('deleted');
    expect([...g.private]).toEqual([
      ['kept', 3],
      ['new', 4],
    ]);
    expect(g.private.has('deleted')).toBe(false);
    await gate.open();
    expect([...g.private]).toEqual([
      ['kept', 3],
      ['new', 4],
    ]);
  });

  test('reads are answered in under 5 ms', async () => {
    await using g = new Guestfs();
    g.private.set('key', 1);
    await using gate = await closeGate(g);
    const times = Array.from({ length: 100 }, () => {
      const start = performance.now();
      g.private.get('key');
      return performance.now() - start;
    }).sort((a, b) => a - b);
    expect(times[50]).toBeLessThan(5);
    await gate.open();
  });

  test('the last of many writes wins', async () => {
    await using g = new Guestfs();
    await using gate = await closeGate(g);
    for (let i = 0; i < 1000; i++) {
      g.private.set('key', i);
      if (i % 3 === 0) g.private.delete('key');
    }
    g.private.set('key', 'last');
    await gate.open();
    await g.version();
    expect([...g.private]).toEqual([['key', 'last']]);
  });

  test('writes are there when the calls behind them run', async () => {
    await using g = new Guestfs();
    const calls = Array.from({ length: 100 }, (_, i) => {
      g.private.set(`key ${i}`, i);
      return g.version();
    });
    await Promise.all(calls);
    expect(g.private.size).toBe(100);
  });
});

describe('closing', () => {
  test('leaves the data alone until it is done', async () => {
    const g = new Guestfs();
    g.private.set('key', 1);
    const gate = await closeGate(g);
    const closing = g.close();
    expect(g.private.get('key')).toBe(1);
    g.private.set('late', 2);
    await gate.open();
    await closing;
  });

  test('takes it away', async () => {
    const g = new Guestfs();
    g.private.set('key', 1);
    await g.close();
    const uses = [
      () => g.private.get('key'),
      () => g.private.has('key'),
      () => g.private.set('key', 2),
      () => g.private.delete('key'),
      () => g.private.keys(),
      () => [...g.private],
      () => [...g.private.values()],
    ];
    for (const use of uses) {
      expect(use).toThrow(expect.objectContaining({ name: 'GuestfsError', code: 'ERR_GUESTFS_CLOSED' }));
    }
    expect(g.private.size).toBe(0);
  });
});

describe('values are collected', () => {
  /** Sets a value that nothing else refers to. */
  function setObject(g: Guestfs, key: string): WeakRef<object> {
    const value = { key };
    g.private.set(key, value);
    return new WeakRef(value);
  }

  test('not while they are set', async () => {
    await using g = new Guestfs();
    const reference = setObject(g, 'key');
    expect(await isCollected(reference)).toBe(false);
    expect(g.private.get('key')).toBe(reference.deref());
  }, 30_000); // all of the collections, which take their time on a busy machine

  test('after they were overwritten', async () => {
    await using g = new Guestfs();
    const reference = setObject(g, 'key');
    g.private.set('key', 1);
    expect(await isCollected(reference)).toBe(true);
  });

  test('after they were deleted', async () => {
    await using g = new Guestfs();
    const reference = setObject(g, 'key');
    g.private.delete('key');
    expect(await isCollected(reference)).toBe(true);
  });

  test('after they were overwritten and deleted while a call runs', async () => {
    await using g = new Guestfs();
    const references = [setObject(g, 'a'), setObject(g, 'b')] as const;
    await using gate = await closeGate(g);
    g.private.set('a', 1).delete('b');
    await gate.open();
    expect(await Promise.all(references.map(isCollected))).toEqual([true, true]);
  });

  test('after close, although the handle is still there', async () => {
    const g = new Guestfs();
    const reference = setObject(g, 'key');
    await g.close();
    expect(await isCollected(reference)).toBe(true);
    expect(g.private).toBeInstanceOf(PrivateData);
  });

  test('with a forgotten handle, also when they refer to it', async () => {
    const forget = () => {
      const g = new Guestfs();
      const value = { g };
      g.private.set('self', value);
      return [new WeakRef(g), new WeakRef(value)] as const;
    };
    const [handle, value] = forget();
    expect(await isCollected(handle)).toBe(true);
    expect(await isCollected(value)).toBe(true);
  });

  test('and their finalizers run', async () => {
    await using g = new Guestfs();
    const finalized = new Promise((resolve) => {
      const registry = new FinalizationRegistry(resolve);
      const value = {};
      registry.register(value, 'finalized');
      g.private.set('key', value);
      g.private.set('registry', registry);
    });
    g.private.delete('key');
    await isCollected(setObject(g, 'other'));
    expect(await finalized).toBe('finalized');
  });
});

test('pointers of another C component are seen, at any time, and theirs', async () => {
  using folder = temporaryFolder();
  // It puts its own under some keys whenever the number of processors is set.
  const library = compileWithHeader(
    `
    #include <unistd.h>
    int guestfs_set_smp(guestfs_h *g, int smp) {
      static int datum;
      guestfs_set_private(g, "theirs", &datum);
      guestfs_set_private(g, "overwritten", &datum);
      guestfs_set_private(g, "deleted", NULL);
      return 0;
    }
    int guestfs_set_memsize(guestfs_h *g, int memsize) {
      usleep(200000);
      return 0;
    }`,
    folder,
  );
  const seen = await resultOf<unknown[]>(
    `
    const g = new Guestfs();
    for (const key of ['overwritten', 'deleted', 'ours']) g.private.set(key, key);
    await g.setSmp(2);
    const keys = ['theirs', 'overwritten', 'deleted', 'ours'];
    const look = () => keys.map((key) => [key, g.private.has(key), g.private.get(key) ?? null]);
    const idle = look();
    const running = g.setMemsize(1000, { signal: new AbortController().signal });
    const busy = [look(), [...g.private].sort()];
    await running;
    console.log(JSON.stringify([idle, ...busy, [...g.private].sort()]));
    await g.close();`,
    { env: { LD_PRELOAD: library } },
  );
  const expected = [
    ['theirs', true, null],
    ['overwritten', true, null],
    ['deleted', false, null],
    ['ours', true, 'ours'],
  ];
  const entries = [
    ['ours', 'ours'],
    ['overwritten', null],
    ['theirs', null],
  ];
  expect(seen).toEqual([expected, expected, entries, entries]);
});
