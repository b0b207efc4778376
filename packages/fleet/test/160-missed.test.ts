import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { defineTask, type Fleet, type FleetProgress } from '../src';
import { Connection } from '../src/connection';
import { fleetTimeout, startFleet } from './support/fleet';
import { collect, imageFolder, until } from './support/images';
import { serverKinds } from './support/servers';

// Events may be missed, at any time and in any number: then the client finds out by itself what has become of its jobs.

const folder = imageFolder();
afterAll(() => folder.remove());
const tasks = [
  defineTask({ name: 'work', run: async ({ images: [image] }) => image?.path }),
  defineTask({ name: 'fail', run: () => Promise.reject(Object.assign(new Error('no'), { code: 'EINVAL' })) }),
];

describe.each(serverKinds)('%s', (kind) => {
  let fleet: Fleet;
  let end: () => Promise<void>;
  let missed = 0;
  /** Whether an event is missed. */
  let misses = (_event: string, _jobId: string) => false;

  beforeAll(async () => {
    const open = Connection.prototype.events;
    jest.spyOn(Connection.prototype, 'events').mockImplementation(function (this: Connection) {
      const events = open.call(this);
      const emit = events.emit.bind(events) as (event: string, ...args: unknown[]) => boolean;
      const sieve = (event: string, ...args: unknown[]) => {
        const { jobId } = (args[0] ?? {}) as { jobId?: string };
        if (jobId === undefined || !misses(event, jobId)) return emit(event, ...args);
        missed++;
        return true;
      };
      return Object.assign(events, { emit: sieve });
    });
    ({ fleet, end } = await startFleet(kind, { roots: [folder.path], tasks, concurrency: 4 }));
  }, fleetTimeout);
  afterAll(async () => {
    await end();
    jest.restoreAllMocks();
  }, fleetTimeout);
  afterEach(() => {
    missed = 0;
  });

  test.each<[string, typeof misses]>([
    ['all events', () => true],
    ['each second event', () => missed % 2 === 0 || Math.random() < 0.5],
    ['ends', (event) => event === 'completed' || event === 'failed'],
    ['all of every third job', (_, jobId) => Number(jobId.split('-').at(-1)) % 3 === 0],
  ])(
    '%s',
    async (_, some) => {
      misses = some;
      const images = Array.from({ length: 60 }, (__, n) => folder.file(`${n}.img`));
      const progress: FleetProgress<string>[] = [];
      const onProgress = (each: FleetProgress<string>) => progress.push(each);
      const [done, failed] = await Promise.all([
        collect(fleet.run('work', images, { onProgress })),
        collect(fleet.run('fail', images.slice(0, 10))),
      ]);
      expect(missed).toBeGreaterThan(0);
      expect(done.map(({ result }) => result).sort()).toEqual([...images].sort());
      expect(failed.map(({ error }) => (error as { code?: string }).code)).toEqual(Array(10).fill('EINVAL'));
      for (const type of ['start', 'end'])
        expect(progress.filter((each) => each.type === type)).toHaveLength(60);
    },
    30_000,
  );

  test('a result that was not heard of when its batch was cancelled is still there', async () => {
    misses = () => true;
    const images = Array.from({ length: 60 }, (_, n) => folder.file(`${n}.img`));
    const abort = new AbortController();
    const before = (await fleet.counts()).completed ?? 0;
    const results = fleet.run('work', images, { signal: abort.signal });
    const run = expect(collect(results)).rejects.toMatchObject({ name: 'AbortError' });
    await until(async () => (await fleet.counts()).completed === before + 60);
    abort.abort();
    await run;
    const found = await collect(fleet.batch(results.batch, { all: true }));
    expect(found.map(({ result }) => result).sort()).toEqual([...images].sort());
  }, 30_000);
});
