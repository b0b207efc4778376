import { constants, statSync } from 'node:fs';
import { lstat, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { CallOptions, Guestfs, OutputOptions } from '../../lib';
import { GiB, launchedHandle, MiB, sleep, timed } from '../support/appliance';
import { eventually } from '../support/eventually';
import { makeFifo } from '../support/gate';
import { descendants } from '../support/processes';

describe('a signal', () => {
  let g: Guestfs;
  let folder: string;
  let huge: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-460-'));
    huge = join(folder, 'huge');
    const file = await open(huge, 'wx');
    await file.truncate(256 * GiB);
    await file.close();
    await writeFile(join(folder, 'small'), 'small');

    g = await launchedHandle(16 * GiB, MiB);
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.touch('/huge');
    await g.truncateSize('/huge', 256 * GiB);
  });

  afterAll(async () => {
    await g?.kill(); // a test that failed may have left a transfer that takes minutes
    await g?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Each would take a minute and more. */
  const transfers: Record<string, (options: CallOptions) => Promise<void>> = {
    upload: (options) => g.upload(huge, '/upload', options),
    download: (options) => g.download('/huge', '/dev/null', options),
    tarOut: (options) => g.tarOut('/', '/dev/null', options),
  };

  const expectUsable = async () => {
    expect(await g.listDevices()).toEqual(['/dev/sda', '/dev/sdb']);
    await g.upload(join(folder, 'small'), '/small');
    await g.download('/small', join(folder, 'back'));
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('small');
  };

  describe.each(Object.keys(transfers))('on a running %s', (name) => {
    const transfer = transfers[name] as (options: CallOptions) => Promise<void>;

    test('ends it within 2 s, with an AbortError; the handle goes on', async () => {
      const abort = new AbortController();
      const call = timed(transfer({ signal: abort.signal }));
      await sleep(700);
      const reason = new Error('no longer needed');
      abort.abort(reason);
      const aborted = performance.now();
      expect((await call).error).toMatchObject({
        name: 'AbortError',
        code: 'ABORT_ERR',
        operation: name,
        cause: reason,
      });
      expect(performance.now() - aborted).toBeLessThan(2000);
      await expectUsable();
    });

    test('is not lost in the moment in which the transfer begins', async () => {
      for (const ms of [0, 1, 2, 5, 10, 20, 50]) {
        const abort = new AbortController();
        const call = timed(transfer({ signal: abort.signal }));
        await sleep(ms);
        abort.abort();
        const aborted = performance.now();
        expect((await call).error).toMatchObject({ name: 'AbortError' });
        expect(performance.now() - aborted).toBeLessThan(2000);
      }
      await expectUsable();
    });
  });

  describe('on a transfer that waits for a pipe', () => {
    const stalled: Record<
      string,
      { flags?: number; call: (fifo: string, options: CallOptions) => Promise<void> }
    > = {
      'whose writer has not come': { call: (fifo, options) => g.upload(fifo, '/upload', options) },
      'whose writer is silent': {
        flags: constants.O_RDWR,
        call: (fifo, options) => g.upload(fifo, '/upload', options),
      },
      'whose reader has not come': { call: (fifo, options) => g.download('/huge', fifo, options) },
      'whose reader reads nothing': {
        flags: constants.O_RDONLY | constants.O_NONBLOCK,
        call: (fifo, options) => g.download('/huge', fifo, options),
      },
    };

    test.each(Object.keys(stalled))('%s ends it at once', async (name) => {
      const { flags, call } = stalled[name] as (typeof stalled)[string];
      const fifo = makeFifo(join(folder, name));
      const other = flags === undefined ? undefined : await open(fifo, flags);
      const abort = new AbortController();
      const transfer = timed(call(fifo, { signal: abort.signal }));
      await sleep(500);
      abort.abort();
      const aborted = performance.now();
      expect((await transfer).error).toMatchObject({ name: 'AbortError' });
      expect(performance.now() - aborted).toBeLessThan(3000);
      await other?.close();
      expect((await stat(fifo)).isFIFO()).toBe(true);
      await expectUsable();
    });
  });

  describe('on a download', () => {
    const output = () => join(folder, 'output');
    /** Aborted when it has written something, if the options do not say when. */
    const abortedDownload = async (options: OutputOptions, path = output()) => {
      const before = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      const abort = new AbortController();
      const download = timed(g.download('/huge', path, { signal: abort.signal, ...options }));
      if (!options.signal) {
        const written = () => {
          const now = statSync(path, { throwIfNoEntry: false });
          return now !== undefined && now.mtimeMs !== before && now.size > 0;
        };
        expect(await eventually(written)).toBe(true);
        abort.abort();
      }
      expect((await download).error).toMatchObject({ name: 'AbortError' });
    };
    afterEach(() => rm(output(), { force: true }));

    test('removes what it has written', async () => {
      await abortedDownload({});
      await expect(stat(output())).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('keeps it with keepPartial', async () => {
      await abortedDownload({ keepPartial: true });
      expect((await stat(output())).size).toBeGreaterThan(0);
    });

    test('removes also what it has overwritten, where a symbolic link leads to', async () => {
      await writeFile(output(), 'older');
      const link = join(folder, 'link');
      await symlink(output(), link);
      await abortedDownload({}, link);
      await expect(stat(output())).rejects.toMatchObject({ code: 'ENOENT' });
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
    });

    test('that had not begun leaves the older file alone; so does one that fails before', async () => {
      await writeFile(output(), 'older');
      const running = g.debug('progress', ['1']);
      await abortedDownload({ signal: AbortSignal.timeout(100) });
      await running;
      await expect(g.download('/no-such-file', output())).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readFile(output(), 'utf8')).toBe('older');
    });
  });

  test('that is a timeout is the cause of the AbortError', async () => {
    const { error, ms } = await timed(g.download('/huge', '/dev/null', { signal: AbortSignal.timeout(500) }));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: { name: 'TimeoutError' } });
    expect(ms).toBeGreaterThan(400);
    expect(ms).toBeLessThan(2500);
  });

  test('ends a transfer that may be killed without killing the appliance', async () => {
    const signal = AbortSignal.timeout(500);
    const { error } = await timed(g.download('/huge', '/dev/null', { signal, killOnAbort: true }));
    expect(error).toMatchObject({ name: 'AbortError' });
    await expectUsable();
  });

  test('takes a waiting transfer out of the queue, and leaves the running call alone', async () => {
    const abort = new AbortController();
    const running = timed(g.debug('progress', ['3']));
    const waiting = timed(g.upload(huge, '/never', { signal: abort.signal }));
    await sleep(200);
    abort.abort();
    expect((await waiting).error).toMatchObject({ name: 'AbortError', operation: 'upload' });
    expect((await waiting).ms).toBeLessThan(2000);
    const { value, ms } = await running;
    expect(value).toBe('ok');
    expect(ms).toBeGreaterThan(2500);
    expect(await g.exists('/never')).toBe(false);
  });

  test('of a waiting call does not cancel the transfer that runs', async () => {
    await writeFile(join(folder, 'some'), Buffer.alloc(16 * MiB, 'some'));
    const abort = new AbortController();
    const running = timed(g.upload(join(folder, 'some'), '/some'));
    const waiting = timed(g.download('/huge', '/dev/null', { signal: abort.signal }));
    await sleep(50);
    abort.abort();
    expect((await waiting).error).toMatchObject({ name: 'AbortError', operation: 'download' });
    expect((await running).error).toBeUndefined();
    expect(await g.filesize('/some')).toBe(16n * BigInt(MiB));
  });

  test('that comes after the end of its call changes nothing', async () => {
    const abort = new AbortController();
    await g.upload(join(folder, 'small'), '/small', { signal: abort.signal });
    abort.abort();
    await expectUsable();
  });

  test('on a call that libguestfs cannot cancel rejects it when it has ended', async () => {
    const abort = new AbortController();
    const call = timed(g.debug('progress', ['3'], { signal: abort.signal }));
    await sleep(500);
    abort.abort();
    const { error, ms } = await call;
    expect(error).toMatchObject({ name: 'AbortError', operation: 'debug' });
    expect(ms).toBeGreaterThan(2500);
    await expectUsable();
  });

  // The last ones: the appliance is gone afterwards.
  test('on such a call with killOnAbort kills the appliance', async () => {
    const abort = new AbortController();
    const call = timed(g.debug('progress', ['60'], { signal: abort.signal, killOnAbort: true }));
    const behind = timed(g.listDevices());
    await sleep(500);
    abort.abort();
    const aborted = performance.now();
    expect((await call).error).toMatchObject({ name: 'AbortError', operation: 'debug' });
    expect((await behind).error).toMatchObject({ name: 'GuestfsError', operation: 'listDevices' });
    expect(performance.now() - aborted).toBeLessThan(3000);
    expect(descendants()).toEqual([]);
    expect(await g.isConfig()).toBe(true);
  });

  test('kill() ends a transfer that waits for a pipe', async () => {
    await g.launch();
    const fifo = makeFifo(join(folder, 'to-be-killed'));
    const transfer = timed(g.upload(fifo, '/dev/sda'));
    await sleep(500);
    const killed = performance.now();
    await g.kill();
    expect((await transfer).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'upload' });
    expect(performance.now() - killed).toBeLessThan(3000);
  });
});
