// Images that cannot be opened, or that change under the appliance's feet.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { MiB, timed } from '../support/appliance';
import { descendants } from '../support/processes';

let folder: string;
const at = (name: string) => join(folder, name);
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-510-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a launch fails at once, says why, and leaves nothing behind: for', () => {
  async function failedLaunch(name: string, format?: string): Promise<GuestfsError> {
    await using g = new Guestfs();
    await g.addDrive(at(name), format === undefined ? {} : { format });
    const { error, ms } = await timed(g.launch({ timeout: 60_000 }));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ operation: 'launch' });
    expect(ms).toBeLessThan(20_000);
    expect(descendants()).toEqual([]);
    expect(await g.isConfig()).toBe(true);
    return error as GuestfsError;
  }

  test('a wrong format', async () => {
    writeFileSync(at('text'), 'no disk image\n');
    const error = await failedLaunch('text', 'qcow2');
    expect(error.code).toBe('ERR_GUESTFS_IMAGE_INVALID');
    expect(error.message).toMatch(/text cannot be opened: Image is not in qcow2 format.*qemu-img info/);
  });

  test('a header that was cut', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'cut.qcow2', '1M');
    truncateSync(at('cut.qcow2'), 60);
    const error = await failedLaunch('cut.qcow2', 'qcow2');
    expect(error.code).toBe('ERR_GUESTFS_IMAGE_INVALID');
    expect(error.message).toMatch(/cut\.qcow2 cannot be opened.*qemu-img info/);
  });

  test('a backing file that is missing', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'base.qcow2', '1M');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'over.qcow2');
    rmSync(at('base.qcow2'));
    const error = await failedLaunch('over.qcow2', 'qcow2');
    expect(error.code).toBe('ERR_GUESTFS_BACKING_FILE');
    expect(error.message).toMatch(/base\.qcow2 cannot be opened: No such file.*qemu-img rebase/);
  });

  test('backing files that go round in a circle', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', 'a.qcow2', '1M');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'a.qcow2', '-F', 'qcow2', 'b.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'b.qcow2', '-F', 'qcow2', 'top.qcow2');
    qemuImg('rebase', '-u', '-b', 'b.qcow2', '-F', 'qcow2', 'a.qcow2');
    for (const name of ['a.qcow2', 'top.qcow2']) {
      const error = await failedLaunch(name, 'qcow2');
      expect(error.code).toBe('ERR_GUESTFS_BACKING_LOOP');
      expect(error.message).toContain(`${at(name)} is its own backing file`);
    }
  });

  describe('a lock', () => {
    let other: ChildProcess;

    beforeAll(async () => {
      qemuImg('create', '-q', '-f', 'qcow2', 'locked.qcow2', '1M');
      // As a running virtual machine holds it.
      other = spawn('qemu-io', ['-f', 'qcow2', at('locked.qcow2')], { stdio: ['pipe', 'pipe', 'ignore'] });
      other.stdin?.write('length\n');
      await once(other.stdout as NodeJS.ReadableStream, 'data');
    });

    afterAll(() => {
      other?.kill('SIGKILL');
    });

    test('that another process holds', async () => {
      await using g = new Guestfs();
      await g.addDrive(at('locked.qcow2'), { format: 'qcow2' });
      const { error, ms } = await timed(g.launch());
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_LOCKED', operation: 'launch' });
      expect((error as Error).message).toMatch(/locked\.qcow2 is in use.*readonly: true/s);
      expect(ms).toBeLessThan(20_000);
    });
  });

  const asUser = process.getuid?.() === 0 ? test.skip : test;
  asUser('an image that this user may not open [skipped as root, who may]', async () => {
    writeFileSync(at('forbidden'), '');
    truncateSync(at('forbidden'), MiB);
    chmodSync(at('forbidden'), 0);
    expect((await failedLaunch('forbidden', 'raw')).code).toBe('ERR_GUESTFS_IMAGE_UNREADABLE');
  });
});

describe('an image that is not whole, or changes,', () => {
  let g: Guestfs;

  beforeAll(async () => {
    g = new Guestfs();
    for (const name of ['cut.img', 'replaced.img']) {
      await g.diskCreate(at(name), 'raw', 64 * MiB);
      await g.addDrive(at(name), { format: 'raw' });
    }
    writeFileSync(at('short.img'), cutDisk());
    await g.addDrive(at('short.img'), { format: 'raw' });
    await g.launch();
    for (const [device, mountpoint] of [
      ['/dev/sda', '/'],
      ['/dev/sdb', '/other'],
    ] as const) {
      await g.mkfs('ext4', device);
      await g.mount(device, mountpoint);
      if (mountpoint === '/') await g.mkdir('/other');
    }
    await g.fill(65, 10 * MiB, '/large');
    await g.mkdir('/folder');
    await g.sync();
    await g.dropCaches(3);
  });

  afterAll(async () => {
    await g?.close();
  });

  test('was truncated before: what lies behind its end cannot be had', async () => {
    expect(await g.listPartitions()).toEqual(['/dev/sdc1']);
    const error = await g.mount('/dev/sdc1', '/other').catch((thrown: GuestfsError) => thrown);
    expect(error).toMatchObject({ name: 'GuestfsError', operation: 'mount' });
  });

  test('is truncated while it is open: calls fail or read what is left, none hangs', async () => {
    truncateSync(at('cut.img'), MiB);
    for (const call of [
      g.checksum('md5', '/large'),
      g.find('/'),
      g.fill(66, 10 * MiB, '/more'),
      g.fsck('ext4', '/dev/sda'),
    ]) {
      const { error, ms } = await timed<unknown>(call);
      if (error)
        expect(error).toMatchObject({ name: 'GuestfsError', code: expect.stringMatching(/^E[A-Z_]+$/) });
      expect(ms).toBeLessThan(60_000);
    }
  });

  test('is replaced while it is open: what is written goes where it began', async () => {
    renameSync(at('replaced.img'), at('renamed.img'));
    writeFileSync(at('replaced.img'), '');
    await g.write('/other/file', 'written after it was renamed');
    await g.sync();
    expect((await readFile(at('renamed.img'))).includes('written after it was renamed')).toBe(true);
    expect((await readFile(at('replaced.img'))).length).toBe(0);
  });
});

/** A disk with one partition, which ends far behind the end of the file. */
function cutDisk(): Buffer {
  const disk = Buffer.alloc(2 * MiB);
  disk[450] = 0x83;
  disk.writeUInt32LE(2048, 454);
  disk.writeUInt32LE(1_000_000, 458);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
