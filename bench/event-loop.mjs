// How long this process's event loop is kept waiting while libguestfs works: the longest gap between two turns of a
// 1 ms timer, beyond that millisecond. Idle shows what the machine itself does to such a timer.
import { performance } from 'node:perf_hooks';
import { Guestfs } from 'guestfs';

/** Runs `work` and returns the longest and the 99th percentile gap in milliseconds. */
async function gaps(work) {
  const samples = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    samples.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  const start = performance.now();
  await work();
  clearInterval(timer);
  samples.sort((a, b) => a - b);
  return {
    seconds: ((performance.now() - start) / 1000).toFixed(1),
    'p99 gap (ms)': samples[Math.floor(samples.length * 0.99)].toFixed(2),
    'longest gap (ms)': samples.at(-1).toFixed(2),
  };
}

const g = new Guestfs();
g.on('progress', () => {});
g.on('appliance', () => {});
const rows = {};
rows['idle, 5 s'] = await gaps(() => new Promise((resolve) => setTimeout(resolve, 5000)));
await g.addDriveScratch(100 * 1024 * 1024);
rows.launch = await gaps(() => g.launch());
rows['one call of 5 s with progress'] = await gaps(() => g.debug('progress', ['5']));
rows['1,000 round trips to the appliance'] = await gaps(async () => {
  for (let i = 0; i < 1000; i++) await g.pingDaemon();
});
rows['100,000 calls without the appliance, awaited'] = await gaps(async () => {
  for (let i = 0; i < 100_000; i++) await g.getMemsize();
});
rows.close = await gaps(() => g.close());
console.table(rows);
