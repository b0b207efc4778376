// What the soak does over and over. A load's `start` returns `work`, which does a few of it and returns how many, and
// what there is to look at and to end.
import { getEventListeners, once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Guestfs } from 'guestfs';

const { invoke } = createRequire(import.meta.url)('../../dist/calls/invoke.js');

const listenersOf = (emitter) =>
  emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0);

/** `share`: of the time that is left, in relation to the loads that follow. */
export const loads = {
  handles: {
    title: 'create, call, close',
    count: 10_000,
    share: 1,
    start: () => ({ work: () => severalAtOnce(10, openAndClose) }),
  },

  forgotten: {
    title: 'create, call, forget',
    count: 10_000,
    share: 1,
    start: () => ({ work: () => severalAtOnce(10, () => new Guestfs().getMemsize()) }),
  },

  calls: { title: 'calls of every kind', count: 1_000_000, share: 3, start: () => everyKind(new Guestfs()) },

  traces: { title: 'trace events', count: 1_000_000, share: 2, start: () => traced(new Guestfs()) },

  signal: { title: 'calls with one signal', count: 100_000, share: 1, start: () => oneSignal(new Guestfs()) },

  workers: {
    title: 'workers that open and close',
    count: 1000,
    share: 6,
    start: () => ({ work: () => severalAtOnce(2, runWorker) }),
  },

  launches: { title: 'aborted launches', count: 100, share: 10, start: abortedLaunches },
};

async function severalAtOnce(count, work) {
  await Promise.all(Array.from({ length: count }, work));
  return count;
}

async function openAndClose() {
  const g = new Guestfs();
  g.on('trace', () => undefined);
  g.private.set('self', g);
  await g.getMemsize();
  await g.close();
}

function everyKind(g) {
  const call = (name, ...args) => g[invoke](`internalTest${name}`, args);
  const kinds = [
    () => g.getMemsize(),
    () => g.version(),
    () => g.addDrive('/nonexistent').catch(() => undefined),
    () => call('Rstring', 'some text, é🐟\udcff'),
    () => call('Rstringlist', '10'),
    () => call('Rstructlist', '3'),
    () => call('Rhashtable', '10'),
    () => call('Rbufferout', 'some bytes'),
    () => call('Rstringerr').catch(() => undefined),
    () => g.setBackendSettings(['a', 'b']),
  ];
  return {
    work: async () => {
      await Promise.all(Array.from({ length: 1000 }, (_, i) => kinds[i % kinds.length]()));
      return 1000;
    },
    listeners: () => listenersOf(g),
    stop: () => g.close(),
  };
}

async function traced(g) {
  let seen = 0;
  g.on('trace', () => seen++);
  await g.setTrace(true);
  return {
    work: async () => {
      const before = seen;
      await Promise.all(Array.from({ length: 500 }, () => g.getMemsize()));
      return seen - before;
    },
    listeners: () => listenersOf(g),
    stop: () => g.close(),
  };
}

function oneSignal(g) {
  const { signal } = new AbortController();
  return {
    work: async () => {
      await Promise.all(Array.from({ length: 1000 }, () => g.getMemsize({ signal })));
      return 1000;
    },
    listeners: () => listenersOf(g) + getEventListeners(signal, 'abort').length,
    stop: () => g.close(),
  };
}

async function runWorker() {
  const worker = new Worker(new URL('worker.mjs', import.meta.url));
  const [code] = await once(worker, 'exit');
  if (code !== 0) throw new Error(`a worker ended with ${code}`);
}

/**
 * Aborts launches at random moments up to the time that a whole one takes, early ones more often. All that libguestfs
 * keeps on the disk for a handle is in a folder that must be empty in between.
 */
async function abortedLaunches() {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const launch = async (signal) => {
    const g = new Guestfs({ tmpdir: folder });
    try {
      await g.addDriveScratch(2 ** 20);
      await g.launch({ signal });
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    } finally {
      await g.close();
    }
  };
  const start = performance.now();
  await launch();
  const whole = performance.now() - start;
  return {
    work: async () => {
      await launch(AbortSignal.timeout(Math.ceil(whole * Math.random() ** 5)));
      return 1;
    },
    files: () => readdirSync(folder).length,
    stop: () => rmSync(folder, { recursive: true }),
  };
}
