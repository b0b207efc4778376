// The walk over a guest that is an object: order, bundles, what vanishes or cannot be read.
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError, type WalkEntry, type WalkOptions } from '../../lib';
import { attributesOf } from '../../lib/bulk/bundle';
import { walk } from '../../lib/bulk/walk';
import { checkWalkOptions } from '../../lib/bulk/walk-options';
import { bytesOf, isFileName, nameOf } from '../../lib/text/bytes';
import { type FakeFolder, FakeGuest, FakeOther, link } from '../support/fake-guest';
import { failureOf } from '../support/internal';

const walkOf = (g: FakeGuest, dir = '/', options: WalkOptions = {}) =>
  walk(g, dir, checkWalkOptions('walk', options));

async function all(g: FakeGuest, dir?: string, options?: WalkOptions): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = [];
  for await (const entry of walkOf(g, dir, options)) entries.push(entry);
  return entries;
}

async function paths(g: FakeGuest, dir?: string, options?: WalkOptions): Promise<string[]> {
  return (await all(g, dir, options)).map(({ path }) => path);
}

/** `count` things, numbered. */
function many<T>(count: number, make: (i: number) => T): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, make(i)]));
}

const small: FakeFolder = {
  b: { 'z\nz': 'text', a: link('../b'), 'a!': {}, empty: {} },
  a: 'five!',
  'caf\udce9': { inner: '' },
};

describe('a walk', () => {
  test('goes through folders in order, each before what is in it', async () => {
    expect(await paths(new FakeGuest(small))).toEqual([
      ...['/a', '/b', '/b/a', '/b/a!', '/b/empty', '/b/z\nz', '/caf\udce9', '/caf\udce9/inner'],
    ]);
  });

  test('tells what there is to know', async () => {
    const stat = {
      stUid: 5n,
      stGid: 6n,
      stNlink: 2n,
      stIno: 2n ** 63n,
      stDev: 7n,
      stSize: 2n ** 60n,
      stBlocks: 9n,
      stMtimeSec: 1_700_000_000n,
      stMtimeNsec: 123_456_789n,
      stAtimeSec: -1n,
      stAtimeNsec: 5n,
    };
    const [entry] = await all(new FakeGuest({ f: new FakeOther({ mode: 0o104755, stat }) }));
    expect(entry).toMatchObject({
      ...{ path: '/f', name: 'f', depth: 1, type: 'file', mode: 0o104755, uid: 5, gid: 6, nlink: 2 },
      ...{ ino: 2n ** 63n, dev: 7n, size: 2n ** 60n, blocks: 9n, target: null, xattrs: null, checksum: null },
      mtimeNs: 1_700_000_000_123_456_789n,
      mtime: new Date(1_700_000_000_123),
      atimeNs: -999_999_995n,
      atime: new Date(-1000),
    });
  });

  test.each([
    [0o100644, 'file'],
    [0o040755, 'directory'],
    [0o120777, 'symlink'],
    [0o060600, 'blockDevice'],
    [0o020600, 'characterDevice'],
    [0o010600, 'fifo'],
    [0o140600, 'socket'],
    [0o150600, 'unknown'],
  ])('knows the type of mode %i', async (mode, type) => {
    const node = new FakeOther({ mode, target: 'x', content: type === 'directory' ? {} : '' });
    expect(await all(new FakeGuest({ node }))).toMatchObject([{ type }]);
  });

  test('takes the folder with and without slashes at its end, and the root of the guest', async () => {
    const g = new FakeGuest(small);
    const names = ['/b/a', '/b/a!', '/b/empty', '/b/z\nz'];
    expect(await paths(g, '/b')).toEqual(names);
    expect(await paths(g, '/b//')).toEqual(names);
  });

  test('ends when its folder is missing, or none', async () => {
    expect(await failureOf(paths(new FakeGuest(small), '/none'))).toMatchObject({ code: 'ENOENT' });
    expect(await failureOf(paths(new FakeGuest(small), '/a'))).toMatchObject({ code: 'ENOTDIR' });
  });

  test('goes down a deep tree', async () => {
    let tree: FakeFolder = {};
    for (let i = 0; i < 500; i++) tree = { d: tree };
    expect(await all(new FakeGuest(tree))).toHaveLength(500);
  });
});

describe('few calls', () => {
  test('two for a folder, or one for each 500 of its names', async () => {
    const g = new FakeGuest({ ...many(100, () => many(50, () => 'x')), flat: many(3000, () => '') });
    expect(await paths(g)).toHaveLength(8101);
    expect([g.count('readdir'), g.count('lstatnslist')]).toEqual([102, 107]);
  });

  test('no call for link targets where there are no links', async () => {
    const g = new FakeGuest({ a: 'x' });
    await paths(g);
    expect(g.calls.map(([method]) => method)).toEqual(['statns', 'readdir', 'lstatnslist']);
  });

  test('names that do not fit into a message are streamed', async () => {
    const names = Array.from({ length: 8000 }, (_, i) => `n${i}`.padEnd(140, 'x'));
    const g = new FakeGuest(Object.fromEntries(['caf\udce9', ...names].map((name) => [name, ''])));
    expect(await paths(g)).toEqual(['caf\udce9', ...names].sort().map((name) => `/${name}`));
    expect([g.count('readdir'), g.count('ls0')]).toEqual([1, 1]);
  });

  test('as many ahead of the loop as keep the appliance busy, and no more', async () => {
    const g = new FakeGuest(many(200, () => many(200, () => many(2, () => 'x') as FakeFolder) as FakeFolder));
    let seen = 0;
    for await (const _ of walkOf(g)) {
      if (++seen < 100) continue;
      while (g.pending > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      break;
    }
    const described = g.calls.reduce(
      (sum, [method, what]) => sum + (method === 'lstatnslist' ? +what : 0),
      0,
    );
    expect(g.mostPending).toBeGreaterThan(3);
    expect(g.mostPending).toBeLessThan(40);
    expect(described).toBeLessThan(10_000);
  });
});

describe('options', () => {
  test('maxDepth', async () => {
    const g = new FakeGuest(small);
    expect(await paths(g, '/', { maxDepth: 1 })).toEqual(['/a', '/b', '/caf\udce9']);
    expect(g.count('readdir')).toBe(1);
  });

  test('oneFileSystem lists the folder on which another filesystem is mounted, and does not go into it', async () => {
    const mounted = new FakeOther({ mode: 0o40755, content: { x: '' }, stat: { stDev: 9n } });
    expect(await paths(new FakeGuest({ mounted }), '/', { oneFileSystem: true })).toEqual(['/mounted']);
    expect(await paths(new FakeGuest({ mounted }))).toEqual(['/mounted', '/mounted/x']);
  });

  test('filter leaves out entries, prune what is in folders, which are then not even listed', async () => {
    const g = new FakeGuest(small);
    expect(await paths(g, '/', { filter: ({ name }) => name !== 'b' })).toContain('/b/a');
    expect(await paths(g, '/', { filter: ({ type }) => type === 'symlink' })).toEqual(['/b/a']);
    g.calls.length = 0;
    expect(await paths(g, '/', { prune: ({ name }) => name === 'b' })).not.toContain('/b/a');
    expect(g.calls).not.toContainEqual(['readdir', '/b']);
  });

  test('what a filter throws ends the walk', async () => {
    const oops = new Error('oops');
    const filter = () => {
      throw oops;
    };
    expect(await failureOf(paths(new FakeGuest(small), '/', { filter }))).toBe(oops);
  });

  test('link targets', async () => {
    const entries = await all(new FakeGuest({ ...many(1500, (i) => link(`t${i}`)), file: '' }));
    expect(entries.filter(({ name, target }) => target === name.replace('n', 't'))).toHaveLength(1500);
    expect(entries.find(({ name }) => name === 'file')?.target).toBeNull();
  });

  test('xattrs, of many and when one name makes the call fail for all', async () => {
    const tree = {
      ...many(20, (i) => new FakeOther({ xattrs: { 'user.n': `${i}`, 'user.x': '' } })),
      bad: new FakeOther({ xattrs: { a: 'unreadable' } }),
      plain: '',
    };
    const errors: string[] = [];
    const onError = (_: Error, path: string) => void errors.push(path);
    const entries = await all(new FakeGuest(tree), '/', { xattrs: true, onError });
    const of = (wanted: string) => entries.find(({ name }) => name === wanted)?.xattrs;
    expect([...(of('n7') ?? [])]).toEqual([
      ['user.n', Buffer.from('7')],
      ['user.x', Buffer.of()],
    ]);
    expect(of('plain')).toEqual(new Map());
    expect(of('bad')).toBeNull();
    expect(errors).toEqual(['/bad']);
  });

  test('checksums: small files are read, large ones left to the appliance', async () => {
    const large = Buffer.alloc(2 ** 20 + 1, 'x');
    const g = new FakeGuest({ large, small: 'text', empty: '', folder: {}, link: link('x') });
    const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
    const entries = await all(g, '/', { checksum: 'sha256' });
    expect(Object.fromEntries(entries.map(({ name, checksum }) => [name, checksum]))).toEqual({
      ...{ large: sha256(large), small: sha256('text'), empty: sha256('') },
      ...{ folder: null, link: null },
    });
    expect(g.calls.filter(([method]) => method === 'pread')).toEqual([['pread', '/small']]);
    expect(g.calls.filter(([method]) => method === 'checksum')).toEqual([['checksum', '/large']]);
  });

  test('a file that has grown is not read in part', async () => {
    const grown = new FakeOther({ content: 'longer', stat: { stSize: 2n } });
    const g = new FakeGuest({ grown });
    const [entry] = await all(g, '/', { checksum: 'md5' });
    expect(entry?.checksum).toBe(createHash('md5').update('longer').digest('hex'));
    expect(g.count('checksum')).toBe(1);
  });

  describe('are checked at once', () => {
    const g = new Guestfs();
    afterAll(() => g.close());

    test.each<[object, string]>([
      [{ maxDepth: 0 }, 'ERR_OUT_OF_RANGE'],
      [{ maxDepth: 1.5 }, 'ERR_OUT_OF_RANGE'],
      [{ maxDepth: '1' }, 'ERR_INVALID_ARG_TYPE'],
      [{ checksum: 'sha3' }, 'ERR_INVALID_ARG_VALUE'],
      [{ filter: null }, 'ERR_INVALID_ARG_TYPE'],
      [{ signal: {} }, 'ERR_INVALID_ARG_TYPE'],
      [{ maxdepth: 1 }, 'ERR_INVALID_ARG_VALUE'],
    ])('%o', (options, code) => {
      expect(() => g.walk('/', options)).toThrow(expect.objectContaining({ code }));
    });

    test.each<[unknown, string]>([
      [5, 'ERR_INVALID_ARG_TYPE'],
      ['', 'ERR_INVALID_ARG_VALUE'],
      ['/a\0', 'ERR_INVALID_ARG_VALUE'],
      ['/\ud800', 'ERR_INVALID_ARG_VALUE'],
    ])('and the folder: %j', (dir, code) => {
      expect(() => g.walk(dir as string)).toThrow(expect.objectContaining({ code }));
    });
  });
});

describe('what goes wrong', () => {
  test('what vanishes meanwhile is left out', async () => {
    const gone: FakeFolder = { gone: {}, here: '' };
    const g = new FakeGuest({ d: gone, e: { x: '' }, f: '' });
    g.before = (method, what) => {
      if (method === 'lstatnslist' && what === 3) delete gone.gone;
      if (method === 'readdir' && what === '/e')
        throw new GuestfsError('', { code: 'ENOENT', operation: '' });
    };
    expect(await paths(g)).toEqual(['/d', '/d/here', '/e', '/f']);
  });

  test('between the listing and the question what it is', async () => {
    const tree: FakeFolder = { a: '', b: '' };
    const g = new FakeGuest(tree);
    g.before = (method) => method === 'lstatnslist' && delete tree.a;
    expect(await paths(g)).toEqual(['/b']);
  });

  test('a folder that cannot be read ends the walk, or is told to onError', async () => {
    const broken = () => {
      const g = new FakeGuest({ a: { x: '' }, b: { y: '' } });
      g.before = (method, what) => {
        if (method === 'readdir' && what === '/a') {
          throw new GuestfsError('broken', { code: 'EIO', operation: 'readdir' });
        }
      };
      return g;
    };
    expect(await failureOf(paths(broken()))).toMatchObject({ code: 'EIO' });
    const errors: [string, string][] = [];
    const onError = (error: Error, path: string) => void errors.push([(error as GuestfsError).code, path]);
    expect(await paths(broken(), '/', { onError })).toEqual(['/a', '/b', '/b/y']);
    expect(errors).toEqual([['EIO', '/a']]);
  });

  test('an appliance that is gone ends the walk in any case', async () => {
    const g = new FakeGuest(small);
    g.before = (method) => {
      const details = { code: 'ERR_GUESTFS_TERMINATED', operation: method };
      if (method === 'lstatnslist') throw new GuestfsError('', details);
    };
    expect(await failureOf(paths(g, '/', { onError: () => undefined }))).toMatchObject({
      code: 'ERR_GUESTFS_TERMINATED',
    });
  });

  test('a folder that contains itself', async () => {
    const inside = new FakeOther({ mode: 0o40755, content: { x: '' }, stat: { stIno: 50n } });
    const outside = new FakeOther({ mode: 0o40755, content: { inside }, stat: { stIno: 50n } });
    expect(await failureOf(paths(new FakeGuest({ outside })))).toMatchObject({ code: 'ELOOP' });
    const onError = () => undefined;
    expect(await paths(new FakeGuest({ outside }), '/', { onError })).toEqual([
      '/outside',
      '/outside/inside',
    ]);
  });

  test('leaving the loop leaves nothing running', async () => {
    const g = new FakeGuest(many(100, () => many(100, () => '') as FakeFolder));
    for await (const _ of walkOf(g)) break;
    expect(g.pending).toBe(0);
    const { length } = g.calls;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(g.calls).toHaveLength(length);
  });

  test('an aborted signal ends it before and in the middle', async () => {
    const g = new FakeGuest(small);
    expect(await failureOf(paths(g, '/', { signal: AbortSignal.abort('why') }))).toMatchObject({
      ...{ name: 'AbortError', code: 'ABORT_ERR', operation: 'walk', cause: 'why' },
    });
    expect(g.calls).toEqual([]);
    const stop = new AbortController();
    const aborted = (async () => {
      for await (const _ of walkOf(g, '/', { signal: stop.signal })) stop.abort();
    })();
    expect(await failureOf(aborted)).toMatchObject({ name: 'AbortError', operation: 'walk' });
    expect(g.pending).toBe(0);
  });
});

describe('names', () => {
  test.each([
    ['plain', 'plain'],
    ['\xe9', '\xc3\xa9'],
    ['💀', '\xf0\x9f\x92\x80'],
    ['caf\udce9', 'caf\xe9'],
    ['\udced\udca0\udc80', '\xed\xa0\x80'],
    ['\udcff💀\udcf0', '\xff\xf0\x9f\x92\x80\xf0'],
    ['\udcc3x\udce2\udc82', '\xc3x\xe2\x82'],
  ])('%j', (name, latin1) => {
    const bytes = bytesOf(name);
    expect(bytes.toString('latin1')).toBe(latin1);
    expect(nameOf(bytes)).toBe(name);
  });

  test('that can stand in a folder', () => {
    expect(['', '.', '..', 'a/b', 'a\0b', '...', '-', '\\'].filter(isFileName)).toEqual(['...', '-', '\\']);
  });
});

test('attributes are told apart by their headers', () => {
  const header = (text: string) => ({ attrname: '', attrval: Buffer.from(text) });
  const attribute = { attrname: 'user.a', attrval: Buffer.from('1') };
  expect(attributesOf([header('1\0'), attribute, header(''), header('0\0')])).toEqual([
    new Map([['user.a', Buffer.from('1')]]),
    null,
    new Map(),
  ]);
});
