import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { defineTask, type Fleet } from '../../src';
import { fleetTimeout, startFleet } from '../support/fleet';
import { imageFolder } from '../support/images';

// As many images as nobody has memory for: the client and the worker need the same for the last as for the first of them,
// and what waits for a program that is slow is no more than the guide says.

const many = Number(process.env.GUESTFS_FLEET_MANY ?? 100_000);
const window = 1000;
/** Bytes of memory that grow with nothing: code, caches, garbage that is still counted. */
const mostGrowth = 32 * 2 ** 20;

const folder = imageFolder();
const image = folder.file('a.img');
const text = defineTask({
  name: 'text',
  options: (given) => given as { length: number },
  run: async ({ options: { length } }) => 'x'.repeat(length),
});
let fleet: Fleet;
let end: () => Promise<void>;

beforeAll(async () => {
  ({ fleet, end } = await startFleet('redis', { roots: [folder.path], tasks: [text], concurrency: 64 }));
}, fleetTimeout);

afterAll(async () => {
  await end();
  folder.remove();
}, fleetTimeout);

/** Bytes that are in use, of JavaScript and beside it. */
function used(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

interface Load {
  readonly count: number;
  /** Characters of each result. */
  readonly length: number;
  /** Milliseconds that the program works on ten results. */
  readonly pauseMs: number;
}

/** Lets a run go through; tells what it needs more than nothing, and more at its end than at its beginning. */
async function measure({ count, length, pauseMs }: Load): Promise<{ peak: number; growth: number }> {
  let [taken, come, begun, later] = [0, 0, 0, 0];
  const images = function* () {
    for (; taken < count; taken++) yield image;
  };
  const idle = used();
  const began = performance.now();
  const options = { retention: 2000, concurrency: window, options: { length } };
  for await (const { error, result } of fleet.run(text, images(), options)) {
    if (error) throw error;
    if (result?.length !== length) throw new Error('another result');
    come++;
    expect(taken - come).toBeLessThanOrEqual(2 * window + 1);
    if (come % 10 === 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (come % (count / 20) !== 0) continue;
    if (come <= count / 10) begun = Math.max(begun, used());
    else later = Math.max(later, used());
  }
  expect(come).toBe(count);
  const [peak, growth] = [Math.max(begun, later) - idle, later - begun];
  const rate = Math.round(count / ((performance.now() - began) / 1000));
  const [peakMB, growthMB] = [peak, growth].map((bytes) => Math.round(bytes / 2 ** 20));
  console.log(`${rate} jobs a second, ${peakMB} MB more than before, ${growthMB} MB more at the end`);
  return { peak, growth };
}

describe('in bounded memory', () => {
  test(`${many} images`, async () => {
    const { growth } = await measure({ count: many, length: 1000, pauseMs: 0 });
    expect(growth).toBeLessThan(mostGrowth);
  }, 1_200_000);

  test(`${many / 5} images, with results as large as they may be, of which the program takes its time`, async () => {
    const length = 16_000;
    const { peak, growth } = await measure({ count: many / 5, length, pauseMs: 20 });
    expect(growth).toBeLessThan(mostGrowth);
    expect(peak).toBeLessThan(2 * window * length + mostGrowth);
  }, 1_200_000);
});
