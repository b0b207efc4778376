import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder';
import { makeFifo } from '../support/gate';
import { resultOf, root, runNode } from '../support/script';

/** The beginning of a script with workers; `library` is what the workers begin with. */
const workers = `
  const { Worker } = require('worker_threads');
  const { once } = require('events');
  const library = \`
    const { parentPort, workerData } = require('worker_threads');
    const { Guestfs } = require(process.cwd() + '/dist/index.js');
    const { invoke } = require(process.cwd() + '/dist/calls/invoke.js');
  \`;
  const start = (code, workerData) =>
    new Worker(library + '(async () => {' + code + '})();', { eval: true, workerData });
  const ended = async (worker) => (await once(worker, 'exit'))[0];
`;

const timeout = 60_000;

describe('worker threads', () => {
  test(
    'open and close a hundred handles each, at the same time',
    async () => {
      const counts = await resultOf<number[]>(`
      ${workers}
      const code = \`
        let count = 0;
        for (let i = 0; i < 100; i++) {
          const g = new Guestfs({ memsize: 1000 + i });
          g.private.set('key', g);
          if (await g.getMemsize() === 1000 + i) count++;
          await g.close();
        }
        parentPort.postMessage(count);
      \`;
      const run = async () => {
        const worker = start(code);
        const [[count], code_] = await Promise.all([once(worker, 'message'), ended(worker)]);
        return count + code_;
      };
      console.log(JSON.stringify(await Promise.all([run(), run(), run(), run()])));
    `);
      expect(counts).toEqual([100, 100, 100, 100]);
    },
    timeout,
  );

  test(
    'work beside the main thread',
    async () => {
      const majors = await resultOf<string[]>(`
      ${workers}
      const g = new Guestfs();
      const worker = start('const g = new Guestfs(); parentPort.postMessage((await g.version()).major);');
      const end = ended(worker);
      const [[{ major }], [other]] = await Promise.all([Promise.all([g.version()]), once(worker, 'message')]);
      await end;
      console.log(JSON.stringify([major, other, (await g.version()).major].map(String)));
      await g.close();
    `);
      expect(majors).toEqual(['1', '1', '1']);
    },
    timeout,
  );

  test(
    'one after the other load the addon anew',
    async () => {
      const codes = await resultOf<number[]>(`
      ${workers}
      const codes = [];
      for (let i = 0; i < 10; i++) codes.push(await ended(start('const g = new Guestfs(); await g.getSmp();')));
      console.log(JSON.stringify(codes));
    `);
      expect(codes).toEqual(Array(10).fill(0));
    },
    timeout,
  );
});

describe('a worker that is terminated', () => {
  /** Starts workers one after the other, each terminated when it says so; the process must survive that. */
  const terminated = (code: string, times = 5) =>
    resultOf<{ codes: number[]; major: string }>(`
      ${workers}
      const codes = [];
      for (let i = 0; i < ${times}; i++) {
        const worker = start(${JSON.stringify(code)});
        worker.once('message', () => worker.terminate());
        codes.push(await ended(worker));
      }
      const g = new Guestfs();
      console.log(JSON.stringify({ codes, major: String((await g.version()).major) }));
      await g.close();
    `);

  test.each([
    [
      'with an idle handle',
      `const g = new Guestfs(); await g.getSmp(); parentPort.postMessage(1); setInterval(() => g, 1e6);`,
    ],
    [
      'in the middle of calls and events',
      `let count = 0;
       for (let i = 0; i < 4; i++) (async () => {
         const g = new Guestfs();
         g.on('enter', () => undefined);
         for (;;) {
           await g[invoke]('internalTestRstringlist', ['100']);
           if (++count === 200) parentPort.postMessage(1);
         }
       })();`,
    ],
    [
      'with thousands of queued calls',
      `const g = new Guestfs();
       for (let i = 0; i < 5000; i++) void g.getSmp();
       parentPort.postMessage(1);
       for (;;) await g.getSmp();`,
    ],
    [
      'while it opens and closes handles',
      `parentPort.postMessage(1);
       for (;;) { const g = new Guestfs(); await g.getSmp(); await g.close(); }`,
    ],
    [
      'while it makes calls without a pause',
      `const g = new Guestfs();
       parentPort.postMessage(1);
       for (;;) void g.getSmp();`,
    ],
    [
      'in a listener',
      `const g = new Guestfs();
       g.on('enter', () => { parentPort.postMessage(1); for (;;); });
       await g.getSmp();`,
    ],
  ])(
    '%s',
    async (_, code) => {
      expect(await terminated(code)).toEqual({ codes: Array(5).fill(1), major: '1' });
    },
    timeout,
  );

  test(
    'while a process that it started runs',
    async () => {
      using folder = temporaryFolder();
      const { codes } = await terminated(
        `const g = new Guestfs();
         g.once('enter', () => parentPort.postMessage(1));
         // qemu-img waits for somebody to write.
         await g.diskFormat(${JSON.stringify(makeFifo(folder.file('fifo')))});`,
        1,
      );
      expect(codes).toEqual([1]);
    },
    timeout,
  );
});

test('workers that are terminated while streams begin leave no descriptors', async () => {
  const [before, after] = await resultOf<[number, number]>(`
    ${workers}
    const code = \`
      const handles = Array.from({ length: 4 }, () => new Guestfs());
      parentPort.postMessage(1);
      for (const g of handles) {
        const upload = () => g.upload(Buffer.from('text'), '/file').catch(upload);
        for (let i = 0; i < 5; i++) void upload();
      }
    \`;
    const descriptors = () => require('fs').readdirSync('/proc/self/fd').length;
    const run = async (delay) => {
      const worker = start(code);
      const end = ended(worker);
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, delay));
      void worker.terminate();
      await end;
    };
    await run(10);
    const before = descriptors();
    for (let i = 0; i < 40; i++) await run(i / 2);
    console.log(JSON.stringify([before, descriptors()]));
  `);
  expect(after).toBeLessThanOrEqual(before);
}, 60_000);

test('a worker that is terminated while a call waits for the host, in a process that uses the addon nowhere else', async () => {
  using folder = temporaryFolder();
  const fifo = `${folder.path}/fifo`;
  const worker = `
    const { parentPort } = require('node:worker_threads');
    const { Guestfs } = require('${root}/dist/index.js');
    const { invoke } = require('${root}/dist/calls/invoke.js');
    const g = new Guestfs();
    g.on('enter', () => parentPort.postMessage(1));
    g[invoke]('internalTestSetOutput', ['${fifo}']);`;
  const script = `
    require('node:child_process').execFileSync('mkfifo', ['${fifo}']);
    const worker = new (require('node:worker_threads').Worker)(${JSON.stringify(worker)}, { eval: true });
    worker.on('message', async () => {
      await worker.terminate();
      const reader = require('node:fs').openSync('${fifo}', 'r'); // the call returns now, long after its worker
      setTimeout(() => console.log('alive', reader > 0), 500);
    });`;
  expect(await runNode(['-e', script])).toMatchObject({ code: 0, stdout: 'alive true\n' });
}, 60_000);
