import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { eventually } from '../support/eventually';
import { temporaryFolder } from '../support/folder';
import { collectGarbage, isCollected } from '../support/garbage';
import { closeGate } from '../support/gate';
import { failureOf } from '../support/internal';
import { leftAfter, startProgram } from '../support/processes';
import { resultOf, runScript } from '../support/script';

// A handle with a scratch drive has a folder below its tmpdir, which goes when it is closed.
const makeHandle = `
  const g = new Guestfs({ tmpdir: process.env.FOLDER });
  await g.addDriveScratch(1024 * 1024);
  if (require('fs').readdirSync(process.env.FOLDER).length !== 1) throw new Error('no folder to watch');
`;

describe('await using', () => {
  test('closes at the end of the block', async () => {
    using folder = temporaryFolder();
    let handle: Guestfs;
    {
      await using g = new Guestfs({ tmpdir: folder.path });
      handle = g;
      await g.addDriveScratch(1024 * 1024);
    }
    expect(readdirSync(folder.path)).toEqual([]);
    expect(await failureOf(handle.version())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('closes when the block throws', async () => {
    let handle: Guestfs | undefined;
    const block = async () => {
      await using g = new Guestfs();
      handle = g;
      throw new Error('mine');
    };
    await expect(block()).rejects.toThrow('mine');
    expect(await failureOf((handle as Guestfs).version())).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });
});

describe('await using, when the block throws while calls are pending,', () => {
  test('lets them end, and the error through', async () => {
    const outcomes: Promise<unknown>[] = [];
    const block = async () => {
      await using g = new Guestfs();
      const gate = await closeGate(g);
      outcomes.push(gate.call, g.version());
      void gate.open();
      throw new Error('mine');
    };
    await expect(block()).rejects.toThrow('mine');
    await expect(Promise.all(outcomes)).resolves.toHaveLength(2);
  });
});

describe('a forgotten handle', () => {
  async function forget(folder: string, prepare: (g: Guestfs) => void): Promise<WeakRef<Guestfs>> {
    const g = new Guestfs({ tmpdir: folder });
    prepare(g);
    await g.addDriveScratch(1024 * 1024);
    return new WeakRef(g);
  }

  test.each<[string, (g: Guestfs) => void]>([
    ['is closed', () => undefined],
    ['is closed although its listener refers to it', (g) => g.on('progress', () => g.version())],
    ['is closed although its private data refers to it', (g) => g.private.set('self', { g })],
    ['is closed although somebody iterates over its progress', (g) => void g.progress().next()],
  ])('%s', async (_, prepare) => {
    using folder = temporaryFolder();
    const reference = await forget(folder.path, prepare);
    expect(readdirSync(folder.path)).toHaveLength(1);
    expect(await isCollected(reference)).toBe(true);
    expect(await eventually(() => readdirSync(folder.path).length === 0)).toBe(true);
  });

  test('is closed although it was never used', async () => {
    const make = () => new WeakRef(new Guestfs());
    expect(await isCollected(make())).toBe(true);
  });

  test('does not wait for thousands of others: its thread weighs more than its object', async () => {
    const threads = await resultOf<number>(`
      const { readFileSync } = require('fs');
      const threads = () => Number(/^Threads:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const { signal } = new AbortController(); // with a signal no call is made on this thread
      let most = 0;
      for (let i = 0; i < 2000; i++) {
        await new Guestfs().getSmp({ signal });
        most = Math.max(most, threads());
      }
      console.log(most);
    `);
    expect(threads).toBeLessThan(500);
  });

  test('that had no thread yet does not wait for thousands of others either', async () => {
    await resultOf(`
      for (let i = 0; i < 3000; i++) await new Guestfs().getSmp();
      console.log(true);
    `);
  });

  test('has no listeners left to hear of it, but a FinalizationRegistry does', async () => {
    using folder = temporaryFolder();
    let events = 0;
    const collected: string[] = [];
    const registry = new FinalizationRegistry((name: string) => collected.push(name));
    const reference = await forget(folder.path, (g) => {
      g.on('close', () => events++);
      registry.register(g, 'mine');
    });
    expect(await isCollected(reference)).toBe(true);
    expect(await eventually(() => readdirSync(folder.path).length === 0 && collected.length > 0)).toBe(true);
    expect(collected).toEqual(['mine']);
    expect(events).toBe(0);
  });

  test('ends its calls first', async () => {
    const call = new Guestfs().version();
    collectGarbage();
    expect((await call).major).toBe(1n);
  });
});

describe('the end of the process', () => {
  const end = (script: string, folder: string) =>
    runScript(makeHandle + script, { env: { FOLDER: folder }, timeout: 10_000 });

  test('does not wait for an idle handle, and closes it', async () => {
    using folder = temporaryFolder();
    expect(await end('', folder.path)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('waits for a pending call', async () => {
    using folder = temporaryFolder();
    const { stdout } = await end(`g.version().then(({ major }) => console.log(major));`, folder.path);
    expect(stdout).toBe('1n\n');
  });

  test('waits for a pending close', async () => {
    using folder = temporaryFolder();
    const { stdout } = await end(`g.close().then(() => console.log('closed'));`, folder.path);
    expect(stdout).toBe('closed\n');
  });

  test('by process.exit() closes handles', async () => {
    using folder = temporaryFolder();
    expect(await end('process.exit(3);', folder.path)).toMatchObject({ code: 3, stderr: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('by process.exit() in the middle of calls closes handles', async () => {
    using folder = temporaryFolder();
    const script = `for (let i = 0; i < 1000; i++) void g.version(); process.exit(3);`;
    expect(await end(script, folder.path)).toMatchObject({ code: 3, stderr: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('closes also a handle that was opened while the last one before it went', async () => {
    using folder = temporaryFolder();
    const script = `
      let later;
      process.on('removeListener', (event) => {
        if (event === 'exit') later ??= new Guestfs({ tmpdir: process.env.FOLDER });
      });
      await g.close();
      await new Promise(setImmediate);
      await later.addDriveScratch(1024 * 1024);
      process.exit(3);
    `;
    expect(await end(script, folder.path)).toMatchObject({ code: 3, stderr: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test('by an uncaught exception closes handles', async () => {
    using folder = temporaryFolder();
    const { code, stderr } = await end(`setImmediate(() => { throw new Error('mine'); });`, folder.path);
    expect(code).toBe(1);
    expect(stderr).toContain('Error: mine');
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each([
    ['comes although a call hangs', ''],
    [
      'comes although a call hangs, and a listener of the exit closes its handle',
      `process.on('exit', () => void g.close());`,
    ],
  ])(
    '%s',
    async (_, prepare) => {
      using folder = temporaryFolder();
      const script = `
      require('child_process').execFileSync('mkfifo', [process.env.FOLDER + '/fifo']);
      ${prepare}
      g.once('enter', () => process.exit(3));
      void g[invoke]('internalTestSetOutput', [process.env.FOLDER + '/fifo']);
    `;
      expect(await end(script, folder.path)).toMatchObject({ code: 3, signal: null });
    },
    30_000,
  );
});

test('a qemu-img of ours that waits for a pipe ends with the process', async () => {
  using folder = temporaryFolder();
  const program = startProgram(
    `
    require('child_process').execFileSync('mkfifo', [process.env.FIFO]);
    const { runQemuImg } = require(process.cwd() + '/dist/host/qemu-img.js');
    void runQemuImg(['info', process.env.FIFO]);
    void runQemuImg(['info', process.env.FIFO]);
    process.once('SIGUSR2', () => process.exit(3));
    console.log('waiting');
  `,
    { FIFO: folder.file('fifo') },
  );
  await program.said('waiting');
  expect(
    await eventually(() => program.left().filter((line) => line.includes('qemu-img')).length === 2),
  ).toBe(true);
  process.kill(program.pid, 'SIGUSR2');
  expect(await program.ended).toMatchObject({ code: 3, stderr: '' });
  expect(await leftAfter(2000, program.left)).toEqual([]);
});

/** Handles of which each waits for a program of the host: it calls `then` when all do. */
const busyHandles = (count: number, then: string) => `
  const fifo = process.env.FOLDER + '/fifo';
  require('child_process').execFileSync('mkfifo', [fifo]);
  let entered = 0;
  for (let i = 0; i < ${count}; i++) {
    const busy = new Guestfs({ tmpdir: process.env.FOLDER });
    busy.once('enter', () => ++entered === ${count} && setTimeout(() => { ${then} }, 200));
    // qemu-img waits for somebody to write.
    void busy.diskFormat(fifo);
  }
`;

describe('the end of many handles with running calls, which takes a second for all of them,', () => {
  test('is that of the process', async () => {
    using folder = temporaryFolder();
    const script = busyHandles(
      5,
      `const began = Date.now();
       process.on('exit', () => console.log(Date.now() - began));
       process.exit();`,
    );
    const { code, stdout } = await runScript(script, { env: { FOLDER: folder.path } });
    expect(code).toBe(0);
    expect(Number(stdout)).toBeLessThan(4000);
  });

  test('is that of a worker', async () => {
    using folder = temporaryFolder();
    const code = `
      const { Guestfs } = require(process.cwd() + '/dist/index.js');
      ${busyHandles(5, `require('worker_threads').parentPort.postMessage(1);`)}
    `;
    const script = `
      const worker = new (require('worker_threads').Worker)(${JSON.stringify(code)}, { eval: true });
      await require('events').once(worker, 'message');
      const began = Date.now();
      await worker.terminate();
      console.log(Date.now() - began);
    `;
    const { code: exit, stdout } = await runScript(script, { env: { FOLDER: folder.path } });
    expect(exit).toBe(0);
    expect(Number(stdout)).toBeLessThan(4000);
  });
});

describe('the end of a worker', () => {
  /** Prints the worker's exit code and what its handle left behind. The worker is terminated when it says so. */
  const inWorker = (script: string) => {
    const code = `(async () => {
      const { Guestfs } = require(process.cwd() + '/dist/index.js');
      ${makeHandle}
      ${script}
    })();`;
    return `
      const { Worker } = require('worker_threads');
      const worker = new Worker(${JSON.stringify(code)}, { eval: true });
      worker.on('message', () => worker.terminate());
      const [code] = await require('events').once(worker, 'exit');
      console.log(code, require('fs').readdirSync(process.env.FOLDER).length);
    `;
  };

  test.each([
    ['by itself', '', '0 0\n'],
    ['by process.exit()', 'process.exit(5);', '5 0\n'],
    [
      'by an exception',
      `process.once('uncaughtException', () => process.exit(6)); throw new Error('mine');`,
      '6 0\n',
    ],
    [
      'by terminate() in the middle of calls',
      `require('worker_threads').parentPort.postMessage('now'); for (;;) await g.version();`,
      '1 0\n',
    ],
  ])('%s closes its handles', async (_, script, stdout) => {
    using folder = temporaryFolder();
    expect(await runScript(inWorker(script), { env: { FOLDER: folder.path } })).toMatchObject({
      stdout,
      stderr: '',
    });
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
