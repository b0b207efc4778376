// How long this process's event loop, and Node's own threads, are kept waiting while libguestfs works. Idle shows what
// the machine itself does to them.
import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Guestfs } from 'guestfs';
import { LoopGaps } from './support/loop-gaps.mjs';

const { invoke } = createRequire(import.meta.url)('../dist/calls/invoke.js');
const seconds = 5;

const g = new Guestfs();
g.on('progress', () => {});
g.on('appliance', () => {});
const rows = {};
rows[`idle, ${seconds} s`] = await gaps(() => sleep(seconds * 1000));
await g.addDriveScratch(100 * 1024 * 1024);
rows.launch = await gaps(() => g.launch());
rows[`one call of ${seconds} s with progress`] = await gaps(() => g.debug('progress', [String(seconds)]));
rows['the same, with a listener that takes 5 ms'] = await gaps(() => {
  const slow = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  return g.debug('progress', [String(seconds)], { onProgress: slow });
});
rows['1,000 round trips to the appliance'] = await gaps(async () => {
  for (let i = 0; i < 1000; i++) await g.pingDaemon();
});
rows['100,000 calls without the appliance, awaited'] = await gaps(async () => {
  for (let i = 0; i < 100_000; i++) await g.getMemsize();
});
rows.close = await gaps(() => g.close());
console.table(rows);

const idle = await latencies();
const busy = await whileBusy(8, latencies);
console.table(
  Object.fromEntries(
    Object.keys(idle).map((name) => [
      name,
      { 'idle, p99 (ms)': idle[name], 'eight calls, p99 (ms)': busy[name] },
    ]),
  ),
);

/** Runs `work` and returns the longest gaps and the 99th percentile in milliseconds. */
async function gaps(work) {
  const watch = new LoopGaps();
  const start = performance.now();
  await work();
  const { longest, own } = watch.stop();
  return {
    seconds: ((performance.now() - start) / 1000).toFixed(1),
    'p99 gap (ms)': percentile(watch.samples, 0.99),
    'longest gap (ms)': longest.toFixed(2),
    'own (ms)': own.toFixed(2),
  };
}

/** How long what Node does with its own threads takes. */
async function latencies() {
  const works = {
    'fs.readFile': () => readFile(import.meta.filename ?? process.argv[1]),
    'dns.lookup': () => lookup('localhost'),
    'timer of 1 ms': () => sleep(1),
  };
  const found = {};
  for (const [name, work] of Object.entries(works)) {
    const took = [];
    for (let i = 0; i < 500; i++) {
      const start = performance.now();
      await work();
      took.push(performance.now() - start);
    }
    found[name] = percentile(took, 0.99);
  }
  return found;
}

/** Runs `work` while so many handles each sit in a call: libguestfs waits for a reader of a FIFO. */
async function whileBusy(count, work) {
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-bench-'));
  const handles = Array.from({ length: count }, () => new Guestfs());
  const calls = [];
  for (const [i, handle] of handles.entries()) {
    const fifo = join(folder, `fifo-${i}`);
    execFileSync('mkfifo', [fifo]);
    const entered = once(handle, 'enter');
    calls.push({ fifo, call: handle[invoke]('internalTestSetOutput', [fifo]) });
    await entered;
  }
  const found = await work();
  for (const { fifo, call } of calls) {
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await call;
    closeSync(reader);
  }
  await Promise.all(handles.map((handle) => handle.close()));
  rmSync(folder, { recursive: true });
  return found;
}

function percentile(values, part) {
  return values.sort((a, b) => a - b)[Math.floor(values.length * part)].toFixed(2);
}
