// Copying out of a guest that is an object and means harm, and the archives by which trees are copied in.
import { execFileSync, spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import {
  type BigIntStats,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  type CopyInOptions,
  type CopyOutOptions,
  type CopyProgress,
  Guestfs,
  GuestfsError,
  type SkippedEntry,
} from '../../lib';
import { copyIn } from '../../lib/bulk/copy-in';
import { checkCopyInOptions, checkCopyOutOptions } from '../../lib/bulk/copy-options';
import { copyOut, staysInside } from '../../lib/bulk/copy-out';
import { HostFolder } from '../../lib/bulk/host-folder';
import { tarEnd, tarHeader } from '../../lib/bulk/tar';
import type { Statns } from '../../lib/generated/structs';
import { setFileTimes } from '../../lib/native/addon';
import type { CallOptions } from '../../lib/options/types';
import { type FakeFolder, FakeGuest, FakeOther, link } from '../support/fake-guest';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

let folder: TemporaryFolder;
/** Where copies go, and beside it what must stay as it is. */
let target: string;
let outside: string;

beforeEach(() => {
  folder = temporaryFolder();
  target = folder.file('target');
  outside = folder.file('outside');
  mkdirSync(target);
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'untouched');
});

afterEach(() => {
  expect(readdirSync(outside)).toEqual(['file']);
  expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('untouched');
  expect(readdirSync(folder.path).sort()).toEqual(['outside', 'target']);
  folder[Symbol.dispose]();
});

const inTarget = (path: string) => join(target, path);
const content = (path: string) => readFileSync(inTarget(path), 'utf8');

function copy(root: FakeFolder, path = '/', options: CopyOutOptions = {}): Promise<void> {
  return copyOut(new FakeGuest(root), path, target, checkCopyOutOptions(options));
}

/** What libguestfs says of a file of this machine. */
function statnsOf(stats: BigIntStats | undefined): Statns {
  if (!stats) return { stIno: -1n } as Statns;
  const { ino, mode, size, uid, gid, nlink, blocks, dev, rdev, mtimeNs } = stats;
  return {
    ...{ stIno: ino, stMode: mode, stSize: size, stUid: uid, stGid: gid, stNlink: nlink, stBlocks: blocks },
    ...{ stDev: dev, stRdev: rdev, stMtimeSec: mtimeNs / 10n ** 9n, stMtimeNsec: mtimeNs % 10n ** 9n },
    ...{ stAtimeSec: 0n, stAtimeNsec: 0n, stCtimeSec: 0n, stCtimeNsec: 0n },
  } as Statns;
}

/** Calls `action` before a piece of the file of the host is read, and with what it returns instead of that. */
function whenRead(name: string, piece: number, action: () => unknown): void {
  const { open } = promises;
  jest.spyOn(promises, 'open').mockImplementation(async (path, ...args) => {
    const file = await open(path, ...args);
    if (!String(path).endsWith(`/${name}`)) return file;
    const read = file.read.bind(file) as (...args: unknown[]) => unknown;
    let count = 0;
    file.read = ((...args: unknown[]) =>
      (++count === piece && action()) || read(...args)) as typeof file.read;
    return file;
  });
}

const times = { atimeNs: 1_600_000_000_500_000_000n, mtimeNs: 1_700_000_000_250_000_000n };
const stat = { stAtimeSec: 1_600_000_000n, stMtimeSec: 1_700_000_000n, stMtimeNsec: 250_000_000n };

describe('copyOut', () => {
  const tree: FakeFolder = {
    etc: { passwd: 'root', sub: { 'new\nline': 'x', empty: '' } },
    large: Buffer.alloc(3 * 2 ** 20, 'large'),
  };

  test('copies a tree under its own name, and that of / without one', async () => {
    await copy(tree, '/etc');
    expect(content('etc/passwd')).toBe('root');
    expect(content('etc/sub/new\nline')).toBe('x');
    expect(content('etc/sub/empty')).toBe('');
    await copy(tree, '/');
    expect(content('etc/passwd')).toBe('root');
    expect(statSync(inTarget('large')).size).toBe(3 * 2 ** 20);
  });

  test('copies one file, small or large', async () => {
    await copy(tree, '/etc/passwd');
    await copy(tree, '//large');
    expect(readdirSync(target)).toEqual(['large', 'passwd']);
  });

  test('never takes .. for a name', async () => {
    await copy(tree, '/etc/sub/..');
    await copy(tree, '/etc/sub/../sub/.');
    expect(readdirSync(target)).toEqual(['etc', 'sub']);
  });

  test('keeps permissions and times, and drops setuid bits unless asked for', async () => {
    const root = () => ({
      d: new FakeOther({ mode: 0o42555, stat, content: { s: new FakeOther({ mode: 0o106711, stat }) } }),
    });
    await copy(root());
    expect(statSync(inTarget('d/s')).mode).toBe(0o100711);
    expect(statSync(inTarget('d')).mode).toBe(0o40555);
    await copy(root(), '/d/s', { setuid: true });
    expect(statSync(inTarget('s')).mode).toBe(0o106711);
  });

  test.each([
    [1_700_000_000n, 123_456_789n],
    [-2n, 999_999_999n],
    [2n ** 33n, 1n],
  ])('keeps times to the nanosecond: %i s and %i ns', async (stMtimeSec, stMtimeNsec) => {
    const exact = { stAtimeSec: 1_600_000_000n, stAtimeNsec: 7n, stMtimeSec, stMtimeNsec };
    const file = new FakeOther({ content: 'x', stat: exact });
    const to = new FakeOther({ mode: 0o120777, target: 'file', stat: exact });
    await copy({ d: new FakeOther({ mode: 0o40755, stat: exact, content: { file, to } }) });
    const found = ['d', 'd/file', 'd/to'].map((path) => lstatSync(inTarget(path), { bigint: true }));
    const mtimeNs = stMtimeSec * 1_000_000_000n + stMtimeNsec;
    expect(found.map((each) => each.mtimeNs)).toEqual([mtimeNs, mtimeNs, mtimeNs]);
    expect(found[1]?.atimeNs).toBe(1_600_000_000_000_000_007n);
  });

  test('names that are no UTF-8', async () => {
    await copy({ 'caf\udce9': { '💀\udcff': 'x' } });
    const names = readdirSync(Buffer.from(`${target}/caf\xe9`, 'latin1'), { encoding: 'buffer' });
    expect(names.map((name) => name.toString('latin1'))).toEqual(['\xf0\x9f\x92\x80\xff']);
  });

  test('overwrites what is there, or not', async () => {
    writeFileSync(inTarget('passwd'), 'old');
    expect(await failureOf(copy(tree, '/etc/passwd', { overwrite: false }))).toMatchObject({
      ...{ name: 'GuestfsError', code: 'EEXIST', operation: 'copyOut' },
    });
    expect(content('passwd')).toBe('old');
    await copy(tree, '/etc/passwd');
    expect(content('passwd')).toBe('root');
    mkdirSync(inTarget('large'));
    expect(await failureOf(copy(tree, '/large'))).toMatchObject({ code: 'EISDIR' });
  });

  test('filter leaves out folders with all that is in them', async () => {
    await copy(tree, '/', { filter: ({ name }) => name !== 'sub' && name !== 'large' });
    expect(readdirSync(target)).toEqual(['etc']);
    expect(readdirSync(inTarget('etc'))).toEqual(['passwd']);
  });

  test('needs a folder on the host, and a file or folder in the guest', async () => {
    const g = new FakeGuest({ pipe: new FakeOther({ mode: 0o10644 }) });
    const options = checkCopyOutOptions({});
    expect(await failureOf(copyOut(g, '/', join(outside, 'file'), options))).toMatchObject({
      code: 'ENOTDIR',
    });
    expect(await failureOf(copyOut(g, '/', inTarget('none'), options))).toMatchObject({
      ...{ name: 'GuestfsError', code: 'ENOENT', errno: 2, operation: 'copyOut' },
      message: `copyOut: ${inTarget('none')} does not exist: make that folder first`,
    });
    expect(await failureOf(copyOut(g, '/none', target, options))).toMatchObject({ code: 'ENOENT' });
    expect(await failureOf(copyOut(g, '/pipe', target, options))).toMatchObject({ code: 'EINVAL' });
  });

  describe('links', () => {
    const links: FakeFolder = {
      ...{
        absolute: link('/etc/passwd'),
        up: link('..'),
        deep: { out: link('../../x'), in: link('../file') },
      },
      ...{ sideways: link('deep/../..'), beside: link('./file'), file: 'x', top: link('.') },
    };
    const kept = () => {
      const found = execFileSync('find', [target, '-type', 'l', '-printf', '%P\\n'], { encoding: 'utf8' });
      return found.split('\n').filter(Boolean).sort();
    };

    test('that stay inside, and nothing of the others', async () => {
      const skipped: SkippedEntry[] = [];
      await copy(links, '/', { onSkip: (entry) => void skipped.push(entry) });
      expect(kept()).toEqual(['beside', 'deep/in', 'top']);
      expect(skipped.map(({ path, reason, type }) => `${type} ${path} ${reason}`).sort()).toEqual([
        ...['symlink /absolute link', 'symlink /deep/out link', 'symlink /sideways link', 'symlink /up link'],
      ]);
    });

    test('all, or none', async () => {
      await copy(links, '/', { links: 'skip' });
      expect(kept()).toEqual([]);
      await copy(links, '/', { links: 'keep' });
      expect(kept()).toHaveLength(7);
      expect(readlinkSync(inTarget('absolute'))).toBe('/etc/passwd');
    });

    test.each<[string, number, boolean]>([
      ['a', 0, true],
      ['a/b', 0, true],
      ['.', 0, true],
      ['..', 0, false],
      ['..', 1, true],
      ['../..', 1, false],
      ['./.././/x', 1, true],
      ['a/..', 1, false],
      ['../a/../..', 3, false],
      ['/a', 5, false],
      ['//a', 5, false],
      ['...', 0, true],
    ])('%s, %i folders deep: %j', (to, depth, stays) => {
      expect(staysInside(to, depth)).toBe(stays);
    });
  });

  describe('a guest that means harm', () => {
    test('has a link where an image before had a folder, and the reverse', async () => {
      symlinkSync(outside, inTarget('d'));
      symlinkSync(join(outside, 'file'), inTarget('f'));
      await copy({ d: { file: 'evil', other: 'evil' }, f: 'evil' });
      expect(lstatSync(inTarget('d')).isDirectory()).toBe(true);
      expect(content('f')).toBe('evil');
      await copy({ d: link(outside) }, '/', { links: 'keep' }).catch((error: GuestfsError) => {
        expect(error.code).toBe('EISDIR');
      });
      expect(lstatSync(inTarget('d')).isDirectory()).toBe(true);
    });

    test('and without overwriting', async () => {
      symlinkSync(outside, inTarget('d'));
      expect(await failureOf(copy({ d: { file: 'evil' } }, '/', { overwrite: false }))).toMatchObject({
        code: 'EEXIST',
      });
    });

    test('names a link and a folder alike, as a broken filesystem can', async () => {
      const host = HostFolder.at(target, true);
      await host.link('d', outside, times);
      const inside = await host.folder('d', 0o755, times);
      await inside.file('file', 0o644, times, (file) => file.writeFile('evil'));
      expect(content('d/file')).toBe('evil');
      await inside.link('link', outside, times);
      await inside.file('link', 0o644, times, (file) => file.writeFile('x'));
      expect(lstatSync(inTarget('d/link')).isFile()).toBe(true);
    });

    test.each(['..', '.', '', 'a/b', '../x', 'a\0b'])('has a file that is named %j', async (name) => {
      const host = HostFolder.at(target, true);
      const refused = [
        host.file(name, 0o644, times, async () => undefined),
        host.folder(name, 0o755, times),
        host.link(name, 'x', times),
      ];
      for (const each of refused) expect(await failureOf(each)).toMatchObject({ code: 'EINVAL' });
      expect(readdirSync(target)).toEqual([]);
    });

    test('has devices, fifos and sockets', async () => {
      const types = [0o60600, 0o20600, 0o10600, 0o140600].map((mode) => new FakeOther({ mode }));
      const skipped: string[] = [];
      await copy(Object.fromEntries(types.map((type, i) => [`special${i}`, type])), '/', {
        onSkip: ({ type, reason }) => void skipped.push(`${type} ${reason}`),
      });
      expect(skipped).toEqual(
        ['blockDevice', 'characterDevice', 'fifo', 'socket'].map((type) => `${type} special`),
      );
      expect(readdirSync(target)).toEqual([]);
    });

    test('has files that are larger than all that is free', async () => {
      const huge = new FakeOther({ content: 'x', stat: { stSize: 2n ** 63n - 1n } });
      expect(await failureOf(copy({ huge }))).toMatchObject({ code: 'ENOSPC', operation: 'copyOut' });
      expect(existsSync(inTarget('huge'))).toBe(false);
      const errors: string[] = [];
      await copy({ huge, small: 'x' }, '/', { onError: (_, path) => void errors.push(path) });
      expect(errors).toEqual(['/huge']);
      expect(readdirSync(target)).toEqual(['small']);
      const { signal } = new AbortController();
      const limited = copy({ huge, other: huge }, '/', { maxBytes: 2n ** 63n, signal });
      expect(await failureOf(limited)).toMatchObject({ code: 'EFBIG' });
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });
  });

  test('progress is told by bytes, from the beginning to the end', async () => {
    const seen: CopyProgress[] = [];
    await copy(tree, '/', { onProgress: (event) => void seen.push(event) });
    const total = 3n * 2n ** 20n + 5n;
    expect(seen.at(-1)).toMatchObject({
      ...{ operation: 'copyOut', position: total, total, bytes: total, totalBytes: total, ratio: 1 },
      ...{ files: 4, totalFiles: 4, pulse: false },
    });
    for (const { position } of seen) expect(position).toBeLessThanOrEqual(total);
  });

  test('a failure ends everything, removes the file and comes before what it causes', async () => {
    const g = new FakeGuest({
      ...Object.fromEntries([...'abcdefghij'].map((name) => [name, name])),
      z: tree,
    });
    g.before = (method, what) => {
      if (method === 'pread' && what === '/c')
        throw new GuestfsError('', { code: 'EIO', operation: 'pread' });
    };
    expect(await failureOf(copyOut(g, '/', target, checkCopyOutOptions({})))).toMatchObject({ code: 'EIO' });
    expect(g.pending).toBe(0);
    expect(existsSync(inTarget('c'))).toBe(false);
  });

  test('what vanishes is skipped', async () => {
    const g = new FakeGuest({ gone: 'x', here: 'y' });
    g.before = (method, what) => {
      const details = { code: 'ENOENT', operation: method };
      if (method === 'pread' && what === '/gone') throw new GuestfsError('', details);
    };
    const skipped: string[] = [];
    const onSkip = ({ path, reason }: SkippedEntry) => void skipped.push(`${path} ${reason}`);
    await copyOut(g, '/', target, checkCopyOutOptions({ onSkip }));
    expect(skipped).toEqual(['/gone vanished']);
    expect(readdirSync(target)).toEqual(['here']);
  });

  test('an aborted signal ends it', async () => {
    const stop = new AbortController();
    const g = new FakeGuest(tree);
    g.before = (method) => method === 'pread' && stop.abort('why');
    const options = checkCopyOutOptions({ signal: stop.signal });
    expect(await failureOf(copyOut(g, '/', target, options))).toMatchObject({
      ...{ name: 'AbortError', operation: 'copyOut', cause: 'why' },
    });
    expect(g.pending).toBe(0);
  });
});

describe('copyIn', () => {
  /** Unpacks as the appliance would: with tar, and while the archive is being made. */
  const guest = {
    isDir: async () => true,
    realpath: async () => target,
    tarIn: async (source: unknown, _: string, { signal }: CallOptions = {}) => {
      const tar = spawn('tar', ['-xpf', '-', '-C', target], { stdio: ['pipe', 'ignore', 'ignore'] });
      const exit = once(tar, 'exit');
      await pipeline(Readable.from(source as AsyncIterable<Buffer>), tar.stdin, { signal });
      const [code] = await exit;
      if (code !== 0) throw new GuestfsError('tar has failed', { code: 'ERR_GUESTFS', operation: 'tarIn' });
    },
    lstatnslist: async (path: string, names: readonly string[]) =>
      names.map((name) => statnsOf(lstatSync(join(path, name), { bigint: true, throwIfNoEntry: false }))),
    rm: async (path: string) => unlinkSync(path),
  };

  const intoTarget = (path: string, options: CopyInOptions = {}) =>
    copyIn(guest, path, '/', checkCopyInOptions(options));

  let host: TemporaryFolder;

  beforeEach(() => {
    host = temporaryFolder();
    const tree = host.file('tree');
    const long = 'n'.repeat(200);
    mkdirSync(join(tree, long, long), { recursive: true });
    writeFileSync(join(tree, long, long, 'file'), 'deep');
    symlinkSync(`/${long}`, join(tree, 'link'));
    symlinkSync('/nonexistent', join(tree, 'dangling'));
    writeFileSync(join(tree, 'script'), 'x'.repeat(600_000), { mode: 0o755 });
    writeFileSync(Buffer.from(`${tree}/caf\xe9`, 'latin1'), '');
    execFileSync('touch', ['-d', '1960-01-02T03:04:05Z', join(tree, 'script')]);
    execFileSync('mkfifo', [join(tree, 'fifo')]);
  });

  afterEach(() => host[Symbol.dispose]());

  test('what tar unpacks is what is there', async () => {
    const skipped: string[] = [];
    await intoTarget(host.file('tree'), { onSkip: ({ path, type }) => void skipped.push(`${type} ${path}`) });
    expect(skipped).toEqual([`fifo ${host.file('tree')}/fifo`]);
    execFileSync('diff', ['-r', '--no-dereference', '-x', 'fifo', host.file('tree'), inTarget('tree')]);
    expect(statSync(inTarget('tree/script')).mode).toBe(0o100755);
    expect(statSync(inTarget('tree/script')).mtimeMs).toBe(Date.parse('1960-01-02T03:04:05Z'));
  });

  test('times are exact, before 1970 and after 2106 too', async () => {
    const times: [name: string, ns: bigint][] = [
      ['file', 1_769_860_800_123_456_789n],
      ['before', -1_500_000_001n],
      ['late', 9_000_000_000_000_000_001n],
      ['whole', -86_400_000_000_000n],
      ['folder', 5n],
      ['folder/link', 999_999_999n],
    ];
    const tree = host.file('times');
    mkdirSync(join(tree, 'folder'), { recursive: true });
    symlinkSync('x', join(tree, 'folder/link'));
    for (const [name, ns] of [...times].reverse()) {
      const path = Buffer.from(join(tree, name));
      if (!lstatSync(path, { throwIfNoEntry: false })) writeFileSync(path, '');
      expect(await setFileTimes(path, 0n, ns)).toBe(true);
    }
    await intoTarget(tree);
    const copied = (name: string) => lstatSync(inTarget(`times/${name}`), { bigint: true }).mtimeNs;
    expect(times.map(([name]) => [name, copied(name)])).toEqual(times);
  });

  describe('that ends before all is copied leaves whole files only', () => {
    let tree: string;
    const large = 8 << 20;

    beforeEach(() => {
      tree = host.file('many');
      mkdirSync(join(tree, 'c'), { recursive: true });
      mkdirSync(inTarget('many'));
      for (const name of ['a', 'b', 'c/large', 'd']) {
        const size = name.endsWith('large') ? large : 600_000;
        writeFileSync(join(tree, name), Buffer.alloc(size, name));
      }
      writeFileSync(inTarget('many/d'), 'old');
    });

    afterEach(() => void jest.restoreAllMocks());

    const left = () => readdirSync(inTarget('many'), { recursive: true }).sort();

    test('aborted in a large file: it is removed, and what comes later is not touched', async () => {
      const stop = new AbortController();
      whenRead('large', 4, () => stop.abort('why'));
      expect(await failureOf(intoTarget(tree, { signal: stop.signal }))).toMatchObject({
        name: 'AbortError',
        operation: 'copyIn',
        cause: 'why',
      });
      expect(left()).toEqual(['a', 'b', 'c', 'd']);
      expect(content('many/b')).toHaveLength(600_000);
      expect(content('many/d')).toBe('old');
      expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    });

    test('aborted in a small file: it is copied to its end', async () => {
      const stop = new AbortController();
      whenRead('a', 2, () => stop.abort());
      expect(await failureOf(intoTarget(tree, { signal: stop.signal }))).toMatchObject({
        code: 'ABORT_ERR',
      });
      expect(left()).toEqual(['a', 'd']);
      expect(content('many/a')).toHaveLength(600_000);
    });

    test('a file that becomes shorter', async () => {
      whenRead('large', 3, () => truncateSync(join(tree, 'c/large'), 1000));
      expect(await failureOf(intoTarget(tree))).toMatchObject({
        ...{ code: 'EIO', operation: 'copyIn', message: expect.stringContaining('has become shorter') },
      });
      expect(left()).toEqual(['a', 'b', 'c', 'd']);
      expect(content('many/d')).toBe('old');
    });

    test('a program that fails in its filter', async () => {
      const filter = (path: string) => {
        if (path.endsWith('c')) throw new Error('mine');
        return true;
      };
      expect(await failureOf(intoTarget(tree, { filter }))).toMatchObject({ message: 'mine' });
      expect(left()).toEqual(['a', 'b', 'd']);
    });

    test('storage of the host that does not answer any more', async () => {
      const stop = new AbortController();
      let answer: (read: object) => void = () => undefined;
      whenRead('large', 3, () => {
        stop.abort();
        return new Promise((resolve) => {
          answer = resolve;
        });
      });
      expect(await failureOf(intoTarget(tree, { signal: stop.signal }))).toMatchObject({ code: 'ABORT_ERR' });
      expect(left()).toEqual(['a', 'b', 'c', 'd']);
      answer({ bytesRead: 0 }); // or its file would stay open
    });

    test('a guest that is full: what tar has written in part is removed', async () => {
      const full = {
        ...guest,
        tarIn: async (...args: Parameters<typeof guest.tarIn>) => {
          await guest.tarIn(...args);
          for (const name of ['b', 'c/large']) {
            const { mtimeNs } = statSync(join(tree, name), { bigint: true });
            truncateSync(inTarget(`many/${name}`), 4096);
            await setFileTimes(Buffer.from(inTarget(`many/${name}`)), 0n, mtimeNs + 1_000_000_000n);
          }
          truncateSync(inTarget('many/a'), 5); // another program's doing
          await setFileTimes(Buffer.from(inTarget('many/a')), 0n, 0n);
          throw new GuestfsError('full', { code: 'ENOSPC', operation: 'tarIn' });
        },
      };
      const copy = copyIn(full, tree, '/', checkCopyInOptions({}));
      expect(await failureOf(copy)).toMatchObject({ code: 'ENOSPC' });
      expect(left()).toEqual(['a', 'c', 'd']);
    });

    test('a guest that takes nothing: what was in it stays', async () => {
      await intoTarget(tree);
      const { mtimeNs } = statSync(join(tree, 'b'), { bigint: true });
      truncateSync(inTarget('many/b'), 4096);
      await setFileTimes(Buffer.from(inTarget('many/b')), 0n, mtimeNs);
      const before = left();
      const closed = {
        ...guest,
        tarIn: () => Promise.reject(new GuestfsError('pipe', { code: 'EMFILE', operation: 'tarIn' })),
      };
      const copy = copyIn(closed, tree, '/', checkCopyInOptions({}));
      expect(await failureOf(copy)).toMatchObject({ code: 'EMFILE' });
      expect(left()).toEqual(before);
    });
  });

  test('. is what is in it', async () => {
    await intoTarget(`${host.file('tree')}/.`);
    expect(statSync(inTarget('script')).size).toBe(600_000);
  });

  test('one file; filter; progress', async () => {
    await intoTarget(`${host.file('tree')}/script`);
    expect(readdirSync(target)).toEqual(['script']);
    const seen: CopyProgress[] = [];
    await intoTarget(host.file('tree'), {
      filter: (path) => path.endsWith('script'),
      onProgress: (event) => void seen.push(event),
    });
    expect(readdirSync(inTarget('tree'))).toEqual(['script']);
    expect(seen.at(-1)).toMatchObject({ operation: 'copyIn', bytes: 600_000n, total: 600_000n, files: 1 });
  });

  test('a link is followed that is named itself', async () => {
    const link = host.file('link');
    for (const to of ['tree/script', 'tree']) {
      symlinkSync(to, link);
      await intoTarget(link);
      expect(statSync(inTarget(to === 'tree' ? 'link/script' : 'link')).size).toBe(600_000);
      rmSync(link);
      rmSync(inTarget('link'), { recursive: true });
    }
  });

  test('what cannot be copied is refused where it is all there is to copy', async () => {
    expect(await failureOf(intoTarget(host.file('tree/fifo')))).toMatchObject({
      ...{ name: 'GuestfsError', code: 'EINVAL', operation: 'copyIn' },
    });
  });

  test('what is missing on the host', async () => {
    expect(await failureOf(intoTarget(host.file('none')))).toMatchObject({
      ...{ name: 'GuestfsError', code: 'ENOENT', operation: 'copyIn' },
    });
  });
});

test('tar reads numbers that octal digits cannot hold', () => {
  const entry = { name: Buffer.from('f'), type: 'directory', mode: 0o755, size: 0 } as const;
  const archive = Buffer.concat([
    tarHeader({ ...entry, uid: 2 ** 32 - 2, gid: 2_097_152, mtimeNs: 2n ** 34n * 1_000_000_000n }),
    tarHeader({ ...entry, uid: 1, gid: 2, mtimeNs: -86_400_000_000_000n }),
    tarEnd,
  ]);
  const options = { input: archive, encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } } as const;
  const listing = execFileSync('tar', ['-tv', '--numeric-owner', '--full-time'], options).trim().split('\n');
  expect(listing).toEqual([
    expect.stringMatching(/^drwxr-xr-x 4294967294\/2097152 +0 2514-05-30 01:53:04 f\/$/),
    expect.stringMatching(/^drwxr-xr-x 1\/2 +0 1969-12-31 00:00:00 f\/$/),
  ]);
});

describe('options are checked at once', () => {
  const g = new Guestfs();
  afterAll(() => g.close());

  test.each<[object, string]>([
    [{ links: 'follow' }, 'ERR_INVALID_ARG_VALUE'],
    [{ links: 5 }, 'ERR_INVALID_ARG_TYPE'],
    [{ maxBytes: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ maxBytes: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ maxBytes: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [{ owner: {} }, 'ERR_INVALID_ARG_VALUE'],
  ])('of copyOut: %o', async (options, code) => {
    expect(await failureOf(g.copyOut('/', '/tmp', options as CopyOutOptions))).toMatchObject({ code });
  });

  test.each<[object, string]>([
    [{ owner: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ owner: { uid: 1, gid: -1 } }, 'ERR_OUT_OF_RANGE'],
    [{ links: 'keep' }, 'ERR_INVALID_ARG_VALUE'],
  ])('of copyIn: %o', async (options, code) => {
    expect(await failureOf(g.copyIn('/tmp', '/', options as CopyInOptions))).toMatchObject({ code });
  });

  test('and the paths', async () => {
    const wrong = { code: 'ERR_INVALID_ARG_VALUE' };
    expect(await failureOf(g.copyOut('/', ''))).toMatchObject(wrong);
    expect(await failureOf(g.copyOut('/a\0', '/tmp'))).toMatchObject(wrong);
    expect(await failureOf(g.copyIn('\ud800', '/'))).toMatchObject(wrong);
    expect(await failureOf(g.copyIn('/tmp', 5 as unknown as string))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
