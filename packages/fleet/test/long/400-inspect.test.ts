import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CheckReport, check, inspectAll } from 'guestfs';
import { debianLvm, debianMbr, luksDisk } from '../../../../test/images';
import { Fleet, type FleetProgress, FleetWorker, workerMetrics } from '../../src';
import { collect } from '../support/images';
import { type Server, startRedis } from '../support/servers';

// Real images, in real appliances: the fleet tells what inspectAll() of guestfs tells.

let server: Server;
let worker: FleetWorker;
let fleet: Fleet;
let images: string[];

beforeAll(async () => {
  images = [await debianMbr(), await debianLvm(), (await luksDisk()).path];
  server = await startRedis();
  const roots = [...new Set(images.map((path) => dirname(path)))];
  worker = new FleetWorker({ ...server.connection, roots, progressMs: 50 });
  await worker.start();
  fleet = new Fleet(server.connection);
}, 300_000);

afterAll(async () => {
  await fleet?.close();
  await worker?.close();
  await server?.stop();
});

const byIndex = <T extends { readonly index: number }>(all: T[]) => all.sort((a, b) => a.index - b.index);

test('launches are counted, by their way', async () => {
  using metrics = workerMetrics(worker);
  await collect(fleet.inspectAll(images.slice(0, 1)));
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/^guestfs_launches_total\{from="(template|boot)"\} 1$/m);
  expect(text).toMatch(/^guestfs_launch_seconds_count\{from="(template|boot)"\} 1$/m);
  expect(text).toMatch(/^guestfs_launch_phase_seconds_count\{phase="appliance"\} 1$/m);
}, 300_000);

test('the reports are those of inspectAll()', async () => {
  const all = [...images, `${dirname(images[0] as string)}/nothing.img`];
  const progress: FleetProgress<string>[] = [];
  const there = byIndex(await collect(fleet.inspectAll(all, { onProgress: (each) => progress.push(each) })));
  const here = byIndex(await collect(inspectAll(all)));
  expect(there.map(({ report }) => report)).toEqual(here.map(({ report }) => report));
  expect(there.map(({ image, index }) => [image, index])).toEqual(
    here.map(({ image, index }) => [image, index]),
  );
  expect(there[3]?.error).toMatchObject({ code: 'ENOENT' });
  expect(here[3]?.error).toMatchObject({ code: 'ENOENT' });
  expect(progress.filter(({ type }) => type === 'start')).toHaveLength(4);
  expect(progress.at(-1)).toMatchObject({ type: 'end', done: 4, failed: 1, running: 0, total: 4 });
  const launch = progress.find(({ event }) => event?.operation === 'launch');
  expect(launch?.event).toMatchObject({ position: expect.any(BigInt), ratio: expect.any(Number) });
}, 300_000);

test('a bill of materials, findings and differences come as they are', async () => {
  const [image = '', other = ''] = images;
  const [bill] = await collect(fleet.run<string, { document: { bomFormat: string } }>('sbom', [image]));
  expect(bill?.result?.document.bomFormat).toBe('CycloneDX');
  const [found] = await collect(
    fleet.run<string, CheckReport>('check', [image], { options: { ignore: ['machine-id'] } }),
  );
  expect(found?.result).toEqual(await check(image, { ignore: ['machine-id'] }));
  const [differences] = await collect(
    fleet.run<string[], { path: string; change: string }[]>('diff', [[image, other]]),
  );
  expect(differences?.error).toBeUndefined();
  expect(differences?.result).toContainEqual(
    expect.objectContaining({ path: '/etc/fstab', change: 'changed' }),
  );
}, 300_000);

test('an abort ends the appliances that run elsewhere', async () => {
  const abort = new AbortController();
  const run = collect(
    fleet.inspectAll(images, {
      signal: abort.signal,
      onProgress: ({ event }) => event?.operation === 'launch' && abort.abort(),
    }),
  );
  await expect(run).rejects.toMatchObject({ code: 'ABORT_ERR', operation: 'inspectAll' });
  expect(worker.running).toBe(0);
}, 300_000);
