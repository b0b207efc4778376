// The worker threads of the scenarios; `workerData` says what this one does. `ready` makes the scenario go on.
import { parentPort, workerData } from 'node:worker_threads';
import { Guestfs, internalTest } from './library.mjs';

const ready = () => parentPort.postMessage('ready');

const jobs = {
  async openAndClose({ count }) {
    for (let i = 0; i < count; i++) {
      const g = new Guestfs({ memsize: 1000 + i });
      g.private.set('self', g);
      if ((await g.getMemsize()) !== 1000 + i) throw new Error('not this handle');
      await g.close();
    }
  },

  async leaveOpen() {
    const g = new Guestfs();
    await g.version();
  },

  async exit() {
    const g = new Guestfs();
    for (let i = 0; i < 100; i++) void g.version();
    process.exit(5);
  },

  idle() {
    const g = new Guestfs();
    setInterval(() => g, 1e6);
    ready();
  },

  async callsAndEvents() {
    const g = new Guestfs();
    g.on('trace', () => undefined);
    await g.setTrace(true);
    ready();
    for (;;) await internalTest(g, 'Rstringlist', ['100']);
  },

  queuedCalls() {
    const g = new Guestfs();
    for (let i = 0; i < 2000; i++) void g.version();
    ready();
    for (;;) void g.getSmp();
  },

  async openingAndClosing() {
    ready();
    for (;;) {
      const g = new Guestfs();
      await g.version();
      await g.close();
    }
  },

  async inListener() {
    const g = new Guestfs();
    g.on('enter', () => {
      ready();
      for (;;);
    });
    await g.version();
  },

  /** Until the scenario opens the FIFO for reading. */
  async stuck({ fifo }) {
    const g = new Guestfs();
    g.once('enter', ready);
    await internalTest(g, 'SetOutput', [fifo]);
  },

  async launching() {
    const g = new Guestfs();
    await g.addDriveScratch(2 ** 20);
    g.on('appliance', () => undefined);
    setTimeout(ready, 2000);
    await g.launch();
  },
};

await jobs[workerData.job](workerData);
