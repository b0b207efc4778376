// A worker in a process of its own, on the compiled package: argv[2] are its options as JSON. `die` ends the process.
const { FleetWorker, defineTask } = require('../../dist');
const { appendFileSync } = require('node:fs');

const options = JSON.parse(process.argv[2]);
const note = (text) => options.journal && appendFileSync(options.journal, `${text}\n`);
const wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
const tasks = [
  defineTask({
    name: 'wait',
    options: (given) => given,
    async run({ images: [{ path }], options: { ms }, signal }) {
      note(`begin ${path}`);
      await wait(ms, signal);
      note(`end ${path}`);
      return { path, pid: process.pid };
    },
  }),
  defineTask({ name: 'die', run: async () => process.kill(process.pid, 'SIGKILL') }),
  defineTask({
    name: 'write',
    writes: true,
    options: (given) => given,
    async run({ images: [{ path }], options: { ms, dies }, signal }) {
      note(`write ${path}`);
      if (dies) process.kill(process.pid, 'SIGKILL');
      await wait(ms, signal);
      note(`written ${path}`);
      return path;
    },
  }),
];
const worker = new FleetWorker({ ...options.worker, tasks });
let grace = options.graceMs ?? 1000;
process.on('SIGTERM', () => {
  worker.drain(grace).then(() => process.exit(0));
  grace = options.againMs ?? grace;
});
worker.start().then(() => process.stdout.write('ready\n'));
