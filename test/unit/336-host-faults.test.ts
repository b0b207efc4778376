// Faults of this machine and of images, before there is an appliance.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { watchForLoops } from '../../lib/host/backing-loops';
import { testUnless } from '../support/conditions';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { makeFifo } from '../support/gate';
import { failureOf } from '../support/internal';
import { openLibvirtNode } from '../support/libvirt-node';
import { descendants } from '../support/processes';
import { resultOf } from '../support/script';

let folder: TemporaryFolder;
let g: Guestfs;

beforeEach(() => {
  folder = temporaryFolder();
  g = new Guestfs();
});

afterEach(async () => {
  await g.close();
  folder[Symbol.dispose]();
});

const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder.path, stdio: 'pipe' });

/** An image over another. */
function overlay(name: string, base: string): string {
  qemuImg('create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', name);
  return folder.file(name);
}

/** An image over one that is its own backing file, indirectly. */
function loop(): string {
  qemuImg('create', '-q', '-f', 'qcow2', 'a.qcow2', '1M');
  overlay('b.qcow2', 'a.qcow2');
  qemuImg('rebase', '-u', '-b', 'b.qcow2', '-F', 'qcow2', 'a.qcow2');
  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'b.qcow2', '-F', 'qcow2', 'top.qcow2', '1M');
  return folder.file('top.qcow2');
}

/** The handle itself, and others, take no notice. */
async function expectUnharmed(): Promise<void> {
  await g.addDriveScratch(1024 * 1024);
  await using other = new Guestfs();
  expect((await other.version()).major).toBe(1n);
}

describe('an image that cannot be opened', () => {
  test('for its format', async () => {
    const path = folder.file('text');
    writeFileSync(path, 'no qcow2 image\n');
    const error = await failureOf(g.addDrive(path, { format: 'qcow2', readonly: true }));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_INVALID', operation: 'addDrive' });
    expect(error.message).toContain(`${path} cannot be opened: Image is not in qcow2 format. Check it with`);
    await expectUnharmed();
  });

  test('for a backing file that is missing', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'base.qcow2', '1M');
    const path = overlay('over.qcow2', 'base.qcow2');
    rmSync(folder.file('base.qcow2'));
    const error = await failureOf(g.addDriveRo(path));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE', operation: 'addDriveRo' });
    expect(error.message).toMatch(/base\.qcow2 cannot be opened: No such file.*qemu-img rebase -u -b/);
    await expectUnharmed();
  });

  test('of a domain of libvirt', async () => {
    const path = folder.file('text');
    writeFileSync(path, 'no qcow2 image\n');
    writeFileSync(folder.file('node.xml'), openLibvirtNode(path, 'qcow2'));
    const libvirturi = `test://${folder.file('node.xml')}`;
    const error = await failureOf(g.addDomain('guest', { libvirturi, readonly: true }));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_INVALID', operation: 'addDomain' });
    expect(error.message).toContain('Image is not in qcow2 format');
    await expectUnharmed();
  });

  test('for it is its own backing file, directly or indirectly', async () => {
    const path = loop();
    for (const [operation, call] of [
      ['addDrive', () => g.addDrive(path, { readonly: true, format: 'qcow2' })],
      [
        'diskCreate',
        () => g.diskCreate(folder.file('new'), 'qcow2', -1, { backingfile: path, backingformat: 'qcow2' }),
      ],
    ] as const) {
      const error = await failureOf(call());
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_BACKING_LOOP', operation });
      expect(error.message).toContain(`${path} is its own backing file`);
      expect(descendants()).toEqual([]);
    }
    await expectUnharmed();
  }, 60_000);
});

describe('the watch for such loops', () => {
  /** What it says after its patience has come to its end and qemu-img, if any, too. */
  const verdictOn = async (...paths: string[]) => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    const found: string[] = [];
    const stop = watchForLoops(
      paths.map((path) => ({ path, format: undefined })),
      (path) => found.push(path),
    );
    jest.advanceTimersByTime(60_000);
    jest.useRealTimers();
    await sleep(20);
    for (let i = 0; i < 500 && found.length === 0 && descendants().length > 0; i++) await sleep(20);
    stop();
    return found;
  };

  test('finds one, also behind other images', async () => {
    const top = loop();
    qemuImg('create', '-q', '-f', 'qcow2', 'good.qcow2', '1M');
    expect(await verdictOn(folder.file('good.qcow2'), top)).toEqual([top]);
  });

  test.each([
    ['an image in order', () => overlayOfGood()],
    ['an image that is not there any more', () => folder.file('renamed')],
    ['an image over the network', () => 'nbd://127.0.0.1:1/export'],
    ['no image at all', () => folder.path],
  ])('says nothing of %s', async (_, path) => {
    expect(await verdictOn(path())).toEqual([]);
  });

  test('says nothing where there is no qemu-img', async () => {
    const { PATH } = process.env;
    process.env.PATH = folder.path;
    try {
      expect(await verdictOn('/an/image')).toEqual([]);
    } finally {
      process.env.PATH = PATH;
    }
  });

  test('ends its qemu-img with it', async () => {
    const slow = makeFifo(folder.file('fifo'));
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    const stop = watchForLoops([{ path: slow, format: 'qcow2' }], () => undefined);
    jest.advanceTimersByTime(60_000);
    jest.useRealTimers();
    await sleep(300);
    expect(descendants()).toHaveLength(1);
    stop();
    for (let i = 0; i < 100 && descendants().length > 0; i++) await sleep(20);
    expect(descendants()).toEqual([]);
  });

  function overlayOfGood(): string {
    qemuImg('create', '-q', '-f', 'qcow2', 'good.qcow2', '1M');
    return overlay('over.qcow2', 'good.qcow2');
  }
});

test('a folder for temporary files that has gone is named', async () => {
  mkdirSync(folder.file('tmp'));
  const late = new Guestfs({ tmpdir: folder.file('tmp') });
  rmdirSync(folder.file('tmp'));
  const error = await failureOf(late.addDriveScratch(1024 * 1024));
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TMPDIR', operation: 'addDriveScratch' });
  expect(error.message).toMatch(/the folder .*\/tmp cannot be used for temporary files .*LIBGUESTFS_TMPDIR/);
  mkdirSync(folder.file('tmp'));
  await late.addDriveScratch(1024 * 1024);
  await late.close();
  await expectUnharmed();
});

describe('a limit of the process', () => {
  interface Refusal {
    readonly refusals: readonly { code: string; errno: number; message: string }[];
    readonly then: string;
  }

  test('of open files refuses what needs some, and the handle goes on', async () => {
    const { refusals, then } = await resultOf<Refusal>(`
      const fs = require('node:fs');
      const g = new Guestfs();
      await g.version();
      require('node:child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=64']);
      const open = [];
      try { for (;;) open.push(fs.openSync('/dev/null')); } catch {}
      const refusals = [];
      for (const call of [() => g.addDriveScratch(1e6), () => g.diskFormat('/dev/null'), () => g.launch()])
        await call().catch(({ code, errno, message }) => refusals.push({ code, errno, message }));
      const { major } = await g.version();
      for (const fd of open) fs.closeSync(fd);
      await g.addDriveScratch(1e6);
      console.log(JSON.stringify({ refusals, then: String(major) }));
      await g.close();
    `);
    expect(refusals).toHaveLength(3);
    for (const { code, errno, message } of refusals) {
      expect({ code, errno }).toEqual({ code: 'ERR_GUESTFS_LIMIT', errno: 24 });
      expect(message).toContain('ulimit -n');
    }
    expect(then).toBe('1');
  });

  test('of memory refuses a thread, and the handle goes on', async () => {
    const { refusals, then } = await resultOf<Refusal>(`
      const { execFileSync } = require('node:child_process');
      const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + bytes + ':']);
      const g = new Guestfs();
      const unused = new Guestfs();
      const size = /VmSize:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1] * 1024;
      limit(size + 4 * 2 ** 20);
      const refusals = [];
      for (const call of [() => g.addDriveScratch(1e6), () => g.launch()])
        await call().catch(({ code, errno, message }) => refusals.push({ code, errno, message }));
      await unused.close();
      limit('unlimited');
      console.log(JSON.stringify({ refusals, then: String((await g.version()).major) }));
      await g.close();
    `);
    expect(refusals).toHaveLength(2);
    for (const { code, errno, message } of refusals) {
      expect({ code, errno }).toEqual({ code: 'ERR_GUESTFS_LIMIT', errno: 11 });
      expect(message).toContain('ulimit -u');
    }
    expect(then).toBe('1');
  });
});

testUnless(existsSync('/dev/fuse') ? undefined : 'there is no /dev/fuse')(
  'a program of the host that ends a mount says why it could not',
  async () => {
    const [bin, mountpoint] = [folder.file('bin'), folder.file('mountpoint')];
    for (const path of [bin, mountpoint]) mkdirSync(path);
    writeFileSync(join(bin, 'guestunmount'), '#!/bin/sh\necho "$2: target is busy" >&2\nexit 1\n', {
      mode: 0o755,
    });
    try {
      const error = await resultOf<object>(
        `const g = new Guestfs();
        await g.mountLocal(${JSON.stringify(mountpoint)});
        const { code, message } = await g.umountLocal().catch((error) => error);
        console.log(JSON.stringify({ code, message }));
        process.exit();`,
        { env: { PATH: `${bin}:${process.env.PATH}` } },
      );
      const message = expect.stringMatching(/\nguestunmount said:\n {2}\/.*\/mountpoint: target is busy$/);
      expect(error).toEqual({ code: 'ERR_GUESTFS', message });
      // The end of the process has detached it.
      expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(mountpoint);
    } finally {
      spawnSync('fusermount', ['-u', '-z', mountpoint]);
    }
  },
);
