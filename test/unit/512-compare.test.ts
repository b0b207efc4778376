// Comparing: the order of walks, what counts as a change, and what comes before any appliance.
import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Compared, compare, diff, Guestfs, type WalkEntry } from '../../lib';
import { walk } from '../../lib/bulk/walk';
import { checkWalkOptions, type WalkOptions } from '../../lib/bulk/walk-options';
import { compareTrees } from '../../lib/diff/compare';
import { changesOf, inWalkOrder } from '../../lib/diff/differences';
import { choose } from '../../lib/guests/mount';
import { type FakeFolder, FakeGuest, FakeOther, link } from '../support/fake-guest';
import { failureOf } from '../support/internal';

/** With the method that a handle has. */
class WalkedGuest extends FakeGuest {
  walk(path: string, options: WalkOptions) {
    return walk(this, path, checkWalkOptions('walk', options));
  }
}

async function differences(before: FakeFolder, after: FakeFolder, options: object = {}): Promise<string[]> {
  const found: string[] = [];
  const tree = (root: FakeFolder) => ({
    g: new WalkedGuest({ top: root }) as unknown as Guestfs,
    directory: '/top/',
  });
  for await (const each of compareTrees(tree(before), tree(after), options)) {
    const what = each.change === 'changed' ? Object.keys(each.changes).join() : each.change;
    found.push(`${each.path} ${what}`);
  }
  return found;
}

describe('compare', () => {
  const tree: FakeFolder = { a: { x: 'x', y: { z: 'z' } }, 'a!': 'b', b: link('a'), c: 'same' };

  test('finds nothing where all is the same', async () => {
    expect(await differences(tree, tree, { content: true, xattrs: true })).toEqual([]);
  });

  test('finds what one side lacks, with all that is in it', async () => {
    const { a: _, ...others } = tree;
    const removed = ['/a', '/a/x', '/a/y', '/a/y/z'];
    expect(await differences(tree, others)).toEqual(removed.map((path) => `${path} removed`));
    expect(await differences(others, tree)).toEqual(removed.map((path) => `${path} added`));
    expect(await differences({}, tree)).toHaveLength(7);
    expect(await differences({}, {})).toEqual([]);
  });

  test('names what has changed', async () => {
    const after = { a: 'file', 'a!': 'longer', b: link('c'), c: 'SAME' };
    expect(await differences(tree, after, { content: true })).toEqual([
      ...['/a type,mode', '/a/x removed', '/a/y removed', '/a/y/z removed'],
      ...['/a! size', '/b target', '/c content'],
    ]);
    expect(await differences(tree, after)).not.toContain('/c content');
  });

  test('leaves out what it is told to', async () => {
    const prune = ({ name }: WalkEntry) => name === 'a';
    expect(await differences(tree, { ...tree, a: {} }, { prune })).toEqual([]);
    const filter = ({ name }: WalkEntry) => name !== 'c';
    expect(await differences(tree, { ...tree, c: 'changed' }, { filter })).toEqual([]);
  });

  test('time, owner, attributes, permissions; not of what time a folder is', async () => {
    const one = (details: Partial<FakeOther>) => ({ f: new FakeOther(details) });
    const later = { stat: { stMtimeNsec: 1n } };
    expect(await differences(one({}), one(later))).toEqual(['/f mtimeNs']);
    expect(await differences(one({}), one(later), { mtime: false })).toEqual([]);
    const folder = { mode: 0o40755, content: {} };
    expect(await differences(one(folder), one({ ...folder, ...later }))).toEqual([]);
    expect(await differences(one({}), one({ stat: { stUid: 1n, stGid: 2n } }))).toEqual(['/f uid,gid']);
    expect(await differences(one({}), one({ mode: 0o104644 }))).toEqual(['/f mode']);
    const device = { mode: 0o20600, stat: { stRdev: 1n } };
    expect(await differences(one(device), one({ ...device, stat: { stRdev: 2n } }))).toEqual(['/f rdev']);
    const labelled = one({ xattrs: { 'security.selinux': 'x' } });
    expect(await differences(one({}), labelled, { xattrs: true })).toEqual(['/f xattrs']);
    expect(await differences(one({}), labelled)).toEqual([]);
  });

  test('ends both walks when the loop is left', async () => {
    const guests = [new WalkedGuest({ a: tree, b: tree }), new WalkedGuest({})];
    const [a, b] = guests.map((g) => ({ g: g as unknown as Guestfs, directory: '/' }));
    for await (const _ of compareTrees(a as never, b as never, {})) break;
    expect(guests.map(({ pending }) => pending)).toEqual([0, 0]);
  });
});

test('paths are in the order of a walk', () => {
  const name = fc.string({ minLength: 1, unit: fc.constantFrom(...'ab!~\u{1f480}\udcff') });
  const trees = fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  return fc.assert(
    fc.asyncProperty(trees, async (paths) => {
      const root: FakeFolder = {};
      for (const path of paths) {
        let folder = root;
        for (const part of path) {
          folder[part] ??= {};
          folder = folder[part] as FakeFolder;
        }
      }
      const walked: string[] = [];
      for await (const { path } of new WalkedGuest(root).walk('/', {})) walked.push(path);
      expect([...walked].sort(inWalkOrder)).toEqual(walked);
    }),
    { numRuns: 50 },
  );
});

test('what could not be read is different from what could', () => {
  const entry = { type: 'file', mode: 0, xattrs: null } as unknown as WalkEntry;
  const attributes = new Map<string, Buffer>();
  const comparison = { mtime: false, xattrs: true };
  expect(changesOf(entry, entry, comparison)).toEqual({});
  expect(Object.keys(changesOf(entry, { ...entry, xattrs: attributes }, comparison))).toEqual([
    'xattrs' satisfies keyof Compared,
  ]);
});

describe('what is mounted', () => {
  const [a, b] = ['/dev/sda1', '/dev/sda2'] as const;

  test.each<[string | undefined, string[], string[], object]>([
    [undefined, [a], [a, b], { system: a }],
    [b, [a, b], [], { system: b }],
    [undefined, [], [b], { filesystem: b }],
  ])('root: %s, systems on %j, filesystems on %j', (root, roots, filesystems, choice) => {
    expect(choose('diff', 'disk', root, roots, { filesystems, closed: [] })).toEqual(choice);
  });

  test('is a system, be there encrypted volumes beside it or not', () => {
    expect(choose('diff', 'disk', undefined, [a], { filesystems: [a], closed: [b] })).toEqual({ system: a });
    expect(() =>
      choose('diff', 'disk', undefined, [], {
        filesystems: [a],
        closed: [],
        unseen: ['a member is missing'],
      }),
    ).toThrow(/filesystems on .*; a member is missing/);
  });

  test.each<[string | undefined, string[], string[], RegExp, string[]?]>([
    [undefined, [a, b], [], /disk has operating systems on \/dev\/sda1, \/dev\/sda2: .* option root/],
    ['/dev/sdb', [a], [], /systems on \/dev\/sda1, and none on \/dev\/sdb/],
    [undefined, [], [a, b], /filesystems on \/dev\/sda1, \/dev\/sda2: .* option mountable/],
    [undefined, [], [], /no filesystem that can be mounted$/],
    [undefined, [], [], /no filesystem that can be mounted; .* \/dev\/sda2 .* option keys$/, [b]],
    // The system's own, perhaps, and the other only what it starts from.
    [
      undefined,
      [],
      [a],
      /filesystems on \/dev\/sda1: .* option mountable; .* \/dev\/sda2 .* option keys$/,
      [b],
    ],
    [a, [], [a], /filesystems on \/dev\/sda1/],
  ])(
    'is not clear: root: %s, systems on %j, filesystems on %j',
    (root, roots, filesystems, message, closed = []) => {
      const refusal = { code: 'ERR_GUESTFS_NO_ROOT', message: expect.stringMatching(message) };
      expect(() => choose('diff', 'disk', root, roots, { filesystems, closed })).toThrow(
        expect.objectContaining(refusal),
      );
    },
  );
});

describe('what is refused before anything is launched', () => {
  const g = new Guestfs();
  afterAll(() => g.close());

  test.each<[() => unknown, string]>([
    [() => compare(g, '/', {} as Guestfs, '/'), 'ERR_INVALID_ARG_TYPE'],
    [() => compare(g, '/', g, '/', { contents: true } as object), 'ERR_INVALID_ARG_VALUE'],
    [() => diff('', 'b'), 'ERR_INVALID_ARG_VALUE'],
    [() => diff([], 'b'), 'ERR_INVALID_ARG_VALUE'],
    [() => diff('a', 'b', { root: 5 } as object), 'ERR_INVALID_ARG_TYPE'],
    [() => diff('a', 'b', { keys: 'k' } as object), 'ERR_INVALID_ARG_TYPE'],
    [() => diff('a', 'b', { timeout: -1 }), 'ERR_OUT_OF_RANGE'],
    [() => diff('a', 'b', { template: 'always' } as object), 'ERR_INVALID_ARG_VALUE'],
    [() => diff('a', 'b', { template: 1 } as object), 'ERR_INVALID_ARG_TYPE'],
  ])('%s', (call, code) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });

  test('an image that is missing; an aborted signal', async () => {
    expect(await failureOf(diff('/nonexistent', '/nonexistent').next())).toMatchObject({ code: 'ENOENT' });
    const signal = AbortSignal.abort();
    expect(await failureOf(diff('a', 'b', { signal }).next())).toMatchObject({ operation: 'diff' });
    expect(await failureOf(compare(g, '/', g, '/', { signal }).next())).toMatchObject({
      operation: 'compare',
    });
  });
});
