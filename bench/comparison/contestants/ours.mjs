// This package. Reads a task a line and answers with its seconds; after `watch`, also with what it did to the process.
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Guestfs } from 'guestfs';
import { LoopGaps } from '../../support/loop-gaps.mjs';

const g = new Guestfs();
const MiB = 2 ** 20;

const tasks = {
  async launch(...drives) {
    for (const drive of drives) await g.addDrive(drive, { format: 'qcow2' });
    await g.launch();
  },

  mount: (device) => g.mount(device, '/'),

  async ping(count) {
    for (let i = 0; i < Number(count); i++) await g.pingDaemon();
  },

  async pingsAtOnce(count, atOnce) {
    for (let i = 0; i < Number(count); i += Number(atOnce)) {
      await Promise.all(Array.from({ length: Number(atOnce) }, () => g.pingDaemon()));
    }
  },

  async look(count) {
    for (let i = 0; i < Number(count); i++) await g.getMemsize();
  },

  async looksAtOnce(count) {
    await Promise.all(Array.from({ length: Number(count) }, () => g.getMemsize()));
  },

  download: (device) => pipeline(g.readDeviceStream(device), nowhere()),

  upload: (size, target) => g.upload(Readable.from(zeros(Number(size))), target),

  async walk(folder) {
    let files = 0;
    for await (const { size } of g.walk(folder)) if (size >= 0) files++;
    return { files };
  },

  async trace(count) {
    let heard = 0;
    const listener = () => heard++;
    g.on('trace', listener);
    await g.setTrace(true);
    while (heard < Number(count)) await Promise.all(Array.from({ length: 100 }, () => g.getMemsize()));
    await g.setTrace(false);
    g.off('trace', listener);
  },

  /** From the C callback to the listener, and the call's way to the handle's thread before that. */
  async callbacks(count) {
    const took = [];
    const { signal } = new AbortController(); // with a signal no call is made on this thread
    for (let i = 0; i < Number(count); i++) {
      let start = 0;
      g.once('enter', () => took.push(performance.now() - start));
      await new Promise((resolve) => setTimeout(resolve, 2));
      start = performance.now();
      await g.getMemsize({ signal });
    }
    took.sort((a, b) => a - b);
    return { p99: took[Math.floor(took.length * 0.99)] };
  },
};

function nowhere() {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function* zeros(size) {
  const chunk = Buffer.alloc(MiB);
  for (let left = size; left > 0; left -= chunk.length) yield left < MiB ? chunk.subarray(0, left) : chunk;
}

/** The most that the process has held in memory, beyond what it held before. */
class MemoryWatch {
  #before = process.memoryUsage.rss();
  #most = 0;
  #timer = setInterval(() => this.#look(), 50);

  #look() {
    this.#most = Math.max(this.#most, process.memoryUsage.rss() - this.#before);
  }

  stop() {
    this.#look();
    clearInterval(this.#timer);
    return this.#most / MiB;
  }
}

async function run(name, ...args) {
  const start = performance.now();
  const found = await tasks[name](...args);
  return { seconds: (performance.now() - start) / 1000, ...found };
}

async function watch(...task) {
  const gaps = new LoopGaps();
  const memory = new MemoryWatch();
  const answer = await run(...task);
  return { ...answer, grownMiB: memory.stop(), gaps: gaps.stop() };
}

for await (const line of createInterface({ input: process.stdin })) {
  const words = line.split(' ');
  const answer = words[0] === 'watch' ? await watch(...words.slice(1)) : await run(...words);
  console.log(JSON.stringify(answer));
}
await g.close();
