import { expect, test } from '@jest/globals';
import { defineTask, Fleet, FleetWorker } from '../../src';
import { imageFolder } from '../support/images';
import { startRedis } from '../support/servers';

// As many images as nobody has memory for: the client and the worker need the same for the last as for the first of them.

const count = Number(process.env.GUESTFS_FLEET_MANY ?? 100_000);
const mostGrowth = 32 * 2 ** 20;

test(`${count} images in bounded memory`, async () => {
  const folder = imageFolder();
  const server = await startRedis();
  const nothing = defineTask({ name: 'nothing', run: async () => 'x'.repeat(1000) });
  const worker = new FleetWorker({
    ...server.connection,
    roots: [folder.path],
    tasks: [nothing],
    concurrency: 64,
  });
  await worker.start();
  const fleet = new Fleet({ ...server.connection, tasks: [nothing] });
  const image = folder.file('a.img');
  let taken = 0;
  const images = function* () {
    for (; taken < count; taken++) yield image;
  };
  const heap = () => {
    global.gc?.();
    return process.memoryUsage().heapUsed;
  };
  let [come, begun, most] = [0, 0, 0];
  const began = performance.now();
  for await (const { error } of fleet.run(nothing, images(), { retention: 2000 })) {
    if (error) throw error;
    come++;
    expect(taken - come).toBeLessThanOrEqual(2001);
    if (come % (count / 20) !== 0) continue;
    if (come === count / 10) begun = heap();
    else if (come > count / 10) most = Math.max(most, heap());
  }
  expect(come).toBe(count);
  console.log(
    `${Math.round(count / ((performance.now() - began) / 1000))} jobs a second, ${Math.round((most - begun) / 2 ** 20)} MB more`,
  );
  expect(most - begun).toBeLessThan(mostGrowth);
  await fleet.close();
  await worker.close();
  await server.stop();
  folder.remove();
}, 1_200_000);
