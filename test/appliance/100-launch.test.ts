import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError, type ProgressEvent } from '../../lib';
import { expectWellFormed, GiB, MiB } from '../support/appliance';

const largeDisk = 8 * GiB + 512;

describe('a launched handle', () => {
  let g: Guestfs;
  let folder: string;
  let image: string;
  const settled: string[] = [];
  const launchProgress: ProgressEvent[] = [];
  let progressWhenUp = -1;
  let launchMs = 0;
  let devices: string[] = [];

  // The calls are made in one tick: what is waited for is only the last of them.
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-100-'));
    image = join(folder, 'disk.img');
    const file = await open(image, 'wx');
    await file.truncate(512 * MiB);
    await file.close();

    g = new Guestfs();
    const start = Date.now();
    const calls = [
      g.addDrive(image, { format: 'raw', label: 'main' }).then(() => settled.push('addDrive')),
      g.addDriveScratch(largeDisk).then(() => settled.push('addDriveScratch')),
      g.launch({ onProgress: (event) => launchProgress.push(event) }).then(() => {
        launchMs = Date.now() - start;
        progressWhenUp = launchProgress.length;
        settled.push('launch');
      }),
      g.listDevices().then((list) => {
        devices = list;
        settled.push('listDevices');
      }),
    ];
    await Promise.all(calls);

    await g.partInit('/dev/sda', 'gpt');
    await g.partAdd('/dev/sda', 'primary', 2048, 2048 * 200 - 1);
    await g.partAdd('/dev/sda', 'primary', 2048 * 200, -34);
    await g.mkfs('ext4', '/dev/sda1', { label: 'first', blocksize: 4096 });
    await g.mkfs('ext2', '/dev/sda2', { label: 'second' });
    await g.mount('/dev/sda1', '/');
  });

  afterAll(async () => {
    await g?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe('queued calls', () => {
    test('run in the order in which they were made, around the launch', () => {
      expect(settled).toEqual(['addDrive', 'addDriveScratch', 'launch', 'listDevices']);
      expect(devices).toEqual(['/dev/sda', '/dev/sdb']);
    });

    test('run in order without being awaited, whatever becomes of the one before', async () => {
      const order: string[] = [];
      const done = (name: string) => () => order.push(name);
      await Promise.all([
        g.write('/order', 'one').then(done('write')),
        g.cat('/no-such-file').catch(done('cat failed')),
        g.writeAppend('/order', ' two').then(done('append')),
        g.cat('/order').then((text) => order.push(text)),
        g.rm('/order').then(done('rm')),
        g.exists('/order').then((there) => order.push(String(there))),
      ]);
      expect(order).toEqual(['write', 'cat failed', 'append', 'one two', 'rm', 'false']);
    });

    test('hundreds of them come back complete and in order', async () => {
      const names = Array.from({ length: 300 }, (_, i) => `text ${i}`);
      const order: string[] = [];
      await Promise.all(names.map(async (name) => order.push((await g.echoDaemon([name])) as string)));
      expect(order).toEqual(names);
    });
  });

  describe('progress of the launch', () => {
    test('goes to its own listener, and ends at its total before the promise settles', () => {
      expectLaunchProgress(launchProgress);
      expect(progressWhenUp).toBe(launchProgress.length);
      // libguestfs is silent for the first five seconds.
      if (launchMs > 8000) expect(launchProgress.length).toBeGreaterThan(0);
      if (launchProgress.length > 0) expect(launchProgress.at(-1)).toMatchObject({ position: 12n, ratio: 1 });
    });
  });

  describe('launching again', () => {
    test.each(['tcg', 'kvm', 'auto'] as const)(
      'with accel %s rejects and leaves everything as it is',
      async (accel) => {
        const settings = await g.getBackendSettings();
        const drives = await g.debugDrives();
        await expect(g.launch({ accel })).rejects.toMatchObject({
          name: 'GuestfsError',
          operation: 'launch',
          code: expect.stringMatching(/^E[A-Z_]+$/),
        });
        expect(await g.getBackendSettings()).toEqual(settings);
        expect(await g.debugDrives()).toEqual(drives);
        expect(await g.isReady()).toBe(true);
        expect(await g.listDevices()).toEqual(devices);
      },
    );

    test('does not show the settings of the launch as those of the program', async () => {
      expect(await g.getBackendSettings()).not.toContain('force_kvm');
    });
  });

  describe('what was made', () => {
    test('partitions and filesystems, as structs and as a Map in its order', async () => {
      const partitions = await g.partList('/dev/sda');
      expect(partitions).toHaveLength(2);
      expect(partitions[0]).toEqual({
        partNum: 1,
        partStart: 1_048_576n,
        partEnd: 200n * 1_048_576n - 1n,
        partSize: 199n * 1_048_576n,
      });
      const filesystems = await g.listFilesystems();
      expect(filesystems).toBeInstanceOf(Map);
      // libguestfs looks at whole devices before partitions.
      expect([...filesystems]).toEqual([
        ['/dev/sdb', 'unknown'],
        ['/dev/sda1', 'ext4'],
        ['/dev/sda2', 'ext2'],
      ]);
      expect(await g.mountpoints()).toEqual(new Map([['/dev/sda1', '/']]));
    });

    test('a hashtable keeps its order', async () => {
      const map = await g.tune2fsL('/dev/sda1');
      const printed = (await g.debug('sh', ['tune2fs -l /dev/disk/guestfs/main1'])).split('\n');
      const order = printed.map((line) => line.split(':')[0] as string).filter((name) => map.has(name));
      expect(order.length).toBeGreaterThan(20);
      expect([...map.keys()]).toEqual(order);
      expect(map.get('Filesystem volume name')).toBe('first');
    });

    test('labels given as options', async () => {
      expect(await g.vfsLabel('/dev/sda1')).toBe('first');
      expect(await g.vfsLabel('/dev/sda2')).toBe('second');
    });

    test("a drive's label", async () => {
      expect((await g.listDiskLabels()).get('main')).toBe('/dev/sda');
      expect(await g.blockdevGetsize64('/dev/disk/guestfs/main')).toBe(512n * BigInt(MiB));
    });
  });

  describe('files', () => {
    test('text comes back as it went in', async () => {
      const text = 'Grüße, Мир, 世界, 🐟\nsecond line\n';
      await g.write('/text', text);
      expect(await g.cat('/text')).toBe(text);
      expect(await g.readLines('/text')).toEqual(['Grüße, Мир, 世界, 🐟', 'second line']);
      expect(await g.filesize('/text')).toBe(BigInt(Buffer.byteLength(text)));
    });

    test('every byte comes back, also NUL, also from a view into a larger buffer', async () => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      await g.write('/bytes', all);
      const back = await g.readFile('/bytes');
      expect(Buffer.isBuffer(back)).toBe(true);
      expect([...back]).toEqual([...all]);
      await g.write('/bytes', all.subarray(100, 110));
      expect([...(await g.readFile('/bytes'))]).toEqual([...all.subarray(100, 110)]);
      await g.write('/bytes', new Uint8Array());
      expect(await g.readFile('/bytes')).toHaveLength(0);
    });

    test('a buffer of some MiB, changed by the program right after the call', async () => {
      const data = Buffer.alloc(3 * MiB, 'abcdefg');
      const expected = Buffer.from(data);
      const written = g.write('/large', data);
      data.fill(0);
      await written;
      const back = await g.readFile('/large');
      expect(back.equals(expected)).toBe(true);
    });

    test('a buffer that the program keeps is not touched by later calls', async () => {
      await g.write('/kept', 'first');
      const first = await g.readFile('/kept');
      await g.write('/kept', 'other');
      await g.readFile('/kept');
      expect(first.toString()).toBe('first');
    });

    test('lists keep their order and their empty and repeated elements', async () => {
      await g.write('/lines', 'zebra\n\nant\nzebra\n');
      expect(await g.readLines('/lines')).toEqual(['zebra', '', 'ant', 'zebra']);
      await g.mkdir('/list');
      for (const name of ['c', 'a', 'b']) await g.touch(`/list/${name}`);
      expect(await g.ls('/list')).toEqual(['a', 'b', 'c']);
      expect(await g.ls('/lost+found')).toEqual([]);
    });

    test('up- and downloads', async () => {
      const up = join(folder, 'up');
      const down = join(folder, 'down');
      await writeFile(up, Buffer.alloc(MiB + 1, 'transfer'));
      await g.upload(up, '/transfer');
      await g.download('/transfer', down);
      expect((await readFile(down)).equals(await readFile(up))).toBe(true);
      await expect(g.upload(join(folder, 'missing'), '/transfer')).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(g.download('/no-such-file', down)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await g.exists('/transfer')).toBe(true);
    });

    test('booleans are booleans', async () => {
      expect(await g.isDir('/')).toBe(true);
      expect(await g.isDir('/text')).toBe(false);
      expect(await g.isFile('/link', { followsymlinks: true })).toBe(false);
    });
  });

  describe('structs', () => {
    test('lstat and statns', async () => {
      await g.write('/stat', '12345');
      await g.chmod(0o640, '/stat');
      const lstat = await g.lstat('/stat');
      expect(lstat).toMatchObject({ size: 5n, mode: 0o100640n, uid: 0n, nlink: 1n });
      const statns = await g.statns('/stat');
      expect(statns).toMatchObject({ stSize: 5n, stMode: 0o100640n, stIno: lstat.ino });
      await expect(g.lstat('/no-such-file')).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('statvfs', async () => {
      const fs = await g.statvfs('/');
      expect(fs.bsize).toBe(4096n);
      expect(fs.namemax).toBe(255n);
      expect(fs.bfree).toBeGreaterThan(0n);
      expect(fs.bavail).toBeLessThanOrEqual(fs.bfree);
      expect(fs.blocks * fs.frsize).toBeGreaterThan(100n * BigInt(MiB));
      expect(fs.blocks * fs.frsize).toBeLessThan(200n * BigInt(MiB));
    });

    test('a list of structs', async () => {
      const entries = await g.readdir('/');
      expect(entries.map((entry) => entry.name)).toEqual(
        expect.arrayContaining(['.', '..', 'lost+found', 'stat']),
      );
      expect(entries.find((entry) => entry.name === 'lost+found')?.ftyp).toBe('d');
      const stats = await g.lstatlist('/', ['stat', 'no-such-file', 'lost+found']);
      expect(stats.map((stat) => stat.size === 5n)).toEqual([true, false, false]);
      expect(stats[1]?.ino).toBe(-1n);
    });
  });

  describe('64-bit numbers are exact', () => {
    test('beyond 4 GiB', async () => {
      const size = 5n * BigInt(GiB) + 1n;
      expect(await g.blockdevGetsize64('/dev/sdb')).toBe(BigInt(largeDisk));
      await g.touch('/sparse');
      await g.truncateSize('/sparse', size);
      expect(await g.filesize('/sparse')).toBe(size);
      await g.truncateSize('/sparse', Number(size) + 1);
      expect(await g.filesize('/sparse')).toBe(size + 1n);
      await g.pwrite('/sparse', 'end', size - 2n);
      expect((await g.pread('/sparse', 100, size - 2n)).toString()).toBe('end');
    });

    test('beyond what a number holds', async () => {
      const odd = 2n ** 53n + 1n;
      await g.mkdir('/tmpfs');
      await g.debug('sh', ['mount -t tmpfs none /sysroot/tmpfs']);
      try {
        await g.touch('/tmpfs/odd');
        await g.truncateSize('/tmpfs/odd', odd);
        expect(await g.filesize('/tmpfs/odd')).toBe(odd);
        expect((await g.lstat('/tmpfs/odd')).size).toBe(odd);
        expect((await g.debug('sh', ['stat -c %s /sysroot/tmpfs/odd'])).trim()).toBe('9007199254740993');
      } finally {
        await g.debug('sh', ['umount /sysroot/tmpfs']);
      }
    });
  });

  describe('file names that are not UTF-8', () => {
    const latin = 'caf\udce9'; // the byte E9
    const name = `${latin} \udcff\udc80`;
    const utf8 = 'café 🐟';

    beforeAll(async () => {
      await g.mkdir('/names');
      await g.debug('sh', ['printf inside > "/sysroot/names/$(printf "caf\\\\351 \\\\377\\\\200")"']);
      await g.write(`/names/${utf8}`, 'other');
    });

    test('are listed beside others', async () => {
      expect((await g.ls('/names')).sort()).toEqual([name, utf8].sort());
      expect(await g.find('/names')).toEqual(expect.arrayContaining([`/${name}`, `/${utf8}`]));
      expect((await g.readdir('/names')).map((entry) => entry.name)).toContain(name);
    });

    test('are opened by the name that was listed', async () => {
      const texts = await Promise.all((await g.ls('/names')).map((entry) => g.cat(`/names/${entry}`)));
      expect(texts.sort()).toEqual(['inside', 'other']);
      expect((await g.lstat(`/names/${name}`)).size).toBe(6n);
    });

    test('are made with those very bytes', async () => {
      await g.write(`/names/${latin}`, 'made');
      const octal = await g.debug('sh', ['ls /sysroot/names | grep -a "^caf.$" | od -An -c']);
      expect(octal.trim().split(/\s+/)).toEqual(['c', 'a', 'f', '351', '\\n']);
      await g.rm(`/names/${latin}`);
      expect((await g.ls('/names')).length).toBe(2);
    });
  });

  describe('LVM', () => {
    test('volumes on the second drive', async () => {
      await g.pvcreate('/dev/sdb');
      await g.vgcreate('VG', ['/dev/sdb']);
      await g.lvcreate('LV1', 'VG', 200);
      await g.lvcreate('LV2', 'VG', 200);
      expect(await g.lvs()).toEqual(['/dev/VG/LV1', '/dev/VG/LV2']);
      const [vg] = await g.vgsFull();
      expect(vg).toMatchObject({ vgName: 'VG', pvCount: 1n, lvCount: 2n });
      expect(vg?.vgSize).toBeGreaterThan(8n * BigInt(GiB) - 8n * BigInt(MiB));
      await g.vgremove('VG');
    });
  });

  describe('errors', () => {
    test('tell code, errno, operation and the line of the caller', async () => {
      const error = await g.cat('/no-such-file').catch((thrown: unknown) => thrown as GuestfsError);
      expect(error).toBeInstanceOf(GuestfsError);
      expect(error).toMatchObject({ code: 'ENOENT', errno: 2, operation: 'cat' });
      expect((error as GuestfsError).message).toContain('/no-such-file');
      expect((error as GuestfsError).stack).toContain('100-launch.test.ts');
    });

    test('have a code of their own where the appliance gave no errno', async () => {
      await expect(g.debug('no-such-command', [])).rejects.toMatchObject({ code: 'ERR_GUESTFS', errno: 0 });
    });

    test('name the feature group that the appliance lacks', async () => {
      const groups: [group: string, call: () => Promise<unknown>][] = [
        ['rsync', () => g.rsync('/no-such', '/neither')],
        ['selinuxrelabel', () => g.selinuxRelabel('/no-such', '/')],
        ['ldm', () => g.ldmtoolScan()],
        ['zerofree', () => g.zerofree('/dev/sdb')],
        ['xfs', () => g.xfsInfo('/dev/sdb')],
      ];
      const seen: Record<string, string> = {};
      for (const [group, call] of groups) {
        const available = await g.featureAvailable([group]);
        const error = await call().then(
          () => undefined,
          (thrown: unknown) => thrown as GuestfsError,
        );
        const lacks = error?.message.includes(`: this appliance lacks the feature group '${group}'`) === true;
        seen[group] = available === !lacks ? 'agrees' : `available: ${available}, but: ${error?.message}`;
        if (lacks) expect(error?.code).toMatch(/^(ENOTSUP|EOPNOTSUPP)$/);
      }
      expect(new Set(Object.values(seen))).toEqual(new Set(['agrees']));
    });

    test('leave the handle usable', async () => {
      await expect(g.mount('/dev/sdz', '/')).rejects.toMatchObject({ operation: 'mount' });
      await expect(g.addDrive(image)).rejects.toMatchObject({ operation: 'addDrive' });
      expect(await g.listDevices()).toEqual(devices);
    });
  });

  test('what was written is on the disk after shutdown()', async () => {
    const mark = `on the disk ${Date.now()}`;
    await g.write('/mark', mark);
    await g.shutdown();
    expect((await readFile(image)).includes(mark)).toBe(true);
  });
});

function expectLaunchProgress(events: readonly ProgressEvent[]): void {
  // A fallback from KVM starts anew: what follows a final or a higher message is another launch.
  const launches: ProgressEvent[][] = [];
  for (const event of events) {
    const last = launches.at(-1)?.at(-1);
    if (!last || last.position > event.position) launches.push([]);
    launches.at(-1)?.push(event);
  }
  expect(launches.length).toBeLessThanOrEqual(2);
  for (const launch of launches) expectWellFormed(launch, 'launch');
  for (const { total, procNr } of events) expect([total, procNr]).toEqual([12n, 0]);
}
