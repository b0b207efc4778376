import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { defineTask, Fleet, FleetWorker, FolderStore, PostgresStore, type ResultStore } from '../src';
import { Connection } from '../src/connection';
import { QueueStore } from '../src/stores/queue';
import { collect, imageFolder, until } from './support/images';
import { type Server, startPostgres } from './support/servers';

// Each store on what it is made for, and a fleet that keeps its results in it.

const folder = imageFolder();
let server: Server;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.connection.postgres as string });
}, 60_000);

afterAll(async () => {
  await pool.end();
  await server.stop();
  folder.remove();
});

const large = defineTask({ name: 'large', run: async ({ images }) => `${images[0]?.path} `.repeat(10_000) });

interface Closable extends ResultStore {
  close?(): Promise<void>;
}

const stores: Record<string, (retention: number) => Closable> = {
  folder: (retention) => new FolderStore(`${folder.path}/results`, { retention }),
  postgres: (retention) => new PostgresStore(pool, { retention }),
  'the queue': (retention) => new QueueStore(new Connection(server.connection).queue('-results'), retention),
};

describe.each(Object.entries(stores))('%s', (_, make) => {
  const week = 7 * 86_400_000;

  test('keeps, replaces, gives and removes', async () => {
    const store = make(week);
    const bytes = Buffer.from(Array.from({ length: 1000 }, (__, n) => n % 256));
    expect(await store.get('one')).toBeUndefined();
    await store.put('one', bytes);
    await store.put('two', Buffer.from('two'));
    expect(await store.get('one')).toEqual(bytes);
    await store.put('one', Buffer.from('other'));
    expect((await store.get('one'))?.toString()).toBe('other');
    await store.delete('one');
    await store.delete('one');
    expect(await store.get('one')).toBeUndefined();
    expect((await store.get('two'))?.toString()).toBe('two');
    await store.close?.();
  });

  test('keeps nothing longer than it is told', async () => {
    const store = make(1);
    await store.put('old', Buffer.from('old'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await store.put('new', Buffer.from('new'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.put('newer', Buffer.from('newer'));
    expect(await store.get('old')).toBeUndefined();
    await store.close?.();
  });

  test('a fleet has its large results there', async () => {
    const store = make(week);
    const image = folder.file('a.img');
    const worker = new FleetWorker({
      ...server.connection,
      roots: [folder.path],
      tasks: [large],
      store,
      concurrency: 2,
    });
    await worker.start();
    const fleet = new Fleet({ ...server.connection, tasks: [large], store });
    const [came] = await collect(
      fleet.run(large, [image], { batch: `b-${Math.random().toString(36).slice(2)}` }),
    );
    expect(came?.result).toBe(`${image} `.repeat(10_000));
    await fleet.close();
    await worker.close();
    await store.close?.();
  }, 30_000);
});

test('the server of the queue keeps none too long, however many there are', async () => {
  const connection = new Connection({ ...server.connection, name: 'thousands' });
  const queue = connection.queue('-results');
  await queue.addBulk(
    Array.from({ length: 2500 }, (_, n) => ({
      ...{ name: 'result', data: {} },
      opts: { jobId: `old-${n}`, timestamp: Date.now() - 100_000 },
    })),
  );
  const store = new QueueStore(connection.queue('-results'), 60_000);
  await store.put('new', Buffer.from('new'));
  expect(await queue.getWaitingCount()).toBe(1);
  await Promise.all([store.close(), queue.close()]);
}, 30_000);

test.each(['../x', '', '/etc/passwd', 'a/b', '.hidden', 'x'.repeat(300)])(
  'no result is kept under %j',
  async (key) => {
    const refused = { code: 'ERR_GUESTFS_FLEET_RESULT' };
    await expect(new FolderStore(folder.path).get(key)).rejects.toMatchObject(refused);
    await expect(new FolderStore(folder.path).put(key, Buffer.from('x'))).rejects.toMatchObject(refused);
    await expect(new PostgresStore(pool).get(key)).rejects.toMatchObject(refused);
  },
);

test('a result that the store has lost is an error, and not an empty result', async () => {
  const store = new FolderStore(`${folder.path}/lost`);
  const broken: ResultStore = {
    put: (key, value) => store.put(key, value),
    get: async () => undefined,
    delete: async () => undefined,
  };
  const worker = new FleetWorker({
    ...server.connection,
    roots: [folder.path],
    tasks: [large],
    store,
    concurrency: 1,
  });
  await worker.start();
  const fleet = new Fleet({ ...server.connection, tasks: [large], store: broken });
  writeFileSync(`${folder.path}/a.img`, 'a');
  const [came] = await collect(fleet.run(large, [`${folder.path}/a.img`]));
  expect(came?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_RESULT' });
  await fleet.close();
  await worker.close();
}, 30_000);

test('a store that does not answer keeps nobody from giving up', async () => {
  const store = new FolderStore(`${folder.path}/silent`);
  let isAsked = false;
  const silent: ResultStore = {
    put: (key, value) => store.put(key, value),
    get: async () => {
      isAsked = true;
      return await new Promise<never>(() => undefined);
    },
    delete: async () => undefined,
  };
  const options = { ...server.connection, name: 'silent', tasks: [large] };
  await using worker = new FleetWorker({ ...options, roots: [folder.path], store, concurrency: 1 });
  await worker.start();
  await using fleet = new Fleet({ ...options, store: silent });
  const abort = new AbortController();
  const coming = collect(fleet.run(large, [folder.file('b.img')], { signal: abort.signal })).catch(
    (error) => error,
  );
  await until(() => isAsked);
  const began = performance.now();
  abort.abort();
  expect(await coming).toMatchObject({ name: 'AbortError' });
  expect(performance.now() - began).toBeLessThan(5000);
}, 30_000);

test('a folder of results is not cleaned of what is not the store’s', async () => {
  const path = `${folder.path}/shared`;
  mkdirSync(`${path}/sub.guestfs-result`, { recursive: true });
  writeFileSync(`${path}/disk.qcow2`, 'an image');
  const long = new Date(Date.now() - 1e9);
  utimesSync(`${path}/disk.qcow2`, long, long);
  utimesSync(`${path}/sub.guestfs-result`, long, long);
  const store = new FolderStore(path, { retention: 1 });
  await store.put('one', Buffer.from('one'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await store.put('two', Buffer.from('two'));
  await store.clean();
  expect(await store.get('one')).toBeUndefined();
  expect(readdirSync(path)).toEqual(expect.arrayContaining(['disk.qcow2', 'sub.guestfs-result']));
});

test('a store that does not work is a fault of the machine, on both sides', async () => {
  const broken = () =>
    Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
  const store = new FolderStore(`${folder.path}/faults`);
  const image = folder.file('fault.img');
  const options = { ...server.connection, name: 'faults', tasks: [large] };
  const worker = new FleetWorker({
    ...{ ...options, roots: [folder.path], concurrency: 1 },
    store: { get: store.get.bind(store), put: broken, delete: broken },
  });
  await worker.start();
  const fleet = new Fleet({ ...options, store });
  const [came] = await collect(fleet.run(large, [image], { attempts: 2 }));
  expect(came?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_STORE' });
  await worker.close();
  const other = new FleetWorker({ ...options, roots: [folder.path], concurrency: 1, store });
  await other.start();
  const blind = new Fleet({ ...options, store: { get: broken, put: broken, delete: broken } });
  const run = blind.run(large, [image]);
  // That is nothing of the image: the batch goes on, for who sees the store.
  await expect(collect(run)).rejects.toMatchObject({ code: 'ERR_GUESTFS_FLEET_STORE' });
  expect(await collect(fleet.batch(run.batch))).toMatchObject([{ index: 0, result: expect.any(String) }]);
  await Promise.all([fleet.close(), blind.close(), other.close()]);
}, 30_000);
