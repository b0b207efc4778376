// What a fleet costs: jobs without an appliance a second, on one worker, what a job takes beside its work, against an
// inspection on this machine, and how long a cancelled batch goes on. Needs redis-server; `-- --no-appliance` leaves the
// inspection out.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { attached } from '../scripts/steps.mjs';
import { debianImage } from './comparison/images.mjs';

await attached(['npm', 'run', '--silent', 'build:fleet']);
const require = createRequire(import.meta.url);
const { defineTask, Fleet, FleetWorker } = require('../packages/fleet');
const { inspectAll } = require('../dist');

const [jobs, sequential, inspections, cancels] = [1000, 100, 5, 10];
const folder = mkdtempSync(path.join(tmpdir(), 'guestfs-bench-'));
const port = await freePort();
const settings = [
  ...['--bind', '127.0.0.1', '--port', `${port}`],
  ...['--dir', folder, '--save', '', '--appendonly', 'yes'],
];
const server = spawn('redis-server', settings, { stdio: 'ignore' });
process.once('exit', () => server.kill());
const connection = { redis: `redis://127.0.0.1:${port}` };
const nothing = defineTask({ name: 'nothing', run: async () => null });
const endless = defineTask({
  name: 'endless',
  run: ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
});
const rows = {};

try {
  for (const concurrency of [1, 8, 64]) {
    const seconds = await timeOf(concurrency, jobs, concurrency);
    rows[`jobs without an appliance a second, ${concurrency} at a time`] = {
      measured: Math.round(jobs / seconds),
    };
  }
  const each = ((await timeOf(1, sequential, 1)) / sequential) * 1000;
  rows['a job beside its work, one after the other (ms)'] = { measured: Number(each.toPrecision(3)) };
  const cancelled = Math.round(await cancelTime());
  rows['a cancel by another client, until all has ended, longest of ten (ms)'] = {
    measured: cancelled,
    target: 2000,
  };
  if (!process.argv.includes('--no-appliance')) {
    const whole = await inspectionTime();
    rows['an inspection by inspectAll() (ms)'] = { measured: Math.round(whole) };
    rows['overhead of a job (%)'] = { measured: Number(((each / whole) * 100).toPrecision(2)), target: 3 };
  }
  console.table(rows);
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** Seconds that a number of jobs takes, `window` of them with the queue at a time. */
async function timeOf(concurrency, count, window) {
  const worker = new FleetWorker({ ...connection, roots: [folder], tasks: [nothing], concurrency });
  const fleet = new Fleet({ ...connection, tasks: [nothing] });
  const results = async (images) => {
    for await (const { error } of fleet.run(nothing, images, { concurrency: 2 * window }))
      if (error) throw error;
  };
  try {
    await worker.start();
    await results(Array(10 * concurrency).fill(folder));
    const began = performance.now();
    await results(Array(count).fill(folder));
    return (performance.now() - began) / 1000;
  } finally {
    await fleet.close();
    await worker.close();
  }
}

/** Milliseconds from a cancel to the end of the last job of its batch, most of several times. */
async function cancelTime() {
  const options = { ...connection, tasks: [endless] };
  const worker = new FleetWorker({ ...options, roots: [folder], concurrency: 4 });
  const [fleet, other] = [new Fleet(options), new Fleet(options)];
  let longest = 0;
  try {
    await worker.start();
    for (let n = 0; n < cancels; n++) {
      const batch = `cancel-${n}`;
      const run = drain(fleet.run(endless, Array(100).fill(folder), { batch }));
      while (worker.running < 4) await new Promise((resolve) => setTimeout(resolve, 50));
      const began = performance.now();
      await other.cancel(batch);
      await run;
      longest = Math.max(longest, performance.now() - began);
    }
    return longest;
  } finally {
    await Promise.all([fleet.close(), other.close(), worker.close()]);
  }
}

/** Milliseconds of one inspection of a small guest among several, from a template where there is one. */
async function inspectionTime() {
  const image = { path: await debianImage(), format: 'raw' };
  const results = async (count) => {
    for await (const { error } of inspectAll(Array(count).fill(image), { concurrency: 1 }))
      if (error) throw error;
  };
  await results(1);
  const began = performance.now();
  await results(inspections);
  return (performance.now() - began) / inspections;
}

async function drain(results) {
  for await (const _ of results);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
