import { expect, test } from '@jest/globals';
import { resultOf } from '../support/script';

type Sample = Record<string, number>;

const sample: Sample = {
  residentKiB: 70_000,
  heapKiB: 6000,
  threads: 11,
  descriptors: 21,
  listeners: 10,
  processes: 0,
  files: 0,
};

/** What the soak says of a load whose samples are these. */
function whatGrew(samples: Sample[]): Promise<string[]> {
  return resultOf(`
    const { whatGrew } = await import(process.cwd() + '/test/soak/verdict.mjs');
    console.log(JSON.stringify(whatGrew(${JSON.stringify(sample)}, ${JSON.stringify(samples)})));
  `);
}

const load = (at: (i: number) => Sample) => Array.from({ length: 20 }, (_, i) => ({ ...sample, ...at(i) }));

test('the soak lets a load pass that grows at first, and has a peak', async () => {
  const samples = load((i) => ({ residentKiB: i < 5 ? 70_000 + 10_000 * i : i === 17 ? 200_000 : 110_000 }));
  expect(await whatGrew(samples)).toEqual([]);
});

test.each<[string, (i: number) => Sample]>([
  ['residentKiB', (i) => ({ residentKiB: 70_000 + 500 * i })],
  ['heapKiB', (i) => ({ heapKiB: 6000 + 150 * i })],
  ['threads', (i) => ({ threads: i === 19 ? 12 : 11 })],
  ['descriptors', (i) => ({ descriptors: 21 + i })],
  ['listeners', (i) => ({ listeners: 10 + i })],
  ['processes', () => ({ processes: 1 })],
  ['files', () => ({ files: 1 })],
])('the soak notices that %s grow', async (name, at) => {
  const grew = await whatGrew(load(at));
  expect(grew).toHaveLength(1);
  expect(grew[0]).toContain(name);
});
