import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FileSource, Guestfs } from '../../lib';
import { launchedHandle, MiB, sleep, timed } from '../support/appliance';
import { eventually } from '../support/eventually';
import { failureOf } from '../support/internal';

const data = randomBytes(3 * MiB + 17);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Collects what is written, and takes its time. */
class Slow extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#chunks.push(chunk);
    setImmediate(done);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

describe('streams in the place of files', () => {
  let g: Guestfs;
  let descriptors: number;
  const openDescriptors = () => readdirSync('/proc/self/fd').length;

  beforeAll(async () => {
    g = await launchedHandle(512 * MiB, 16 * MiB);
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.upload(data, '/data');
    await g.upload(randomBytes(16 * MiB), '/dev/sdb');
    descriptors = openDescriptors();
  });

  afterAll(async () => {
    await g?.kill();
    await g?.close();
  });

  const expectNothingLeft = async () => {
    expect(await eventually(() => openDescriptors() <= descriptors)).toBe(true);
    expect(await g.exists('/data')).toBe(true);
  };

  describe('upload takes', () => {
    async function* slices() {
      for (let at = 0; at < data.length; at += 100_000) yield data.subarray(at, at + 100_000);
    }

    test.each<[string, () => FileSource]>([
      ['bytes', () => data],
      ['a Readable', () => Readable.from([data.subarray(0, 10), data.subarray(10)])],
      ['an async iterable', slices],
      ['a web stream', () => new Blob([data]).stream()],
      ['a PassThrough that is written meanwhile', () => Readable.from(slices()).pipe(new PassThrough())],
    ])('%s', async (_, source) => {
      await g.upload(source(), '/up');
      expect(await g.checksum('sha256', '/up')).toBe(sha256(data));
      await expectNothingLeft();
    });

    test('text, and nothing at all', async () => {
      await g.upload(Readable.from(['grüße\n']), '/text');
      expect(await g.cat('/text')).toBe('grüße\n');
      await g.upload(Readable.from([]), '/text');
      expect(await g.filesize('/text')).toBe(0n);
    });

    test('bytes as they were when the call was made', async () => {
      const bytes = Buffer.from('before');
      const call = g.upload(bytes, '/bytes');
      bytes.write('after ');
      await call;
      expect(await g.cat('/bytes')).toBe('before');
    });
  });

  describe('download gives to', () => {
    test('a Writable, which is then ended', async () => {
      const target = new Slow();
      await g.download('/data', target);
      expect(target.writableFinished).toBe(true);
      expect(sha256(target.bytes)).toBe(sha256(data));
      await expectNothingLeft();
    });

    test('a web stream', async () => {
      const chunks: Uint8Array[] = [];
      await g.download(
        '/data',
        new WritableStream({ write: (chunk: Uint8Array) => void chunks.push(chunk) }),
      );
      expect(sha256(Buffer.concat(chunks))).toBe(sha256(data));
    });

    test('what only looks like a web stream', async () => {
      const chunks: Uint8Array[] = [];
      const ends: string[] = [];
      const writer = {
        write: async (chunk: Uint8Array) => void chunks.push(chunk),
        close: async () => void ends.push('closed'),
        abort: async () => void ends.push('aborted'),
      };
      await g.download('/data', { getWriter: () => writer });
      expect(sha256(Buffer.concat(chunks))).toBe(sha256(data));
      await expect(g.download('/missing', { getWriter: () => writer })).rejects.toThrow('No such file');
      expect(ends).toEqual(['closed', 'aborted']);
    });
  });

  // The daemon's confirmation that it has stopped sending must not hide it.
  test.each([
    ['/nonexistent/file', 'ENOENT', /\/nonexistent\/file: No such file/],
    [tmpdir(), 'EISDIR', /: Is a directory/],
    ['/dev/full', 'ENOSPC', /\/dev\/full: write: No space left/],
  ])('a file on the host that cannot be written is the reason: %s', async (path, code, message) => {
    await g.write('/small', 'small');
    for (const source of ['/small', '/data', '/small']) {
      expect(await failureOf(g.download(source, path))).toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
    expect(await failureOf(g.tarOut('/', path))).toMatchObject({ code });
  });

  test('a tree goes from one folder to another through streams', async () => {
    await g.mkdirP('/tree/sub');
    await g.write('/tree/sub/file', 'content');
    await g.mkdir('/copy');
    // A handle does one thing after the other: what comes out must be held until it can go in.
    const tar = new Slow();
    await g.tarOut('/tree', tar);
    await g.tarIn(Readable.from([tar.bytes]), '/copy');
    expect(await g.cat('/copy/sub/file')).toBe('content');
  });

  describe('an upload fails', () => {
    test('with the error of its stream', async () => {
      const cause = new Error('the source broke');
      async function* broken() {
        yield data;
        throw cause;
      }
      await expect(g.upload(broken(), '/broken')).rejects.toBe(cause);
      const readable = new Readable({ read: () => undefined });
      setTimeout(() => readable.destroy(cause), 50);
      await expect(g.upload(readable, '/broken')).rejects.toBe(cause);
      await expectNothingLeft();
    });

    test('with the error that its stream had before the call began', async () => {
      const cause = new Error('the source broke early');
      const busy = g.debug('progress', ['1']);
      const readable = new Readable({ read: () => undefined });
      const upload = failureOf(g.upload(readable, '/broken'));
      readable.destroy(cause);
      expect(await upload).toBe(cause);
      await busy;
    });

    test('with a TypeError for a chunk that is neither bytes nor text', async () => {
      const numbers = Readable.from([1, 2, 3]);
      expect(await failureOf(g.upload(numbers, '/broken'))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
      expect(numbers.destroyed).toBe(true);
    });

    test('with the error of libguestfs, and destroys its stream, however much that still has', async () => {
      async function* endless() {
        for (;;) yield data;
      }
      const source = Readable.from(endless());
      expect(await failureOf(g.upload(source, '/no/such/folder/x'))).toMatchObject({ code: 'ENOENT' });
      expect(source.destroyed).toBe(true);
      const queued = Readable.from(endless());
      const busy = g.debug('progress', ['1']);
      const signal = AbortSignal.timeout(100);
      expect(await failureOf(g.upload(queued, '/x', { signal }))).toMatchObject({ code: 'ABORT_ERR' });
      expect(queued.destroyed).toBe(true);
      await busy;
      await expectNothingLeft();
    });

    test('soon after its abort, while its stream is silent', async () => {
      async function* silent() {
        yield data;
        await new Promise(() => undefined);
      }
      const readable = new Readable({ read: () => undefined });
      for (const source of [silent(), readable]) {
        const signal = AbortSignal.timeout(300);
        const { error, ms } = await timed(g.upload(source, '/broken', { signal }));
        expect(error).toMatchObject({ code: 'ABORT_ERR' });
        expect(ms).toBeLessThan(5000);
      }
      expect(readable.destroyed).toBe(true);
      await expectNothingLeft();
    });
  });

  describe('a download fails', () => {
    test('with the error of its stream', async () => {
      const cause = new Error('the disk is full');
      const full = new Writable({ write: (_chunk, _encoding, done) => done(cause) });
      await expect(g.download('/data', full)).rejects.toBe(cause);
      await expectNothingLeft();
    });

    test('when its stream is destroyed', async () => {
      const target = new Writable({ write: (_chunk, _encoding, done) => void setTimeout(done, 50) });
      setTimeout(() => target.destroy(), 100);
      expect(await failureOf(g.download('/data', target))).toMatchObject({
        code: 'ERR_STREAM_PREMATURE_CLOSE',
      });
      await expectNothingLeft();
    });

    test('with the error of libguestfs, and destroys its stream with it', async () => {
      const target = new Slow();
      const failed = once(target, 'error');
      const error = await failureOf(g.download('/no-such-file', target));
      expect(error).toMatchObject({ code: 'ENOENT', operation: 'download' });
      expect(await failed).toEqual([error]);
      expect(target.writableFinished).toBe(false);
    });

    test('soon after its abort, while its stream takes nothing', async () => {
      const target = new Writable({ write: () => undefined });
      const signal = AbortSignal.timeout(300);
      const { error, ms } = await timed(g.download('/data', target, { signal }));
      expect(error).toMatchObject({ code: 'ABORT_ERR' });
      expect(ms).toBeLessThan(5000);
      expect(target.destroyed).toBe(true);
      await expectNothingLeft();
    });
  });

  test('a download that has ended, but for its stream, fails soon after its abort', async () => {
    await g.write('/little', 'a few bytes');
    const target = new Writable({ write: () => undefined });
    const reason = new Error('no longer needed');
    const abort = new AbortController();
    const download = timed(g.download('/little', target, { signal: abort.signal }));
    await g.pingDaemon(); // its turn comes when libguestfs has done its part
    abort.abort(reason);
    const { error, ms } = await download;
    expect(error).toMatchObject({ code: 'ABORT_ERR', cause: reason });
    expect(ms).toBeLessThan(5000);
    expect(target.errored).toBe(error);
    await expectNothingLeft();
  });

  test('a refused call leaves its stream alone', async () => {
    const source = Readable.from(['untouched']);
    const call = g.upload(source, 5 as unknown as string);
    expect(await failureOf(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(source.destroyed).toBe(false);
    expect(source.listenerCount('error')).toBe(0);
    const target = new Slow();
    await pipeline(source, target);
    expect(target.bytes.toString()).toBe('untouched');
  });

  describe('createReadStream', () => {
    const read = async (stream: Readable) => Buffer.concat(await stream.toArray());

    test('reads a file to its end', async () => {
      const stream = g.createReadStream('/data');
      expect(sha256(await read(stream))).toBe(sha256(data));
      expect(stream).toMatchObject({ path: '/data', bytesRead: data.length });
    });

    test.each([
      [{ start: 5 }, 5, data.length],
      [{ end: 5 }, 0, 6],
      [{ start: 7, end: 7 }, 7, 8],
      [{ start: BigInt(MiB - 1), end: BigInt(2 * MiB), highWaterMark: 1000 * 1000 }, MiB - 1, 2 * MiB + 1],
      [{ start: data.length + 10 }, 0, 0],
      [{ end: data.length * 2 }, 0, data.length],
    ])('reads the part %p', async (options, from, to) => {
      expect((await read(g.createReadStream('/data', options))).equals(data.subarray(from, to))).toBe(true);
    });

    test('lets other calls have their turn', async () => {
      let bytes = 0;
      for await (const chunk of g.createReadStream('/data')) {
        bytes += (chunk as Buffer).length;
        expect(await g.exists('/data')).toBe(true);
      }
      expect(bytes).toBe(data.length);
      const unread = g.createReadStream('/data');
      expect(await g.exists('/data')).toBe(true);
      unread.destroy();
    });

    test('fails as the calls do', async () => {
      await expect(read(g.createReadStream('/no-such-file'))).rejects.toMatchObject({
        code: 'ENOENT',
        operation: 'pread',
      });
      const signal = AbortSignal.timeout(1);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await expect(read(g.createReadStream('/data', { signal }))).rejects.toMatchObject({
        code: 'ABORT_ERR',
      });
      await expect(read(g.createReadStream('/data\0'))).rejects.toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
      });
    });

    test.each<[object, string]>([
      [{ start: -1 }, 'ERR_OUT_OF_RANGE'],
      [{ start: 1.5 }, 'ERR_OUT_OF_RANGE'],
      [{ end: 2 ** 53 }, 'ERR_OUT_OF_RANGE'],
      [{ start: 6, end: 4 }, 'ERR_OUT_OF_RANGE'],
      [{ start: '1' }, 'ERR_INVALID_ARG_TYPE'],
      [{ highWaterMark: 0 }, 'ERR_OUT_OF_RANGE'],
      [{ highWatermark: 5 }, 'ERR_INVALID_ARG_VALUE'],
    ])('refuses %p', (options, code) => {
      expect(() => g.createReadStream('/data', options)).toThrow(expect.objectContaining({ code }));
    });
  });

  describe('readDeviceStream', () => {
    test('reads a part of a device', async () => {
      const stream = g.readDeviceStream('/dev/sda', { start: 1024, end: 2047 });
      const chunks = await stream.toArray();
      expect(Buffer.concat(chunks).readUInt16LE(0x38)).toBe(0xef53); // ext4
      expect(stream).toMatchObject({ path: '/dev/sda', bytesRead: 1024 });
    });

    test('reads to the end of the device, and not beyond', async () => {
      const size = Number(await g.blockdevGetsize64('/dev/sdb'));
      const content = Buffer.concat(await g.readDeviceStream('/dev/sdb').toArray());
      expect(sha256(content)).toBe(await g.checksumDevice('sha256', '/dev/sdb'));
      const last = content.subarray(size - 70_000);
      for (const end of [undefined, size - 1, size, size * 2]) {
        const read = await g.readDeviceStream('/dev/sdb', { start: size - 70_000, end }).toArray();
        expect(Buffer.concat(read).equals(last)).toBe(true);
      }
      for (const range of [{ start: size }, { start: size + 1, end: size * 2 }]) {
        expect(await g.readDeviceStream('/dev/sdb', range).toArray()).toEqual([]);
      }
    });

    test('loses nothing when other calls come in between, or its reader has other things to do', async () => {
      let isReading = true;
      let calls = 0;
      const others = (async () => {
        for (; isReading; calls++) await g.pingDaemon();
      })();
      const hash = createHash('sha256');
      let chunks = 0;
      for await (const chunk of g.readDeviceStream('/dev/sdb')) {
        if (chunks++ % 60 === 0) await sleep(150);
        hash.update(chunk as Buffer);
      }
      isReading = false;
      await others;
      expect(hash.digest('hex')).toBe(await g.checksumDevice('sha256', '/dev/sdb'));
      expect(calls).toBeGreaterThan(4); // one between the pieces, at least
    });

    test('keeps no call waiting when nobody reads on', async () => {
      const stream = g.readDeviceStream('/dev/sdb');
      stream.once('readable', () => stream.read(1));
      await once(stream, 'readable');
      await g.pingDaemon();
      stream.destroy();
      await g.pingDaemon();
    });

    test('fails as the calls do', async () => {
      const missing = g.readDeviceStream('/dev/no-such-device').toArray();
      await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
      const range = g.readDeviceStream('/dev/no-such-device', { end: 5 }).toArray();
      await expect(range).rejects.toMatchObject({ code: 'ENOENT' });
      const aborted = g.readDeviceStream('/dev/sdb', { signal: AbortSignal.abort() }).toArray();
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    });
  });

  describe('createWriteStream', () => {
    test('writes what it is given, in pieces of any size', async () => {
      const stream = g.createWriteStream('/written');
      await pipeline(
        Readable.from([data.subarray(0, 1), data.subarray(1, 3 * MiB), data.subarray(3 * MiB)]),
        stream,
      );
      expect(await g.checksum('sha256', '/written')).toBe(sha256(data));
      expect(stream).toMatchObject({ path: '/written', bytesWritten: data.length });
      await pipeline(Readable.from(['short']), g.createWriteStream('/written'));
      expect(await g.cat('/written')).toBe('short');
    });

    test('appends, writes into, and refuses what is there', async () => {
      await g.write('/flags', 'abcdef');
      await pipeline(Readable.from(['g']), g.createWriteStream('/flags', { flags: 'a' }));
      await pipeline(Readable.from(['XY']), g.createWriteStream('/flags', { flags: 'r+', start: 2 }));
      expect(await g.cat('/flags')).toBe('abXYefg');
      const again = pipeline(Readable.from(['z']), g.createWriteStream('/flags', { flags: 'wx' }));
      await expect(again).rejects.toMatchObject({ code: 'EEXIST' });
      const nowhere = pipeline(Readable.from(['z']), g.createWriteStream('/nowhere', { flags: 'r+' }));
      await expect(nowhere).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await g.cat('/flags')).toBe('abXYefg');
    });

    test('gives a new file its mode, and an old one not', async () => {
      await pipeline(Readable.from(['']), g.createWriteStream('/secret', { mode: 0o600 }));
      expect((await g.statns('/secret')).stMode & 0o7777n).toBe(0o600n);
      await pipeline(Readable.from(['']), g.createWriteStream('/secret', { mode: 0o644 }));
      expect((await g.statns('/secret')).stMode & 0o7777n).toBe(0o600n);
    });

    test('fails as the calls do', async () => {
      const stream = g.createWriteStream('/no/such/folder/file');
      await expect(pipeline(Readable.from(['x']), stream)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(() => g.createWriteStream('/x', { mode: 0o10000 })).toThrow(
        expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
      );
    });
  });

  describe('archives', () => {
    test('go from one handle to another in one pipeline', async () => {
      await g.mkdirP('/from/sub');
      await g.upload(data, '/from/sub/data');
      await using other = await launchedHandle(128 * MiB);
      await other.mkfs('ext4', '/dev/sda');
      await other.mount('/dev/sda', '/');
      await pipeline(g.tarOutStream('/from'), other.tarInStream('/'));
      expect(await other.checksum('sha256', '/sub/data')).toBe(sha256(data));
    });

    test('that nobody reads keep no call waiting; destroyed ones neither', async () => {
      const stream = g.tarOutStream('/');
      expect(await g.exists('/data')).toBe(true);
      stream.once('data', () => stream.destroy());
      await once(stream, 'close');
      await expectNothingLeft();
      const target = g.tarInStream('/');
      target.write(Buffer.alloc(512));
      target.destroy();
      await once(target, 'close');
      await expectNothingLeft();
    });

    test('through links of the guest, not of the appliance', async () => {
      await g.mkdirP('/linked/folder');
      await g.write('/linked/folder/file', 'x');
      await g.lnS('/linked/folder', '/linked/etc');
      const archive = (await g.tarOutStream('/linked/etc').toArray()) as Buffer[];
      const names = execFileSync('tar', ['-t'], { input: Buffer.concat(archive), encoding: 'utf8' });
      expect(names).toBe('./\n./file\n');
      await g.mkdir('/linked/copy');
      await g.lnS('/linked/copy', '/linked/here');
      await pipeline(Readable.from(archive), g.tarInStream('/linked/here'));
      expect(await g.ls('/linked/copy')).toEqual(['file']);
    });

    test('fail as the calls do', async () => {
      await expect(g.tarOutStream('/no/such/folder').toArray()).rejects.toMatchObject({
        code: 'ENOENT',
        message: expect.stringContaining('/no/such/folder'),
      });
      const signal = AbortSignal.timeout(1);
      await expect(g.tarOutStream('/', { signal }).toArray()).rejects.toMatchObject({ code: 'ABORT_ERR' });
      const garbage = pipeline(Readable.from([randomBytes(MiB)]), g.tarInStream('/'));
      await expect(garbage).rejects.toMatchObject({ operation: 'tarIn' });
      const bad = g.tarOutStream('/', { compress: 5 as unknown as string });
      await expect(bad.toArray()).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
      await expectNothingLeft();
    });
  });

  // The last two: the appliance is gone after the first, the handle after the second.
  test('kill() ends a transfer whose stream is silent, and one whose stream takes nothing', async () => {
    async function* silent() {
      yield data;
      await new Promise(() => undefined);
    }
    const target = new Writable({ write: () => undefined });
    const written = timed(g.download('/little', target));
    const transfer = timed(g.upload(silent(), '/killed'));
    await sleep(300); // the download has ended, but for its stream
    const killed = performance.now();
    await g.kill();
    expect((await transfer).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    expect((await written).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    expect(performance.now() - killed).toBeLessThan(3000);
    expect(await eventually(() => openDescriptors() <= descriptors)).toBe(true);
  });

  test('so does kill() after close()', async () => {
    await g.launch();
    await g.mkfs('ext4', '/dev/sda'); // what was there may not have reached the disk
    await g.mount('/dev/sda', '/');
    await g.write('/little', 'a few bytes');
    const written = timed(g.download('/little', new Writable({ write: () => undefined })));
    await g.close();
    const early = await Promise.race([written, sleep(100)]);
    expect(early).toBeUndefined(); // close() does not wait for what is not libguestfs's
    await g.kill();
    expect((await written).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    expect(await eventually(() => openDescriptors() <= descriptors)).toBe(true);
  });
});
