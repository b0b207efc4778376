import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defineTask, Fleet, type FleetProgress, FleetWorker } from '../src';
import { Batches } from '../src/batch';
import { Connection } from '../src/connection';
import { fleetTimeout, startFleet } from './support/fleet';
import { collect, imageFolder, until } from './support/images';
import { type Server, serverKinds, startRedis } from './support/servers';

// What batches, clients and servers do to each other: names that collide, other images under one name, several clients, a
// server that is full, that is not there, that lets nobody in.

const folder = imageFolder();
afterAll(() => folder.remove());

const started: string[] = [];
const wait = defineTask({
  name: 'wait',
  options: (given) => given as { ms?: number },
  async run({ images: [image], options: { ms = 0 }, signal }) {
    started.push(image?.path ?? '');
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new Error('interrupted'));
      });
    });
    return image?.path;
  },
});
const faulty = defineTask({
  name: 'faulty',
  async run() {
    const error = new Error('m'.repeat(100_000));
    throw Object.assign(error, { name: 'N'.repeat(5000), code: 'C'.repeat(5000), errno: Number.NaN });
  },
});
const functions = defineTask({ name: 'functions', run: async () => ({ call: () => 1 }) });
const tasks = [wait, faulty, functions];
const id = () => `b-${randomUUID().slice(0, 8)}`;

describe.each(serverKinds)('%s', (kind) => {
  let server: Server;
  let worker: FleetWorker;
  let fleet: Fleet;
  let end: () => Promise<void>;

  beforeAll(async () => {
    const options = { roots: [folder.path], tasks, concurrency: 4, lockMs: 2000 };
    ({ server, worker, fleet, end } = await startFleet(kind, options));
  }, fleetTimeout);
  afterAll(() => end(), fleetTimeout);

  const images = (...names: string[]) => names.map((name) => folder.file(`${kind}-${name}`));

  test('any name of a batch is one: numbers, and those that end as our own', async () => {
    const [image = ''] = images('name');
    for (const batch of ['2026', '0', 'x', 'x-cancel', 'x-batch', 'x-0', `${'l'.repeat(64)}`]) {
      const [came] = await collect(fleet.run(wait, [image], { batch }));
      expect([batch, came?.result]).toEqual([batch, image]);
    }
    await fleet.cancel('x');
    const batches = await fleet.batches();
    expect(batches.filter(({ isCancelled }) => isCancelled).map((each) => each.id)).toEqual(['x']);
  });

  test('a batch takes no other options, and no other images', async () => {
    const [one = '', two = '', three = ''] = images('one', 'two', 'three');
    const batch = id();
    const first = fleet.run(wait, [one, two, three], { batch });
    await first.next();
    const other = fleet.run(wait, [one, two, three], { batch, options: { ms: 1 } });
    await expect(collect(other)).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_BATCH' });
    const elsewhere = new Fleet({ ...server.connection, tasks });
    await expect(collect(elsewhere.run(wait, [three, one, two], { batch }))).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_BATCH',
      message: expect.stringContaining('another image'),
    });
    await elsewhere.close();
    // Nothing of it has been stopped by that.
    expect(await collect(first)).toHaveLength(2);
    expect(await fleet.batches()).toContainEqual(
      expect.objectContaining({ id: batch, given: 3, isCancelled: false }),
    );
  });

  test('two clients of one batch: none misses a result, and each image is done once', async () => {
    const all = images(...Array.from({ length: 30 }, (_, n) => `both-${n}`));
    const other = new Fleet({ ...server.connection, tasks });
    started.length = 0;
    const batch = id();
    const runs = [fleet, other].map((each) => collect(each.run(wait, all, { batch, options: { ms: 20 } })));
    const found = await Promise.all(runs);
    // One that comes later leaves out what the other has done with.
    expect(new Set(found.flat().map(({ result }) => result))).toEqual(new Set(all));
    for (const results of found) {
      expect(results.filter(({ error }) => error)).toEqual([]);
      expect(new Set(results.map(({ index }) => index)).size).toBe(results.length);
    }
    expect(started.sort()).toEqual([...all].sort());
    await other.close();
  }, 30_000);

  test('a cancel by another client ends what is queued and what runs', async () => {
    const all = images(...Array.from({ length: 40 }, (_, n) => `cancel-${n}`));
    const batch = id();
    started.length = 0;
    const run = collect(fleet.run(wait, all, { batch, options: { ms: 60_000 } }));
    await until(() => started.length === 4);
    const other = new Fleet({ ...server.connection, tasks });
    await other.counts();
    const at = performance.now();
    await other.cancel(batch);
    const results = await run;
    const ms = performance.now() - at;
    expect(new Set(results.map(({ error }) => (error as { code?: string }).code))).toEqual(
      new Set(['ERR_GUESTFS_FLEET_CANCELLED']),
    );
    expect(results).toHaveLength(40);
    expect(started).toHaveLength(4);
    // It does not wait for the jobs' minute; how long it takes is the bench's.
    expect(ms).toBeLessThan(20_000);
    // A worker may still look at one that was taken out of the queue.
    await until(() => worker.running === 0);
    await expect(collect(other.run(wait, all, { batch, options: { ms: 60_000 } }))).rejects.toMatchObject({
      code: 'ERR_GUESTFS_FLEET_CANCELLED',
      message: expect.stringContaining('retry'),
    });
    await other.close();
  }, 30_000);

  test('a batch that was cancelled goes on: each image is done in the end, and nothing that was done is lost', async () => {
    const all = images(...Array.from({ length: 30 }, (_, n) => `again-${n}`));
    const batch = id();
    const options = { ms: 300 };
    started.length = 0;
    const run = collect(fleet.run(wait, all, { batch, options }));
    await until(() => started.length > 6);
    await fleet.cancel(batch);
    const first = await run;
    const done = first.filter(({ error }) => !error).map(({ result }) => result);
    expect(done.length).toBeGreaterThan(0);
    expect(done.length).toBeLessThan(30);
    await until(() => worker.running === 0);

    // Who only looks at it hears why there is no more, and takes nothing away.
    for (const _ of [1, 2]) {
      const seen = await collect(fleet.batch(batch, { all: true, concurrency: 1 }));
      expect(seen.filter(({ error }) => !error).map(({ result }) => result)).toEqual(
        expect.arrayContaining(done),
      );
      const codes = seen.filter(({ error }) => error).map(({ error }) => (error as { code?: string }).code);
      expect(new Set(codes)).toEqual(new Set(['ERR_GUESTFS_FLEET_CANCELLED']));
    }

    await fleet.retry(batch);
    const second = await collect(fleet.run(wait, all, { batch, options }));
    expect(second.filter(({ error }) => error)).toEqual([]);
    expect([...done, ...second.map(({ result }) => result)].sort()).toEqual([...all].sort());
  }, 60_000);

  test('the number of images is known where the images end, and progress is of those that are left', async () => {
    const all = images(...Array.from({ length: 12 }, (_, n) => `count-${n}`));
    const batch = id();
    const results = fleet.run(wait, new Set(all).values(), { batch, concurrency: 2 });
    await collect(results);
    expect(await fleet.batches()).toContainEqual(
      expect.objectContaining({ id: batch, given: 12, total: 12 }),
    );

    const half = id();
    const first = new Fleet({ ...server.connection, tasks });
    const begun = first.run(wait, all, { batch: half, concurrency: 1 });
    for (let n = 0; n < 7; n++) await begun.next();
    await first.close();
    const progress: FleetProgress<string>[] = [];
    const onProgress = (each: FleetProgress<string>) => progress.push(each);
    const left = await collect(fleet.run(wait, all, { batch: half, onProgress }));
    expect(progress.at(-1)).toMatchObject({ done: left.length, total: left.length });
    expect(await fleet.batches()).toContainEqual(expect.objectContaining({ id: half, given: 12, total: 12 }));
  });

  test('an abort before the start touches nothing; leaving the loop cancels the batch', async () => {
    const batch = id();
    const signal = AbortSignal.abort();
    await expect(collect(fleet.run(wait, images('a'), { batch, signal }))).rejects.toMatchObject({
      name: 'AbortError',
      operation: 'wait',
    });
    expect((await fleet.batches()).map((each) => each.id)).not.toContain(batch);
    const left = id();
    const all = images(...Array.from({ length: 20 }, (_, n) => `left-${n}`));
    for await (const _ of fleet.run(wait, all, { batch: left, options: { ms: 300 } })) break;
    expect(await fleet.batches()).toContainEqual(expect.objectContaining({ id: left, isCancelled: true }));
    await until(() => worker.running === 0);
    expect(await fleet.counts()).toMatchObject({ waiting: 0, active: 0 });
  });

  test('the retention of one batch is not that of another', async () => {
    const kept = id();
    await collect(fleet.run(wait, images('kept'), { batch: kept }));
    const short = id();
    await collect(fleet.run(wait, images('short'), { batch: short, retention: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await collect(fleet.run(wait, images('short'), { retention: 1 }));
    const found = (await fleet.batches()).map((each) => each.id);
    expect(found).toContain(kept);
    expect(found).not.toContain(short);
  });

  test('records are found, and go when they are kept long enough, also among many others', async () => {
    const own = { ...server.connection, name: `many-${kind}` };
    const queue = new Connection(own).queue(Batches.suffix);
    const [hour, now] = [3_600_000, Date.now()];
    const record = (name: string, retention: number) => ({
      name: 'batch',
      data: {
        ...{ v: 1, id: name, task: 'wait', options: {}, changed: false, attempts: 1, retention },
        ...{ sent: 0, total: null, given: [], created: now, saved: now - 1000 },
      },
      opts: { jobId: `${name}.batch` },
    });
    await queue.addBulk([record('short', 1), record('found', hour)]);
    await queue.addBulk(Array.from({ length: 600 }, (_, n) => record(`kept-${n}`, hour)));
    await queue.addBulk([record('late', 1)]);
    const marks = Array.from({ length: 300 }, (_, n) => ({
      name: 'cancel',
      data: { v: 1, saved: now, retention: hour },
      opts: { jobId: `kept-${n}.cancel` },
    }));
    await queue.addBulk(marks);
    const batches = new Batches((suffix) => new Connection(own).queue(suffix));
    expect(await batches.list(3)).toHaveLength(3);
    for (
      let n = 0;
      n < 200 && ((await queue.getJob('short.batch')) || (await queue.getJob('late.batch')));
      n++
    )
      await batches.clean();
    expect(await queue.getWaitingCount()).toBe(1 + 600 + 300);
    expect(await batches.find('short')).toBeUndefined();
    expect(await batches.find('late')).toBeUndefined();
    expect((await batches.list(1000)).map(({ plan }) => plan.id)).toContain('found');
    await Promise.all([batches.close(), queue.close()]);
  }, 60_000);

  test('an image too many bytes of which would travel is refused alone', async () => {
    const [image = ''] = images('alone');
    const disks = Array.from({ length: 255 }, (_, n) => ({ path: `${folder.path}/${'x'.repeat(3000)}${n}` }));
    const results = await collect(fleet.run<unknown>('checksum', [image, disks, image]));
    const codes = results
      .sort((a, b) => a.index - b.index)
      .map(({ error }) => (error as { code?: string })?.code);
    expect(codes).toEqual([undefined, 'ERR_GUESTFS_FLEET_PAYLOAD', undefined]);
  });

  test('an error comes back whatever it is, and what is no data is told as that', async () => {
    const [came] = await collect(fleet.run(faulty, images('faulty')));
    expect(came?.error).toMatchObject({ name: 'N'.repeat(256), code: 'C'.repeat(256) });
    const [other] = await collect(fleet.run(functions, images('functions')));
    expect(other?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_RESULT' });
  });

  test('a record of a batch that is none is told', async () => {
    const queue = new Connection(server.connection).queue(Batches.suffix);
    await queue.add('batch', { v: 2 }, { jobId: 'newer.batch' });
    await queue.add('batch', { v: 1, id: 'other', given: [[5, 2]] }, { jobId: 'odd.batch' });
    for (const name of ['newer', 'odd'])
      await expect(collect(fleet.run(wait, [], { batch: name }))).rejects.toMatchObject({
        code: 'ERR_GUESTFS_FLEET_BATCH',
      });
    await queue.close();
  });

  test('two workers of one name do their jobs, and a listener that throws fails none', async () => {
    const thrown: unknown[] = [];
    const listen = (error: unknown) => thrown.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', listen);
    const name = worker.name;
    const twin = new FleetWorker({
      ...server.connection,
      roots: [folder.path],
      tasks,
      concurrency: 4,
      workerName: name,
    });
    await twin.start();
    const all = images(...Array.from({ length: 20 }, (_, n) => `twin-${n}`));
    const results = await collect(fleet.run(wait, all, { options: { ms: 30 } }));
    expect(results.map(({ result }) => result).sort()).toEqual([...all].sort());
    await twin.close();
    process.off('uncaughtException', listen);
    for (const other of others) process.on('uncaughtException', other);
    expect(thrown).toEqual([]);
  }, 20_000);
});

describe('a server', () => {
  const gone = {
    redis: { redis: 'redis://127.0.0.1:1' },
    postgres: { postgres: 'postgres://x@127.0.0.1:1/x' },
  };

  test.each(serverKinds)(
    '%s that is not there keeps nobody from giving up',
    async (kind) => {
      const at = performance.now();
      const fleet = new Fleet({ ...gone[kind], tasks });
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 300);
      await expect(collect(fleet.run(wait, ['/x'], { signal: abort.signal }))).rejects.toMatchObject({
        name: 'AbortError',
      });
      const run = expect(collect(fleet.run(wait, ['/x']))).rejects.toMatchObject({
        code: 'ERR_GUESTFS_FLEET_CLOSED',
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await fleet.close();
      await run;
      expect(performance.now() - at).toBeLessThan(5000);
    },
    20_000,
  );

  test('that lets nobody in says so at once', async () => {
    const server = await startRedis('--requirepass', 'hush');
    const { redis } = server.connection as { redis: string };
    for (const url of [redis, redis.replace('//', '//:wrong@')]) {
      const fleet = new Fleet({ redis: url, tasks });
      await expect(collect(fleet.run(wait, ['/x']))).rejects.toMatchObject({
        code: 'ERR_GUESTFS_FLEET_SERVER',
        message: expect.stringMatching(/NOAUTH|WRONGPASS/),
      });
      await fleet.close();
      const worker = new FleetWorker({ redis: url, concurrency: 1 });
      await expect(worker.start()).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_SERVER' });
      await worker.close();
    }
    await server.stop();
  }, 20_000);

  test('that stops in the middle stops nobody from leaving', async () => {
    const server = await startRedis();
    const fleet = new Fleet({ ...server.connection, tasks });
    const abort = new AbortController();
    const run = fleet.run(wait, Array(50).fill('/x'), { signal: abort.signal });
    const ended = expect(collect(run)).rejects.toMatchObject({ name: 'AbortError' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    server.signal('SIGSTOP');
    const at = performance.now();
    abort.abort();
    await ended;
    await fleet.close();
    expect(performance.now() - at).toBeLessThan(12_000);
    server.signal('SIGCONT');
    await server.stop();
  }, 30_000);

  test('that stops keeps nobody who leaves the loop, or has not begun it yet', async () => {
    const server = await startRedis();
    const worker = new FleetWorker({ ...server.connection, roots: [folder.path], tasks, concurrency: 1 });
    await worker.start();
    const fleet = new Fleet({ ...server.connection, tasks });
    const image = folder.file('leaving');
    const leave = async () => {
      for await (const _ of fleet.run(wait, Array(50).fill(image), { options: { ms: 200 } })) {
        server.signal('SIGSTOP');
        break;
      }
    };
    let at = performance.now();
    // That it could not be cancelled is told.
    await expect(leave()).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_SERVER' });
    expect(performance.now() - at).toBeLessThan(12_000);
    at = performance.now();
    const beginning = fleet.run(wait, [image]);
    const next = beginning.next().catch(() => undefined);
    await expect(beginning.return?.()).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_SERVER' });
    expect(performance.now() - at).toBeLessThan(5000);
    server.signal('SIGCONT');
    await fleet.close();
    await next;
    await worker.close();
    await server.stop();
  }, 60_000);

  test('that dies keeps no process whose client and worker are closed', async () => {
    const server = await startRedis();
    const { redis } = server.connection as { redis: string };
    const program = `
      const { defineTask, Fleet, FleetWorker } = require(${JSON.stringify(join(__dirname, '..'))});
      const tasks = [defineTask({ name: 'nothing', run: async () => null })];
      (async () => {
        const worker = new FleetWorker({ redis: '${redis}', tasks, roots: ['/tmp'], concurrency: 1 });
        await worker.start();
        const fleet = new Fleet({ redis: '${redis}', tasks });
        for await (const { error } of fleet.run('nothing', ['/tmp'])) if (error) throw error;
        console.log('done');
        await new Promise((resolve) => process.stdin.once('data', resolve).once('end', resolve));
        await Promise.all([worker.close(), fleet.close()]);
        process.stdin.destroy();
        console.log('closed');
      })();`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const said: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text));
    await until(() => said.join('').includes('done'));
    server.signal('SIGKILL');
    child.stdin.end('\n');
    await until(() => said.join('').includes('closed'), 20_000);
    expect(await ended).toEqual([0, null]);
    await server.stop();
  }, 60_000);

  test('that is full: what was given to it comes through when it has room again', async () => {
    const server = await startRedis();
    const redis = new (await import('ioredis')).Redis((server.connection as { redis: string }).redis);
    const worker = new FleetWorker({
      ...server.connection,
      roots: [folder.path],
      tasks,
      concurrency: 4,
      lockMs: 3000,
    });
    await worker.start();
    const fleet = new Fleet({ ...server.connection, tasks });
    const all = Array.from({ length: 30 }, (_, n) => folder.file(`full-${n}`));
    const run = collect(fleet.run(wait, all, { options: { ms: 200 } }));
    await until(() => worker.running > 0);
    await redis.config('SET', 'maxmemory', '1');
    const more = collect(fleet.run(wait, all.slice(0, 3)));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await redis.config('SET', 'maxmemory', '0');
    const results = [...(await run), ...(await more)];
    expect(results.filter(({ error }) => error)).toEqual([]);
    expect(results).toHaveLength(33);
    await fleet.close();
    await worker.close();
    redis.disconnect();
    await server.stop();
  }, 60_000);
});
