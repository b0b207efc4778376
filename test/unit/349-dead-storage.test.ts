// Storage that stops answering, as that of a dead NFS server: a FIFO that nobody writes to holds qemu-img, and a filesystem
// without a server whoever looks at it.
import { renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { diagnose, Guestfs, inspect } from '../../lib';
import { readImage } from '../../lib/host/image-facts';
import { deadStorage, testWithDeadStorage } from '../support/dead-storage';
import { eventually } from '../support/eventually';
import { fixedAppliance } from '../support/fixed-appliance';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { makeFifo } from '../support/gate';
import { FaultyHypervisor } from '../support/hypervisor';
import { failureOf } from '../support/internal';
import { descendants, startProgram } from '../support/processes';

jest.setTimeout(60_000);

let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder[Symbol.dispose]());

const aborted = { name: 'AbortError', code: 'ABORT_ERR' };
const terminated = { name: 'GuestfsError', code: 'ERR_GUESTFS_TERMINATED' };
const timedOut = { name: 'GuestfsError', code: 'ERR_GUESTFS_TIMEOUT', operation: 'launch' };

const qemuImgs = () => descendants().filter((line) => line.includes('qemu-img'));
const isWaiting = () => eventually(() => qemuImgs().length > 0);

function image(name: string): string {
  const path = folder.file(name);
  writeFileSync(path, '');
  truncateSync(path, 1024 * 1024);
  return path;
}

/** In the place of an image, which comes back when the returned function is called. */
function hang(path: string): () => void {
  renameSync(path, `${path}.kept`);
  makeFifo(path);
  return () => {
    rmSync(path);
    renameSync(`${path}.kept`, path);
  };
}

/** Names of the images of a handle's drives, in their order; of read-only ones, whose overlays have other names, the labels. */
async function drivesOf(g: Guestfs): Promise<(string | undefined)[]> {
  return (await g.debugDrives()).map(
    (drive) => /label=(\w+)/.exec(drive)?.[1] ?? basename(drive.split(' ')[0] as string),
  );
}

describe('addDrive() of an image on it', () => {
  let g: Guestfs;

  beforeEach(() => {
    g = new Guestfs();
  });

  afterEach(() => g.close());

  const add = (options = {}) =>
    g.addDrive(folder.file('fifo'), { readonly: true, format: 'raw', ...options });

  test.each([[{}], [{ killOnAbort: true }]])('ends when its signal is aborted: %p', async (options) => {
    makeFifo(folder.file('fifo'));
    const abort = new AbortController();
    const call = failureOf(add({ ...options, signal: abort.signal }));
    expect(await isWaiting()).toBe(true);
    abort.abort();
    expect(await call).toMatchObject(aborted);
    expect(qemuImgs()).toEqual([]);
    expect((await g.version()).major).toBe(1n);
  });

  test('ends when the handle is killed', async () => {
    makeFifo(folder.file('fifo'));
    const call = failureOf(add());
    const behind = failureOf(g.addDriveScratch(1024 * 1024));
    expect(await isWaiting()).toBe(true);
    await g.kill();
    expect(await call).toMatchObject(terminated);
    expect(await behind).toMatchObject(terminated);
    expect(qemuImgs()).toEqual([]);
    expect(await g.debugDrives()).toEqual([]);
  });
});

describe('a launch that fails', () => {
  let g: Guestfs;
  let disk: string;

  let hypervisor: FaultyHypervisor;

  /** Its qemu ends once it has connected; afterwards libguestfs has forgotten the drives. */
  const fail = () => failureOf(g.launch({ accel: 'tcg' }));
  const failed = { code: 'ERR_GUESTFS', operation: 'launch' };

  beforeAll(async () => {
    hypervisor = await FaultyHypervisor.make('leaving');
  });

  afterAll(() => hypervisor.remove());

  beforeEach(async () => {
    g = new Guestfs({ path: fixedAppliance(folder.path), backend: 'direct' });
    await g.setHv(hypervisor.path);
    disk = image('disk');
    await g.addDrive(disk, { readonly: true, format: 'raw', label: 'disk' });
    await g.addDrive(image('second'), { format: 'raw' });
  });

  afterEach(() => g.close());

  test('does not touch an image, nor does kill()', async () => {
    // Once libguestfs is about to launch, it has the image open.
    let comeBack = () => {};
    g.on('enter', (name) => {
      if (name === 'launch') comeBack = hang(disk);
    });
    const launch = fail();
    expect(await launch).toMatchObject(failed);
    await g.kill();
    expect(qemuImgs()).toEqual([]);
    expect(await g.isConfig()).toBe(true);
    comeBack();
    expect(await drivesOf(g)).toEqual(['disk', 'second']);
  });

  test('can be followed by others, which end as their options say', async () => {
    await fail();
    const comeBack = hang(disk);
    expect(await failureOf(g.launch({ timeout: 1000 }))).toMatchObject(timedOut);
    expect(qemuImgs()).toEqual([]);

    const abort = new AbortController();
    const launch = failureOf(g.launch({ signal: abort.signal }));
    expect(await isWaiting()).toBe(true);
    abort.abort();
    expect(await launch).toMatchObject(aborted);
    expect(qemuImgs()).toEqual([]);

    const killed = failureOf(g.launch());
    expect(await isWaiting()).toBe(true);
    await g.kill();
    expect(await killed).toMatchObject(terminated);
    expect(qemuImgs()).toEqual([]);

    comeBack();
    expect(await fail()).toMatchObject(failed);
    expect(await drivesOf(g)).toEqual(['disk', 'second']);
  });

  test('leaves calls that need the drives, which end when they are aborted or killed', async () => {
    await fail();
    const comeBack = hang(disk);
    const abort = new AbortController();
    const adding = failureOf(g.addDrive(image('third'), { format: 'raw', signal: abort.signal }));
    expect(await isWaiting()).toBe(true);
    abort.abort();
    expect(await adding).toMatchObject({ ...aborted, operation: 'addDrive' });

    const listing = failureOf(g.debugDrives());
    expect(await isWaiting()).toBe(true);
    await g.kill();
    expect(await listing).toMatchObject({ ...terminated, operation: 'debugDrives' });
    expect(qemuImgs()).toEqual([]);

    comeBack();
    expect(await drivesOf(g)).toEqual(['disk', 'second']);
  });

  test('leaves the list as it was, to be added to, be it from behind the launch', async () => {
    const [, , third] = await Promise.all([
      fail(),
      fail(),
      g.addDrive(image('third'), { format: 'raw' }).then(() => drivesOf(g)),
      g.addDrive(image('fourth'), { format: 'raw' }),
    ]);
    expect(third).toEqual(['disk', 'second', 'third', 'fourth']);
    await fail();
    await g.addDrive(image('fifth'), { format: 'raw' });
    await fail();
    expect(await drivesOf(g)).toEqual(['disk', 'second', 'third', 'fourth', 'fifth']);
  });

  test('leaves the list to a program that adds others after a kill', async () => {
    await g.kill();
    await g.addDrive(image('third'), { format: 'raw' });
    expect(await drivesOf(g)).toEqual(['disk', 'second', 'third']);
  });

  test('checks what is added afterwards as before', async () => {
    await fail();
    const wrong = g.addDrive as (...args: unknown[]) => Promise<void>;
    expect(await failureOf(wrong.call(g, 5))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(await failureOf(wrong.call(g, disk, { signal: 5 }))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
    });
    expect(await failureOf(g.addDrive(folder.file('nothing')))).toMatchObject({ code: 'ENOENT' });
    expect(await drivesOf(g)).toEqual(['disk', 'second']);
  });

  test('goes on behind the drives that are still there when one is not', async () => {
    await fail();
    rmSync(disk);
    await g.addDrive(image('third'), { format: 'raw' });
    expect(await drivesOf(g)).toEqual(['third']);
    expect(await fail()).toMatchObject(failed);
  });

  testWithDeadStorage(
    'can be followed by one that ends in time where nobody can look at the image',
    async () => {
      await using storage = await deadStorage(folder.path);
      await fail();
      rmSync(disk);
      // libguestfs itself would look at it, and not come back.
      symlinkSync(storage.file('disk'), disk);
      const began = performance.now();
      expect(await failureOf(g.launch({ timeout: 500 }))).toMatchObject(timedOut);
      expect(performance.now() - began).toBeLessThan(4000);
      expect(await g.isConfig()).toBe(true); // the handle's thread is free
    },
  );
});

describe('what looks at images', () => {
  testWithDeadStorage('ends when its signal is aborted', async () => {
    await using storage = await deadStorage(folder.path);
    const path = storage.file('disk.qcow2');
    const within = () => ({ signal: AbortSignal.timeout(500) });
    expect(await failureOf(inspect(path, within()))).toMatchObject({ ...aborted, operation: 'inspect' });
    expect(await failureOf(readImage({ path }, within().signal, 'df'))).toMatchObject({
      ...aborted,
      operation: 'df',
    });
    const doctor = diagnose({ images: [path], launch: false, signal: AbortSignal.timeout(3000) });
    expect(await failureOf(doctor)).toMatchObject({ ...aborted, operation: 'diagnose' });
    // What has been killed is gone as soon as the system has a processor for it.
    expect(await eventually(() => !descendants().some((line) => line.includes('disk.qcow2')))).toBe(true);
  });

  test('ends while qemu-img waits', async () => {
    const path = image('base');
    const overlay = folder.file('overlay');
    await using g = new Guestfs();
    await g.diskCreate(overlay, 'qcow2', -1, { backingfile: path, backingformat: 'raw' });
    rmSync(path);
    makeFifo(path);
    const abort = new AbortController();
    const adding = failureOf(g.addDrive(overlay, { readonly: true, format: 'qcow2', signal: abort.signal }));
    expect(await isWaiting()).toBe(true);
    abort.abort();
    expect(await adding).toMatchObject(aborted);
    expect(qemuImgs()).toEqual([]);
  });

  testWithDeadStorage('does not keep a program from its end', async () => {
    await using storage = await deadStorage(folder.path);
    const path = JSON.stringify(storage.file('disk.qcow2'));
    for (const end of ['', 'process.exit(0);']) {
      const program = startProgram(`
        const { inspect } = require('guestfs');
        inspect(${path}, { signal: AbortSignal.timeout(500) }).catch(({ code }) => { console.log(code); ${end} });`);
      expect(await program.ended).toMatchObject({ code: 0, stdout: 'ABORT_ERR\n', stderr: '' });
    }
  });

  test('does not keep a program from its end while qemu-img waits', async () => {
    const fifo = JSON.stringify(makeFifo(folder.file('fifo')));
    const program = startProgram(`
      const { Guestfs } = require('guestfs');
      const g = new Guestfs();
      g.addDrive(${fifo}, { readonly: true, format: 'raw' });
      setTimeout(() => process.exit(7), 1000);`);
    expect(await program.ended).toMatchObject({ code: 7, stderr: '' });
    expect(await eventually(() => program.left().length === 0)).toBe(true);
  });
});

testWithDeadStorage(
  'kill() gives up what the host does not let go, and the handle comes back with it',
  async () => {
    await using storage = await deadStorage(folder.path);
    const g = new Guestfs();
    const signal = AbortSignal.timeout(200);
    // libguestfs looks at the file by itself: nothing can end that but the storage.
    const adding = failureOf(g.addDrive(storage.file('disk'), { readonly: true, format: 'raw', signal }));
    expect(await adding).toMatchObject(aborted);
    await g.kill();
    const version = g.version() as Promise<{ major: bigint }>;
    await storage.end();
    expect((await version).major).toBe(1n);
    await g.close();
  },
);
