/** Commands that work on several guests at a time: in their order, no more at once than is wanted, and all of them ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError } from '../../lib';
import { command as checkCommand } from '../../lib/cli/check';
import { command as sbomCommand } from '../../lib/cli/sbom';
import { defaultConcurrency, sideBySide } from '../../lib/cli/side-by-side';

const how = { operation: 'check', signal: new AbortController().signal };

test('results are in the order of the guests, of which so many are worked on at a time', async () => {
  let [running, most] = [0, 0];
  const results = await sideBySide([30, 1, 20, 1], { ...how, concurrency: 2 }, async (time, index) => {
    most = Math.max(most, ++running);
    await sleep(time);
    running--;
    return `${index}:${time}`;
  });
  expect(results).toEqual(['0:30', '1:1', '2:20', '3:1']);
  expect([most, running]).toEqual([2, 0]);
});

test('what is wrong with all of them ends the others, and an abort all', async () => {
  const aborted: number[] = [];
  const wait = async (_: number, index: number, signal: AbortSignal) => {
    if (index === 1) throw new TypeError('wrong');
    await sleep(10_000, undefined, { signal }).catch(() => aborted.push(index));
  };
  await expect(sideBySide([0, 1, 2], { ...how, concurrency: 2 }, wait)).rejects.toThrow('wrong');
  expect(aborted).toEqual([0]);
  const controller = new AbortController();
  const both = sideBySide(
    [0, 2],
    { ...how, signal: controller.signal, concurrency: 2 },
    (each, index, signal) => wait(each, index * 2, signal),
  );
  setImmediate(() => controller.abort());
  await expect(both).rejects.toThrow(AbortError);
  expect(aborted.sort()).toEqual([0, 0, 2]);
});

test('of one there is one at a time, and by default no fewer', async () => {
  expect(await defaultConcurrency(1)).toBe(1);
  expect(await defaultConcurrency(100)).toBeGreaterThanOrEqual(1);
});

test.each([checkCommand, sbomCommand])('the command $description.name has the option', ({ description }) => {
  expect(description.options.map(({ name }) => name)).toContain('concurrency');
});
