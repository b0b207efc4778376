import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProgressEvent } from 'guestfs';
import { defineTask, type FileChecksum, Fleet, type FleetProgress, type FleetWorker } from '../src';
import { fleetTimeout, startFleet } from './support/fleet';
import { collect, imageFolder, until } from './support/images';
import { type Server, serverKinds } from './support/servers';

// A fleet in one process, on real servers: what comes back, in which order, and what becomes of it when it is given up.

const folder = imageFolder();
afterAll(() => folder.remove());

const pulse: ProgressEvent = {
  ...{ operation: 'wait', procNr: 0, serial: 0, position: 1n, total: 1n },
  ...{ pulse: true, ratio: 1 },
};

let interrupted = 0;
const wait = defineTask({
  name: 'wait',
  options: (given) => given as { ms: number },
  async run({ options: { ms }, signal, onProgress }) {
    onProgress(pulse);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        interrupted++;
        clearTimeout(timer);
        reject(new Error('interrupted'));
      });
    });
    return { waited: ms };
  },
});

const odd = defineTask({
  name: 'odd',
  run: async () => ({
    big: 2n ** 70n,
    bytes: Buffer.from('\0\xff', 'latin1'),
    at: new Date(5),
    map: new Map([['a', 1n]]),
  }),
});

let tries = 0;
const flaky = defineTask({
  name: 'flaky',
  options: (given) => given as { code: string },
  async run({ options: { code } }) {
    if (++tries < 3) throw Object.assign(new Error('try again'), { code });
    return tries;
  },
});

let writes = 0;
const write = defineTask({
  name: 'write',
  writes: true,
  async run() {
    writes++;
    throw Object.assign(new Error('no memory'), { code: 'ENOMEM' });
  },
});

const large = defineTask({ name: 'large', run: async () => 'x'.repeat(300_000) });
const tasks = [wait, odd, flaky, write, large];

describe.each(serverKinds)('%s', (kind) => {
  let server: Server;
  let worker: FleetWorker;
  let fleet: Fleet;
  let end: () => Promise<void>;

  beforeAll(async () => {
    const options = { roots: [folder.path], tasks, concurrency: 8, lockMs: 2000 };
    ({ server, worker, fleet, end } = await startFleet(kind, options));
  }, fleetTimeout);
  afterAll(() => end(), fleetTimeout);

  test('every image has one result, as they come', async () => {
    const images = Array.from({ length: 120 }, (_, n) => folder.file(`${n}.img`));
    const progress: FleetProgress<string>[] = [];
    const results = await collect(
      fleet.run<string, FileChecksum[]>('checksum', images, { onProgress: (each) => progress.push(each) }),
    );
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(images.map((_, index) => index));
    for (const { image, index, result } of results) {
      expect(image).toBe(images[index]);
      const checksum = createHash('sha256').update(`${index}.img`).digest('hex');
      expect(result).toEqual([{ path: image, size: `${index}.img`.length, algorithm: 'sha256', checksum }]);
    }
    expect(progress.filter(({ type }) => type === 'start')).toHaveLength(120);
    expect(progress.at(-1)).toMatchObject({ type: 'end', running: 0, done: 120, failed: 0, total: 120 });
  });

  test('an image that fails is a result with its error, and changes nothing for the others', async () => {
    const images = [
      folder.file('a.img'),
      `${folder.path}/none.img`,
      '/etc/passwd',
      { path: folder.file('b.img') },
    ];
    const results = await collect(fleet.run('checksum', images));
    const errors = results.sort((a, b) => a.index - b.index).map(({ error }) => error);
    expect(errors).toEqual([
      undefined,
      expect.objectContaining({ code: 'ENOENT' }),
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_IMAGE_REFUSED' }),
      undefined,
    ]);
  });

  test('an image that cannot be said to a worker fails without reaching one', async () => {
    const [result] = await collect(fleet.run('checksum', [{ path: '/x', secret: 'hush' }]));
    expect(result?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_OPTION' });
    const [other] = await collect(fleet.inspectAll([5 as unknown as string]));
    expect(other?.error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('data of all kinds comes as it was', async () => {
    const [result] = await collect(fleet.run(odd, [folder.file('a.img')]));
    expect(result?.result).toEqual({
      ...{
        big: 2n ** 70n,
        bytes: Buffer.from('\0\xff', 'latin1'),
        at: new Date(5),
        map: new Map([['a', 1n]]),
      },
    });
  });

  test('a large result comes by way of the store', async () => {
    const [result] = await collect(fleet.run(large, [folder.file('a.img')]));
    expect(result?.result).toBe('x'.repeat(300_000));
  });

  test('a fault of the machine is tried again, one of the image is not', async () => {
    tries = 0;
    const [again] = await collect(fleet.run(flaky, [folder.file('a.img')], { options: { code: 'ENOMEM' } }));
    expect(again?.result).toBe(3);
    tries = 0;
    const [never] = await collect(
      fleet.run(flaky, [folder.file('a.img')], { options: { code: 'ERR_GUESTFS_IMAGE_INVALID' } }),
    );
    expect(never?.error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_INVALID', message: 'try again' });
    expect(tries).toBe(1);
  }, 30_000);

  test('a task that writes is done once, whatever its error says', async () => {
    writes = 0;
    const [result] = await collect(fleet.run(write, [folder.file('a.img')], { attempts: 5 }));
    expect(result?.error).toMatchObject({ code: 'ENOMEM' });
    expect(writes).toBe(1);
  });

  test('no more images are taken than may be with the queue', async () => {
    let taken = 0;
    const endless = function* () {
      for (;;) {
        taken++;
        yield folder.path;
      }
    };
    const results = fleet.run(wait, endless(), { concurrency: 10, options: { ms: 20 } });
    await results.next();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(taken).toBeLessThanOrEqual(21);
    await results.return?.();
    const before = taken;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken).toBe(before);
  }, 20_000);

  test('an abort cancels what is queued and what runs, within two seconds', async () => {
    interrupted = 0;
    const abort = new AbortController();
    let begun = 0;
    const run = collect(
      fleet.run(
        wait,
        Array.from({ length: 100 }, () => folder.path),
        {
          signal: abort.signal,
          options: { ms: 60_000 },
          onProgress: ({ type }) => type === 'start' && begun++,
        },
      ),
    );
    const ended = expect(run).rejects.toMatchObject({ code: 'ABORT_ERR', operation: 'wait' });
    await until(() => begun >= 8);
    const at = performance.now();
    abort.abort();
    await until(() => interrupted >= 8);
    await ended;
    expect(performance.now() - at).toBeLessThan(10_000);
    expect(worker.running).toBe(0);
    expect(interrupted).toBe(8);
  }, 20_000);

  test('a client that has gone comes back to its batch, and has each result once', async () => {
    const images = Array.from({ length: 60 }, (_, n) => folder.file(`back-${n}.img`));
    const first = new Fleet({ ...server.connection, tasks });
    const results = first.run('checksum', images, { concurrency: 20 });
    const seen: number[] = [];
    for (let n = 0; n < 10; n++) seen.push((await results.next()).value.index);
    const next = results.next().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await first.close();
    await next;

    const again = fleet.run('checksum', images, { batch: results.batch, concurrency: 20 });
    for await (const { index } of again) seen.push(index);
    expect(new Set(seen).size).toBe(60);
    // Those that it had been given, and had not done with.
    expect(seen.length).toBeLessThanOrEqual(62);
    expect(await collect(fleet.batch(results.batch))).toEqual([]);
    const all = await collect(fleet.batch<FileChecksum[]>(results.batch, { all: true }));
    expect(all.map(({ image }) => image).sort()).toEqual([...images].sort());
  }, 30_000);

  test('what was submitted is there without the images', async () => {
    const first = new Fleet({ ...server.connection, tasks });
    const images = Array.from({ length: 5 }, (_, n) => folder.file(`left-${n}.img`));
    let begun = 0;
    const results = first.run(wait, images, {
      options: { ms: 5000 },
      onProgress: ({ type }) => type === 'start' && begun++,
    });
    const gone = expect(results.next().then(() => results.next())).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_CLOSED',
    });
    await until(() => begun > 0);
    await first.close();
    await gone;
    const found = await collect(fleet.batch(results.batch));
    expect(found.map(({ image }) => image).sort()).toEqual(images.sort());
    expect(found.map(({ error }) => error)).toEqual(images.map(() => undefined));
  }, 60_000);

  test.each([
    ['keys', { keys: ['secret'] }],
    ['handleOptions', { handleOptions: {} }],
    ['onHandle', { onHandle: () => undefined }],
  ])('%s of inspectAll() stays with the workers', (name, options) => {
    expect(() => fleet.inspectAll(['/x'], options)).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_OPTION', message: expect.stringContaining(name) }),
    );
  });

  test('bad options, tasks and batches are told at once, or when they are asked for', async () => {
    expect(() => fleet.run('nonsense', [])).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_TASK' }),
    );
    expect(() => fleet.run('inspect', [], { options: { keis: 1 } })).toThrow(
      expect.objectContaining({ code: 'ERR_GUESTFS_FLEET_OPTION' }),
    );
    expect(() => fleet.inspectAll('abc' as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(() => fleet.run(wait, [], { concurrency: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    await expect(collect(fleet.batch('nothing'))).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_BATCH' });
    await expect(collect(fleet.batch('../x'))).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_BATCH' });
  });

  test('an iterable that fails ends the run with its error, once what had begun was given', async () => {
    const failing = async function* () {
      yield folder.file('a.img');
      throw new Error('no more');
    };
    const seen: number[] = [];
    const run = (async () => {
      for await (const { index } of fleet.run('checksum', failing())) seen.push(index);
    })();
    await expect(run).rejects.toThrow('no more');
    expect(seen).toEqual([0]);
  });

  test('a server that restarts loses nothing', async () => {
    const images = Array.from({ length: 40 }, (_, n) => folder.file(`restart-${n}.img`));
    const run = collect(fleet.run(wait, images, { options: { ms: 150 } }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.restart();
    const results = await run;
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(images.map((_, index) => index));
    expect(results.filter(({ error }) => error)).toEqual([]);
  }, 60_000);

  test('a result that is there is taken where the image has not changed', async () => {
    const image = folder.file('same.img');
    const run = async () => {
      const [came] = await collect(fleet.run<string, FileChecksum[]>('checksum', [image], { changed: true }));
      return came?.result?.[0]?.checksum;
    };
    let finished: string[] = [];
    worker.on('finished', ({ task, outcome }) => task === 'checksum' && finished.push(outcome));
    // What has changed just now may change again without its times showing it.
    const settled = () => new Promise((resolve) => setTimeout(resolve, 2200));
    await run();
    expect(finished).toEqual(['completed']);
    await settled();
    finished = [];
    const first = await run();
    expect(await run()).toBe(first);
    expect(finished).toEqual(['completed', 'unchanged']);
    finished = [];
    writeFileSync(image, 'other content');
    expect(await run()).not.toBe(first);
    expect(finished).toEqual(['completed']);
    worker.removeAllListeners('finished');
  }, 20_000);
});
