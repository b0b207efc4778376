// Trees of a real guest: walked, copied both ways and compared.
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type CopyProgress,
  compare,
  type Difference,
  type Guestfs,
  type WalkEntry,
  type WalkOptions,
} from '../../lib';
import { tarEnd, tarHeader, tarPadding } from '../../lib/bulk/tar';
import { setFileTimes } from '../../lib/native/addon';
import { nameOf } from '../../lib/text/bytes';
import { launchedHandle, MiB } from '../support/appliance';
import { eventually } from '../support/eventually';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** An archive of what is given by its path: text for files, `to` for links, null for folders. */
function* archive(
  entries: Iterable<[path: string, content: string | { to: string } | null]>,
): Iterable<Buffer> {
  let gathered: Buffer[] = [];
  for (const [path, content] of entries) {
    const isFile = typeof content === 'string';
    const size = isFile ? content.length : 0;
    const common = {
      name: Buffer.from(path, 'latin1'),
      mode: 0o755,
      uid: 1,
      gid: 2,
      mtimeNs: 1_600_000_000_000_000_000n,
      size,
    };
    if (content === null) gathered.push(tarHeader({ ...common, type: 'directory' }));
    else if (isFile)
      gathered.push(tarHeader({ ...common, type: 'file' }), Buffer.from(content, 'latin1'), tarPadding(size));
    else gathered.push(tarHeader({ ...common, type: 'symlink', target: Buffer.from(content.to) }));
    if (gathered.length < 1000) continue;
    yield Buffer.concat(gathered);
    gathered = [];
  }
  yield Buffer.concat([...gathered, tarEnd]);
}

const long = 'long'.repeat(50);
/** More than libguestfs 1.48 puts into one message. */
const namesInFlat = 26_000;
const flatName = (i: number) => `${i}`.padStart(150, 'n');

function* tree(): Iterable<[string, string | { to: string } | null]> {
  for (const folder of ['strange', 'deep', 'flat', 'links', 'links/inner']) yield [`tree/${folder}`, null];
  for (const name of ['new\nline', 'caf\xe9', ' ', '-rf', '"\'\\*?[', long])
    yield [`tree/strange/${name}`, name];
  for (let i = 1; i <= 100; i++) yield [`tree/deep${'/d'.repeat(i)}`, null];
  yield [`tree/deep${'/d'.repeat(100)}/bottom`, 'bottom'];
  for (let i = 0; i < namesInFlat; i++) yield [`tree/flat/${flatName(i)}`, ''];
  yield ['tree/links/out', { to: '/etc/passwd' }];
  yield ['tree/links/inner/up', { to: '../file' }];
  yield ['tree/links/file', 'linked'];
}

describe('trees of a guest', () => {
  let g: Guestfs;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    g = await launchedHandle(384 * MiB, 64 * MiB);
    await g.mkfs('ext4', '/dev/sda', { blocksize: 4096 });
    await g.mkfs('ext4', '/dev/sdb');
    await g.mount('/dev/sda', '/');
    await g.tarIn(Readable.from(archive(tree())), '/');
    await g.mkdirP('/tree/other/mounted');
    await g.mount('/dev/sdb', '/tree/other/mounted');
    await g.write('/tree/other/mounted/large', Buffer.alloc(2 * MiB, 'large'));
    await g.mknod(0o20600, 1, 3, '/tree/other/null');
    await g.mkfifo(0o600, '/tree/other/fifo');
    await g.write('/tree/other/setuid', 'x');
    await g.chown(1000, 100, '/tree/other/setuid');
    await g.chmod(0o4751, '/tree/other/setuid');
    await g.utimens('/tree/other/setuid', 1_000_000_000, 5, 1_500_000_000, 123_456_789);
    await g.setxattr('user.comment', 'grüße', 6, '/tree/other/setuid');
  });

  afterAll(async () => {
    await g?.kill();
    await g?.close();
  });

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  async function all(path: string, options?: WalkOptions): Promise<Map<string, WalkEntry>> {
    const entries = new Map<string, WalkEntry>();
    for await (const entry of g.walk(path, options)) entries.set(entry.path, entry);
    return entries;
  }

  describe('a walk', () => {
    test('finds what find finds, each once and in order', async () => {
      const found: string[] = [];
      for await (const { path } of g.walk('/tree')) found.push(path.slice('/tree/'.length));
      const inParts = (path: string) => path.split('/');
      const isInOrder = found.every(
        (path, i) => i === 0 || comesBefore(inParts(found[i - 1] as string), inParts(path)),
      );
      expect(isInOrder).toBe(true);
      expect(found.length).toBeGreaterThan(namesInFlat);
      // Their difference would be megabytes.
      expect(found.sort().join('\0') === (await g.find('/tree/')).sort().join('\0')).toBe(true);
    });

    test('tells of everything', async () => {
      const entries = await all('/tree/other', { xattrs: true, checksum: 'sha256' });
      const stat = await g.lstatns('/tree/other/setuid');
      expect(entries.get('/tree/other/setuid')).toMatchObject({
        ...{
          name: 'setuid',
          depth: 1,
          type: 'file',
          mode: 0o104751,
          uid: 1000,
          gid: 100,
          size: 1n,
          nlink: 1,
        },
        ...{ ino: stat.stIno, dev: stat.stDev, blocks: stat.stBlocks, target: null, checksum: sha256('x') },
        ...{ atimeNs: 1_000_000_000_000_000_005n, mtimeNs: 1_500_000_000_123_456_789n },
      });
      expect([...(entries.get('/tree/other/setuid')?.xattrs ?? [])]).toEqual([
        ['user.comment', Buffer.from('grüße').subarray(0, 6)],
      ]);
      expect(entries.get('/tree/other/null')).toMatchObject({ type: 'characterDevice', rdev: 0x103n });
      expect(entries.get('/tree/other/fifo')).toMatchObject({ type: 'fifo', checksum: null });
      expect(entries.get('/tree/other/mounted/large')).toMatchObject({
        ...{ depth: 2, size: BigInt(2 * MiB), checksum: sha256(Buffer.alloc(2 * MiB, 'large')) },
      });
      const links = await all('/tree/links');
      expect([...links.values()].map(({ path, target }) => [path, target])).toEqual([
        ...[
          ['/tree/links/file', null],
          ['/tree/links/inner', null],
          ['/tree/links/inner/up', '../file'],
        ],
        ['/tree/links/out', '/etc/passwd'],
      ]);
    });

    test('stays on its filesystem', async () => {
      const paths = [...(await all('/tree/other', { oneFileSystem: true })).keys()];
      expect(paths).toContain('/tree/other/mounted');
      expect(paths).not.toContain('/tree/other/mounted/large');
    });

    test('goes on while the program makes other calls, and ends with its loop', async () => {
      let seen = 0;
      for await (const { path, type } of g.walk('/tree')) {
        if (type === 'file' && ++seen % 400 === 0) expect((await g.lstatns(path)).stMode).toBe(0o100755n);
        if (seen === 4000) break;
      }
      expect(await g.exists('/tree')).toBe(true);
    });

    test('ends with the error of a folder that is missing, or none, and when its appliance is not there', async () => {
      expect(await failureOf(all('/none'))).toMatchObject({ code: 'ENOENT' });
      expect(await failureOf(all('/tree/links/file'))).toMatchObject({ code: 'ENOTDIR' });
      expect(await failureOf(all('relative'))).toMatchObject({ code: 'ERR_GUESTFS' });
    });

    test('finds nothing where all has vanished meanwhile', async () => {
      await g.mkdirP('/gone/a/b');
      const walk = g.walk('/gone');
      expect((await walk.next()).value).toMatchObject({ path: '/gone/a' });
      await g.rmRf('/gone');
      expect([undefined, '/gone/a/b']).toContain((await walk.next()).value?.path);
      await walk.return();
    });
  });

  describe('copies out', () => {
    test('strange names, a deep tree, links that stay inside; nothing else', async () => {
      const skipped: string[] = [];
      const seen: CopyProgress[] = [];
      await g.copyOut('/tree', folder.path, {
        filter: ({ name }) => name !== 'flat',
        onSkip: ({ path, type }) => void skipped.push(`${type} ${path}`),
        onProgress: (event) => void seen.push(event),
      });
      const copy = (path: string) => folder.file(`tree/${path}`);
      const names = readdirSync(copy('strange'), { encoding: 'buffer' }).map(nameOf).sort();
      expect(names).toEqual(['new\nline', 'caf\udce9', ' ', '-rf', '"\'\\*?[', long].sort());
      expect(readFileSync(copy('strange/new\nline'), 'utf8')).toBe('new\nline');
      expect(readFileSync(copy(`deep${'/d'.repeat(100)}/bottom`), 'utf8')).toBe('bottom');
      expect(readlinkSync(copy('links/inner/up'))).toBe('../file');
      expect(readFileSync(copy('other/mounted/large')).equals(Buffer.alloc(2 * MiB, 'large'))).toBe(true);
      expect(lstatSync(copy('other/setuid')).mode).toBe(0o100751);
      const { stMtimeSec } = await g.lstatns('/tree/strange');
      expect(Math.floor(lstatSync(copy('strange')).mtimeMs / 1000)).toBe(Number(stMtimeSec));
      expect(lstatSync(copy('strange/ ')).mtimeMs).toBe(1_600_000_000_000);
      expect(skipped.sort()).toEqual([
        ...['characterDevice /tree/other/null', 'fifo /tree/other/fifo', 'symlink /tree/links/out'],
      ]);
      expect(readdirSync(folder.path)).toEqual(['tree']);
      const { bytes, totalBytes, files, totalFiles, ratio } = seen.at(-1) as CopyProgress;
      expect([bytes, files, ratio]).toEqual([totalBytes, totalFiles, 1]);
      expect(totalBytes).toBeGreaterThan(BigInt(2 * MiB));
    });

    test('one file, which goes when the copy is aborted', async () => {
      await g.write('/huge', '');
      await g.truncateSize('/huge', 2 ** 30);
      const stop = new AbortController();
      const copy = g.copyOut('/huge', folder.path, {
        signal: stop.signal,
      });
      await eventually(() => statSync(folder.file('huge'), { throwIfNoEntry: false }) !== undefined);
      stop.abort();
      expect(await failureOf(copy)).toMatchObject({ name: 'AbortError', operation: 'copyOut' });
      expect(readdirSync(folder.path)).toEqual([]);
      expect(await g.exists('/huge')).toBe(true);
      await g.rm('/huge');
    });
  });

  describe('copies in', () => {
    test('what was copied out, as it was; and compares both', async () => {
      await g.copyOut('/tree/strange', folder.path);
      await g.copyOut('/tree/links', folder.path);
      writeFileSync(folder.file('strange/large'), Buffer.alloc(3 * MiB, 'x'));
      const seen: CopyProgress[] = [];
      await g.mkdir('/in');
      await g.lnS('/in', '/to');
      await g.copyIn(folder.file('strange'), '/to', {
        owner: { uid: 1, gid: 2 },
        onProgress: (event) => void seen.push(event),
      });
      expect(seen.at(-1)).toMatchObject({ operation: 'copyIn', ratio: 1, files: 7, totalFiles: 7 });
      expect(await g.checksum('sha256', '/in/strange/large')).toBe(sha256(Buffer.alloc(3 * MiB, 'x')));
      const differences = await allOf(compare(g, '/tree/strange', g, '/in/strange', { content: true }));
      expect(differences.map(({ path, change }) => [path, change])).toEqual([['/large', 'added']]);
      await g.copyIn(`${folder.file('links')}/.`, '/in');
      expect(await g.readlink('/in/inner/up')).toBe('../file');
      await g.rmRf('/in');
    });

    test('times to the nanosecond, which come back as they were', async () => {
      const times: [name: string, ns: bigint][] = [
        ['exact/file', 1_769_860_800_123_456_789n],
        ['exact/before', -1_500_000_001n],
        ['exact/late', 9_000_000_000_000_000_001n],
        ['exact/link', 999_999_999n],
        ['exact', 1_000_000_000_000_000_001n],
      ];
      mkdirSync(folder.file('exact'));
      symlinkSync('file', folder.file('exact/link'));
      for (const [name, ns] of times) {
        const path = folder.file(name);
        if (!lstatSync(path, { throwIfNoEntry: false })) writeFileSync(path, '');
        expect(await setFileTimes(Buffer.from(path), 0n, ns)).toBe(true);
      }
      await g.copyIn(folder.file('exact'), '/');
      const inGuest = async (name: string) => {
        const { stMtimeSec, stMtimeNsec } = await g.lstatns(`/${name}`);
        return stMtimeSec * 1_000_000_000n + stMtimeNsec;
      };
      for (const [name, ns] of times) expect([name, await inGuest(name)]).toEqual([name, ns]);
      mkdirSync(folder.file('back'));
      await g.copyOut('/exact', folder.file('back'));
      const back = ([name]: [string, bigint]) =>
        lstatSync(folder.file(`back/${name}`), { bigint: true }).mtimeNs;
      expect(times.map(back)).toEqual(times.map(([, ns]) => ns));
      await g.rmRf('/exact');
    });

    test('whole files only, when it is aborted', async () => {
      mkdirSync(folder.file('many'));
      writeFileSync(folder.file('many/a'), Buffer.alloc(MiB, 'a'));
      writeFileSync(folder.file('many/huge'), '');
      truncateSync(folder.file('many/huge'), 300 * MiB);
      writeFileSync(folder.file('many/z'), 'new');
      await g.mkdir('/many');
      await g.write('/many/z', 'old');
      const stop = new AbortController();
      const copy = g.copyIn(folder.file('many'), '/', {
        signal: stop.signal,
        onProgress: ({ path, bytes }) => path.endsWith('huge') && bytes > 4n * BigInt(MiB) && stop.abort(),
      });
      expect(await failureOf(copy)).toMatchObject({ name: 'AbortError', operation: 'copyIn' });
      expect(await g.ls('/many')).toEqual(['a', 'z']);
      expect(await g.checksum('sha256', '/many/a')).toBe(sha256(Buffer.alloc(MiB, 'a')));
      expect(await g.cat('/many/z')).toBe('old');
      await g.rmRf('/many');
    });

    test('a tree that it cannot take fails, and leaves the handle usable', async () => {
      mkdirSync(folder.file('more'));
      writeFileSync(folder.file('more/file'), Buffer.alloc(80 * MiB));
      expect(await failureOf(g.copyIn(folder.file('more'), '/tree/other/mounted'))).toMatchObject({
        name: 'GuestfsError',
      });
      expect(await g.ls('/tree/other/mounted/more')).toEqual([]);
      await g.rmRf('/tree/other/mounted/more');
      expect(await failureOf(g.copyIn(folder.file('more'), '/tree/links/file'))).toMatchObject({
        code: 'ENOTDIR',
      });
    });
  });

  test('compare says what has changed, and how', async () => {
    await g.mkdir('/cmp');
    await g.mkdir('/cmp/a');
    await g.copyIn(sample(folder), '/cmp/a');
    await g.cpA('/cmp/a', '/cmp/b');
    expect(await allOf(compare(g, '/cmp/a', g, '/cmp/b', { content: true, xattrs: true }))).toEqual([]);
    const in_b = (path: string) => `/cmp/b/sample/${path}`;
    await g.write(in_b('same-size'), 'SAME');
    await g.utimens(in_b('same-size'), 1, 0, 1, 0);
    await g.utimens('/cmp/a/sample/same-size', 1, 0, 1, 0);
    await g.write(in_b('grown'), 'longer');
    await g.chmod(0o600, in_b('mode'));
    await g.rm(in_b('file'));
    await g.mkdir(in_b('file'));
    await g.lnSf('elsewhere', in_b('link'));
    await g.rmRf(in_b('folder'));
    await g.setxattr('user.x', '1', 1, in_b('mode'));
    const options = { content: true, xattrs: true, mtime: false } as const;
    const found = await allOf(compare(g, '/cmp/a', g, '/cmp/b', options));
    const described = found.map((each) => [
      each.path.replace('/sample/', ''),
      each.change === 'changed' ? Object.keys(each.changes).sort() : each.change,
    ]);
    expect(described).toEqual([
      ['file', ['mode', 'type']],
      ['folder', 'removed'],
      ['folder/inside', 'removed'],
      ['grown', ['size']],
      ['link', ['target']],
      ['mode', ['mode', 'xattrs']],
      ['same-size', ['content']],
    ]);
    const [sameSize] = found.slice(-1) as [Difference & { change: 'changed' }];
    expect(sameSize.changes.content).toEqual({ before: sha256('same'), after: sha256('SAME') });
    const unseen = await allOf(compare(g, '/cmp/a', g, '/cmp/b', { mtime: false }));
    expect(unseen.map(({ path }) => path)).not.toContain('/sample/same-size');
    const leaving = compare(g, '/cmp/a', g, '/cmp/b');
    for await (const _ of leaving) break;
    expect(await g.exists('/cmp')).toBe(true);
  });
});

function sample(folder: TemporaryFolder): string {
  const path = folder.file('sample');
  mkdirSync(join(path, 'folder'), { recursive: true });
  const files = { 'same-size': 'same', grown: 'x', mode: '', file: '', 'folder/inside': '' };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  symlinkSync('target', join(path, 'link'));
  return path;
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A folder before what is in it, and names by their characters. */
function comesBefore([a, ...restA]: string[], [b, ...restB]: string[]): boolean {
  if (a === undefined || b === undefined) return a === undefined && b !== undefined;
  return a === b ? comesBefore(restA, restB) : a < b;
}
