import { availableParallelism } from 'node:os';
import { expect, test } from '@jest/globals';
import { capacity } from '../src/capacity';
import { Throttle } from '../src/throttle';
import { until } from './support/images';

// How much a worker does at a time, and how often it tells of it.

const GiB = 2 ** 30;

test('a worker does as many jobs as have a core and memory each; those that run have their memory already', async () => {
  const jobs = await capacity({ memsize: 1280, smp: 1 });
  expect(jobs(0, 8, 64 * GiB)).toBe(8);
  const few = jobs(0, 8, 4 * GiB);
  expect(few).toBeGreaterThan(0);
  expect(few).toBeLessThan(4);
  // Another program takes memory, and gives it back.
  expect(jobs(0, 8, 0)).toBe(1);
  expect(jobs(few, 8, 0)).toBe(few);
  expect(jobs(few, 8, 64 * GiB)).toBe(8);
  expect(jobs(0)).toBeLessThanOrEqual(availableParallelism());
});

test('of what comes too often the latest is told, and nothing once it is over', async () => {
  const told: [number, number][] = [];
  const began = performance.now();
  const throttle = new Throttle<number>(100, async (value) => told.push([value, performance.now() - began]));
  let put = 0;
  await until(() => {
    throttle.put(++put);
    return performance.now() - began > 450;
  });
  await throttle.end();
  const last = told.at(-1)?.[0];
  throttle.put(++put);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(told[0]?.[0]).toBe(1);
  expect(told.length).toBeGreaterThanOrEqual(2);
  expect(told.length).toBeLessThanOrEqual(5);
  for (const [n, [, at]] of told.entries())
    if (n > 0) expect(at - (told[n - 1]?.[1] ?? 0)).toBeGreaterThan(90);
  expect(told.at(-1)?.[0]).toBe(last);
});

test('a message that cannot be told ends nothing', async () => {
  let tries = 0;
  const throttle = new Throttle<number>(1, async () => {
    tries++;
    throw new Error('the server is away');
  });
  throttle.put(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  throttle.put(2);
  await throttle.end();
  expect(tries).toBe(2);
});
