import { readFileSync, symlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { defineTask, Fleet, type FleetWorkerOptions } from '../src';
import { collect, imageFolder, until } from './support/images';
import { WorkerProcesses } from './support/processes';
import { type Server, serverKinds, servers } from './support/servers';

// Workers in processes of their own, which are killed, stopped, and told to end.

const folder = imageFolder();
const journal = `${folder.path}/journal`;
const workers = new WorkerProcesses();
afterEach(() => workers.end());
afterAll(() => folder.remove());

// The workers have them; the client only has to know what they are called.
const none = async () => null;
const tasks = [
  defineTask({ name: 'wait', options: (given) => given, run: none }),
  defineTask({ name: 'write', writes: true, options: (given) => given, run: none }),
  defineTask({ name: 'die', run: none }),
];

describe.each(serverKinds)('%s', (kind) => {
  let server: Server;
  let fleet: Fleet;
  let options: FleetWorkerOptions;
  const noted = () => readFileSync(journal, 'utf8').trim().split('\n').filter(Boolean);

  beforeAll(async () => {
    server = await servers[kind]();
    fleet = new Fleet({ ...server.connection, tasks });
    options = { ...server.connection, roots: [folder.path], concurrency: 2, lockMs: 1500 };
  }, 60_000);

  afterAll(async () => {
    await fleet.close();
    await server.stop();
  }, 60_000);

  const images = (name: string, count: number) => {
    folder.file('journal', '');
    return Array.from({ length: count }, (_, n) => folder.file(`${kind}-${name}-${n}.img`));
  };

  test('the jobs of a worker that is killed are done by another', async () => {
    const first = await workers.start(options, { journal });
    const all = images('killed', 4);
    const run = collect(fleet.run<string, { pid: number }>('wait', all, { options: { ms: 800 } }));
    await until(() => noted().length >= 2);
    first.child.kill('SIGKILL');
    const second = await workers.start(options, { journal });
    const results = await run;
    expect(results.map(({ error }) => error)).toEqual(all.map(() => undefined));
    expect(new Set(results.map(({ result }) => result?.pid))).toEqual(new Set([second.child.pid]));
  }, 60_000);

  test('a worker that was stopped comes back to jobs that are no longer its own, and nothing comes twice', async () => {
    const first = await workers.start(options, { journal });
    const all = images('stopped', 2);
    const run = collect(fleet.run<string, { pid: number }>('wait', all, { options: { ms: 700 } }));
    await until(() => noted().length >= 2);
    first.child.kill('SIGSTOP');
    const second = await workers.start(options, { journal });
    const results = await run;
    first.child.kill('SIGCONT');
    expect(results.map(({ result }) => result?.pid)).toEqual([second.child.pid, second.child.pid]);
    // It goes on, with its next job.
    second.child.kill('SIGKILL');
    await second.ended;
    const [later] = await collect(
      fleet.run<string, { pid: number }>('wait', images('later', 1), { options: { ms: 1 } }),
    );
    expect(later?.result?.pid).toBe(first.child.pid);
  }, 60_000);

  test('a job that kills its workers is given up after the second', async () => {
    const running = [1, 2, 3].map(() => workers.start({ ...options, concurrency: 1 }));
    await Promise.all(running);
    const [result] = await collect(fleet.run('die', images('die', 1)));
    expect(result?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_WORKER_LOST' });
    const alive = (await Promise.all(running)).filter(({ child }) => child.signalCode === null);
    expect(alive).toHaveLength(1);
  }, 60_000);

  test('a job that writes is not begun again when its worker dies', async () => {
    await workers.start(options, { journal });
    const all = images('write', 1);
    const run = collect(fleet.run('write', all, { options: { dies: true } }));
    await until(() => noted().length >= 1);
    await workers.start(options, { journal });
    const [result] = await run;
    expect(result?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_NOT_REPEATED' });
    expect(noted()).toEqual([`write ${all[0]}`]);
  }, 60_000);

  test('SIGTERM: what runs comes to its end within the grace', async () => {
    const { child, ended } = await workers.start(options, { journal, graceMs: 20_000 });
    const all = images('drain', 6);
    const run = collect(fleet.run('wait', all, { options: { ms: 400 } }));
    await until(() => noted().length >= 2);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    const lines = noted();
    expect(lines.filter((line) => line.startsWith('begin')).length).toBe(
      lines.filter((line) => line.startsWith('end')).length,
    );
    await workers.start(options);
    expect((await run).map(({ error }) => error)).toEqual(all.map(() => undefined));
  }, 60_000);

  test('SIGTERM: what does not end within the grace is given back, and begun anew at once', async () => {
    const { child, ended } = await workers.start({ ...options, lockMs: 30_000 }, { journal, graceMs: 100 });
    const run = collect(fleet.run('wait', images('back', 1), { options: { ms: 8000 } }));
    await until(() => noted().length >= 1);
    const at = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(performance.now() - at).toBeLessThan(7500);
    await workers.start({ ...options, lockMs: 30_000 }, { journal });
    const [result] = await run;
    expect(result?.error).toBeUndefined();
    // It had not to wait for the lock of the worker that went.
    expect(performance.now() - at).toBeLessThan(25_000);
  }, 60_000);

  test('SIGTERM: what writes is waited for, beyond the grace', async () => {
    const { child, ended } = await workers.start(options, { journal, graceMs: 100 });
    const all = images('finish', 1);
    const run = collect(fleet.run('write', all, { options: { ms: 1500 } }));
    await until(() => noted().length >= 1);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(noted()).toEqual([`write ${all[0]}`, `written ${all[0]}`]);
    expect((await run)[0]?.result).toBe(all[0]);
  }, 60_000);

  test('SIGTERM twice: a grace can be shortened, and is not lengthened', async () => {
    const { child, ended } = await workers.start(options, { journal, graceMs: 20_000, againMs: 100 });
    const run = collect(fleet.run('wait', images('twice', 1), { options: { ms: 6000 } }));
    await until(() => noted().length >= 1);
    const at = performance.now();
    child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(performance.now() - at).toBeLessThan(4000);
    await workers.start(options);
    expect((await run)[0]?.error).toBeUndefined();
  }, 60_000);

  test('jobs that write to one image follow each other, on whatever workers; a worker that dies locks nothing', async () => {
    const several = [1, 2, 3].map(() => workers.start(options, { journal }));
    await Promise.all(several);
    const [image = '', other = '', third = ''] = images('lock', 3);
    const link = `${third}-link`;
    symlinkSync(image, link);
    // The first one dies with its worker.
    const dying = collect(fleet.run('write', [image], { options: { dies: true } }));
    await until(() => noted().length === 1);
    const all = [image, link, image, other].map((each) => [{ path: each }]);
    const results = await collect(fleet.run('write', all, { options: { ms: 300 } }));
    expect(results.map(({ error }) => error)).toEqual(all.map(() => undefined));
    expect((await dying)[0]?.error).toMatchObject({ code: 'ERR_GUESTFS_FLEET_NOT_REPEATED' });
    const lines = noted()
      .slice(1)
      .filter((line) => !line.endsWith(other));
    expect(lines.map((line) => line.split(' ')[0])).toEqual(Array(3).fill(['write', 'written']).flat());
  }, 60_000);
});
