import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { MiB, sleep, timed } from '../support/appliance';
import { descendants, leftAfter, startProgram } from '../support/processes';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-450-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function emptyImage(name: string): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, 'wx');
  await file.truncate(64 * MiB);
  await file.close();
  return path;
}

const boot = { template: 'never' } as const;

describe('kill()', () => {
  let g: Guestfs;

  beforeAll(async () => {
    g = new Guestfs();
    await g.addDrive(await emptyImage('kill.img'), { format: 'raw' });
    await g.addDriveScratch(10 * MiB);
  });

  afterAll(async () => {
    await g?.close();
  });

  const expectNothingLeft = async () => {
    expect(descendants()).toEqual([]);
    expect(await g.isConfig()).toBe(true);
  };

  test('of a handle that was not launched has nothing to do', async () => {
    await g.kill();
    await expectNothingLeft();
    expect(await g.debugDrives()).toHaveLength(2);
  });

  test.each([0, 20, 50, 100, 150, 200, 400, 2500])(
    'ends a launch after %d ms, and what waits behind it',
    async (ms) => {
      // From a template it would be ready before the last of these.
      const launch = timed(g.launch(ms > 1000 ? boot : {}));
      const behind = timed(g.listDevices());
      await sleep(ms);
      const { error, ms: took } = await timed(g.kill());
      expect(error).toBeUndefined();
      expect(took).toBeLessThan(3000);
      for (const [operation, call] of [
        ['launch', launch],
        ['listDevices', behind],
      ] as const) {
        expect((await call).error).toBeInstanceOf(GuestfsError);
        expect((await call).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation });
      }
      await expectNothingLeft();
    },
  );

  test('leaves a handle that can be launched again, with its drives', async () => {
    await g.launch();
    expect(await g.listDevices()).toEqual(['/dev/sda', '/dev/sdb']);
    await g.partDisk('/dev/sda', 'mbr');
    await g.mkfs('ext4', '/dev/sda1');
    await g.mount('/dev/sda1', '/');
    await g.write('/kept', 'synced before the kill');
    await g.sync();
  });

  test('ends a call that is stuck, and what waits behind it, within 3 s', async () => {
    const quits: string[] = [];
    g.on('subprocessQuit', () => quits.push('subprocessQuit'));
    const calls = {
      debug: timed(g.debug('progress', ['60'])),
      listDevices: timed(g.listDevices()),
      write: timed(g.write('/late', 'never')),
      launch: timed(g.launch()),
    };
    await sleep(1000);
    const killed = performance.now();
    await g.kill();
    for (const [operation, call] of Object.entries(calls)) {
      const { error } = await call;
      expect(error).toMatchObject({ name: 'GuestfsError', code: 'ERR_GUESTFS_TERMINATED', operation });
    }
    expect(performance.now() - killed).toBeLessThan(3000);
    const { error } = await calls.debug;
    expect((error as Error).message).toMatch(/terminated.*console/s);
    expect(quits).toEqual(['subprocessQuit']);
    await expectNothingLeft();
    await expect(g.listDevices()).rejects.toMatchObject({ name: 'GuestfsError', operation: 'listDevices' });
  });

  test('keeps the drives, and what was synced, for the next launch', async () => {
    await g.launch();
    await g.mount('/dev/sda1', '/');
    expect(await g.cat('/kept')).toBe('synced before the kill');
    expect(await g.exists('/late')).toBe(false);
  });

  test('of an idle appliance leaves nothing of it, however often it is called', async () => {
    const { error, ms } = await timed(Promise.all([g.kill(), g.kill()]));
    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(3000);
    await expectNothingLeft();
    await g.kill();
    await expect(g.cat('/kept')).rejects.toMatchObject({ name: 'GuestfsError', operation: 'cat' });
  });

  test('lets a close() that waits behind a stuck launch through', async () => {
    const launch = timed(g.launch(boot));
    const closed = timed(g.close());
    await sleep(1500);
    await g.kill();
    expect((await launch).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    expect((await closed).error).toBeUndefined();
    expect(descendants()).toEqual([]);
    await g.kill();
  });

  test('of a handle that is being closed leaves nothing of it either', async () => {
    const other = new Guestfs();
    await other.addDriveScratch(10 * MiB);
    await other.launch();
    const closed = timed(other.close());
    await other.kill();
    expect(descendants()).toEqual([]);
    expect((await closed).error).toBeUndefined();
  });
});

describe('a process that ends without closing its handles', () => {
  /** Data in a file, synced and not, then a message to the test. */
  const handleOn = (image: string, mark: string) => `
    const { Guestfs } = require('guestfs');
    async function launched() {
      const g = new Guestfs();
      await g.addDrive(${JSON.stringify(image)}, { format: 'raw' });
      await g.launch();
      await g.mkfs('ext2', '/dev/sda');
      await g.mount('/dev/sda', '/');
      await g.write('/synced', '${mark} synced');
      await g.sync();
      return g;
    }
  `;

  test('by reaching its end: the data is on the disk; as it is for a worker terminated in a call', async () => {
    const images = { main: await emptyImage('end.img'), worker: await emptyImage('worker.img') };
    const worker = `${handleOn(images.worker, 'worker')}
      launched().then((g) => {
        require('node:worker_threads').parentPort.postMessage('busy');
        return g.debug('progress', ['60']);
      });`;
    const program = startProgram(`${handleOn(images.main, 'main')}
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      (async () => {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        const busy = once(worker, 'message');
        const g = await launched();
        await busy;
        await new Promise((resolve) => setTimeout(resolve, 500));
        const start = Date.now();
        await worker.terminate();
        console.log('terminated after', Date.now() - start);
        await g.write('/unsynced', 'main unsynced'); // the other handle is not harmed
      })();`);
    await program.said('terminated after');
    expect(program.left().filter((line) => line.includes(`file=${images.main}`))).toHaveLength(1);
    expect(program.left().filter((line) => line.includes(`file=${images.worker}`))).toEqual([]);
    const { code, stdout, stderr } = await program.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Number(stdout.split(' ').at(-1))).toBeLessThan(5000);
    expect(await leftAfter(500, program.left)).toEqual([]);
    const disk = await readFile(images.main);
    expect(disk.includes('main synced')).toBe(true);
    expect(disk.includes('main unsynced')).toBe(true);
    expect((await readFile(images.worker)).includes('worker synced')).toBe(true);
  });

  test('by an uncaught exception during a call: nothing is left, and what was synced is on the disk', async () => {
    const image = await emptyImage('exception.img');
    const program = startProgram(`${handleOn(image, 'exception')}
      launched().then((g) => {
        g.debug('progress', ['60']);
        console.log('up');
        setTimeout(() => { throw new Error('not caught'); }, 500);
      });`);
    await program.said('up');
    const { value, ms } = await timed(program.ended);
    expect(value).toMatchObject({ code: 1, stderr: expect.stringContaining('not caught') });
    expect(ms).toBeLessThan(10_000);
    expect(await leftAfter(500, program.left)).toEqual([]);
    expect((await readFile(image)).includes('exception synced')).toBe(true);
  });

  /** While the appliance boots: that is as good as any other call, and quicker. */
  const booting = `
    const { Guestfs } = require('guestfs');
    (async () => {
      const g = new Guestfs();
      await g.addDriveScratch(${MiB});
      g.launch({ template: 'never' });
      setTimeout(() => console.log('booting'), 2000);
    })();
  `;

  test('by process.exit() during a launch: nothing is left', async () => {
    const program = startProgram(`${booting}; setTimeout(() => process.exit(7), 3000);`);
    await program.said('booting');
    expect(program.left()).not.toEqual([]);
    expect(await program.ended).toMatchObject({ code: 7, stderr: '' });
    expect(await leftAfter(500, program.left)).toEqual([]);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s to its process group, as Ctrl-C sends it: nothing is left after 5 s',
    async (signal) => {
      const program = startProgram(booting, {}, true);
      await program.said('booting');
      expect(program.left()).not.toEqual([]);
      process.kill(-program.pid, signal);
      expect(await program.ended).toMatchObject({ code: null, signal });
      expect(await leftAfter(5000, program.left)).toEqual([]);
    },
  );

  test('by SIGKILL during a call: nothing is left after 5 s, and what was synced is on the disk', async () => {
    const image = await emptyImage('killed.img');
    const program = startProgram(`${handleOn(image, 'killed')}
      launched().then((g) => {
        g.debug('progress', ['60']);
        console.log('up');
      });`);
    await program.said('up');
    expect(program.left()).not.toEqual([]);
    process.kill(program.pid, 'SIGKILL');
    expect(await program.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(await leftAfter(5000, program.left)).toEqual([]);
    expect((await readFile(image)).includes('killed synced')).toBe(true);
  });
});
