import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defineTask, Fleet, FleetWorker } from '../src';
import { collect, imageFolder } from './support/images';
import { type Server, serverKinds, servers } from './support/servers';

// The example `dashboard.mjs` beside a fleet that works.

const program = join(__dirname, '../examples/dashboard.mjs');
const folder = imageFolder();
afterAll(() => folder.remove());

const greet = defineTask({ name: 'greet', run: async ({ images: [image] }) => `hello, ${image?.path}` });

describe.each(serverKinds)('%s', (kind) => {
  let server: Server;
  let dashboard: ChildProcess;
  let url: string;

  beforeAll(async () => {
    server = await servers[kind]();
  }, 60_000);
  afterAll(() => server.stop(), 60_000);
  afterEach(() => void dashboard.kill('SIGKILL'));

  async function start(): Promise<void> {
    const { redis, postgres } = server.connection;
    const env = {
      ...process.env,
      ...(redis !== undefined && { GUESTFS_FLEET_REDIS: `${redis}` }),
      ...(postgres !== undefined && { GUESTFS_FLEET_POSTGRES: `${postgres}` }),
    };
    dashboard = spawn(process.execPath, [program, '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(dashboard.stdout as NodeJS.ReadableStream, 'data');
    url = String(line).trim();
  }

  async function end(): Promise<void> {
    const ended = once(dashboard, 'exit');
    dashboard.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }

  const ask = async (path: string, method = 'GET') => await fetch(`${url}/api/queues${path}`, { method });
  // biome-ignore lint/suspicious/noExplicitAny: JSON of another program, which is looked at below.
  const told = async (path: string) => (await (await ask(path)).json()) as any;

  test('it shows the queue and its jobs, changes nothing, and ends', async () => {
    const common = { ...server.connection, tasks: [greet] };
    await using worker = new FleetWorker({ ...common, roots: [folder.path], concurrency: 1 });
    await worker.start();
    await using fleet = new Fleet(common);
    const image = folder.file('a.img');
    const results = fleet.run(greet, [image, `${folder.path}/none.img`]);
    await collect(results);
    await start();

    const { queues } = await told('?activeQueue=guestfs&status=latest');
    expect(queues).toMatchObject([
      { name: 'guestfs', counts: { completed: 1, failed: 1 }, readOnlyMode: true },
    ]);
    const names = queues[0].jobs.map(({ id, name }: { id: string; name: string }) => [id, name]);
    expect(names.sort()).toEqual([0, 1].map((index) => [`${results.batch}-${index}`, 'greet']));
    const { job, status } = await told(`/guestfs/${results.batch}-0`);
    expect(status).toBe('completed');
    expect(job).toMatchObject({
      data: { guests: [[{ path: image }]] },
      returnValue: { result: `hello, ${image}` },
    });
    expect(await (await fetch(url)).text()).toContain('<html');

    for (const change of ['pause', 'empty', 'clean/failed', 'retry/failed', `${results.batch}-1/retry`])
      expect([change, (await ask(`/guestfs/${change}`, 'PUT')).status]).toEqual([change, 405]);
    expect(await fleet.counts()).toMatchObject({ completed: 1, failed: 1 });
    await end();
  });

  test('it answers to nobody else: neither other machines, nor pages with a name for this one', async () => {
    await start();
    const foreign = request(`${url}/api/queues`, { headers: { host: 'page.example' } }).end();
    const [response] = await once(foreign, 'response');
    expect(response.statusCode).toBe(403);
    response.resume();
    await expect(fetch(url.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow('fetch failed');
    await end();
  });

  test('it ends while the server of the queue does not answer', async () => {
    await start();
    expect((await ask('')).ok).toBe(true);
    server.signal('SIGSTOP');
    try {
      const asked = ask('').catch(() => undefined);
      await end();
      await asked;
    } finally {
      server.signal('SIGCONT');
    }
  });
});
