import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type InspectionReport, inspect, type ProgressEvent } from '../../lib';
import {
  bootableIso,
  debianLvm,
  debianMbr,
  debianTree,
  emptyDisk,
  installedPackages,
  luksDisk,
  multiFs,
  notADisk,
  readFromTree,
  type TestFilesystem,
  unreadable,
} from '../images';
import { withAppliance } from '../images/appliance';
import { MiB } from '../support/appliance';
import { failureOf } from '../support/internal';
import { descendants } from '../support/processes';

// What the reports are compared with is read from the images by hand, without libguestfs.

async function bytes(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    return (await file.read(Buffer.alloc(length), 0, length, position)).buffer;
  } finally {
    await file.close();
  }
}

/** The first entry of an MBR. */
async function firstPartition(path: string) {
  const entry = await bytes(path, 0x1be, 16);
  return {
    bootable: entry[0] === 0x80,
    mbrId: entry[4],
    start: entry.readUInt32LE(8) * 512,
    size: entry.readUInt32LE(12) * 512,
  };
}

/** The UUID in the superblock of an ext2, ext3 or ext4 filesystem. */
async function extUuid(path: string, start: number): Promise<string> {
  const hex = (await bytes(path, start + 1024 + 0x68, 16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A value of the guest's os-release. */
async function osRelease(name: string): Promise<string> {
  const text = await readFromTree('/usr/lib/os-release');
  return new RegExp(`^${name}="?(.*?)"?$`, 'm').exec(text)?.[1] ?? '';
}

function filesystem(report: InspectionReport, device: string) {
  const found = report.filesystems.find((each) => each.device === device);
  if (!found) throw new Error(`no filesystem on ${device} in ${JSON.stringify(report.filesystems)}`);
  return found;
}

function expectPlainData(report: InspectionReport): void {
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
}

/** Every filesystem is either of unknown size or full to a degree. */
function expectConsistentSizes(report: InspectionReport): void {
  for (const { size, used, free } of report.filesystems) {
    if (size === null) expect([used, free]).toEqual([null, null]);
    else expect((used ?? -1) + (free ?? -1)).toBe(size);
  }
}

describe('Debian on ext4 and MBR', () => {
  let path: string;
  let report: InspectionReport;
  const events: ProgressEvent[] = [];
  const before: unknown[] = [];

  const traces = async () => {
    const { mtimeMs, ctimeMs, size, blocks } = await stat(path);
    return { mtimeMs, ctimeMs, size, blocks };
  };

  beforeAll(async () => {
    path = await debianMbr();
    before.push(await traces());
    report = await inspect(path, { onProgress: (event) => events.push(event) });
  });

  test('the report is plain data, without problems', () => {
    expectPlainData(report);
    expectConsistentSizes(report);
    expect(report.problems).toEqual([]);
    expect(report.encrypted).toEqual([]);
  });

  test('nothing is left, and the image is untouched', async () => {
    expect(descendants()).toEqual([]);
    expect(await traces()).toEqual(before[0]);
  });

  test('the image', async () => {
    const { size, blocks } = await stat(path);
    expect(report.images).toEqual([
      {
        path,
        device: '/dev/sda',
        format: 'raw',
        virtualSize: size,
        actualSize: blocks * 512,
        backingChain: [],
        blocksize: 512,
        partitionTable: 'mbr',
      },
    ]);
  });

  test('the partition, as its table has it', async () => {
    const { bootable, mbrId, start, size } = await firstPartition(path);
    expect(mbrId).toBe(0x83);
    expect(report.partitions).toEqual([
      {
        device: '/dev/sda1',
        number: 1,
        start,
        end: start + size - 1,
        size,
        type: 'mbr',
        mbrId,
        gptType: null,
        bootable,
        label: null,
        content: 'ext4',
      },
    ]);
    expect(bootable).toBe(true);
  });

  test('the filesystem, as its superblock has it', async () => {
    const { start, size } = await firstPartition(path);
    expect(report.filesystems).toEqual([
      {
        device: '/dev/sda1',
        type: 'ext4',
        label: 'debian',
        uuid: await extUuid(path, start),
        size: expect.any(Number),
        used: expect.any(Number),
        free: expect.any(Number),
        iso: null,
      },
    ]);
    const root = filesystem(report, '/dev/sda1');
    expect(root.size).toBeGreaterThan(size * 0.8);
    expect(root.size).toBeLessThan(size);
    const tree = (await stat(await debianTree())).size;
    expect(root.used).toBeGreaterThan(tree * 0.8);
    expect(root.used).toBeLessThan(tree * 1.3);
  });

  test('the operating system', async () => {
    const [system] = report.operatingSystems;
    const [id, version] = [await osRelease('ID'), await osRelease('VERSION_ID')];
    const major = Number.parseInt(version, 10);
    const numbered = { version: { major }, osinfo: expect.stringMatching(`^${id}${major}`) };
    const unstable = { version: null, osinfo: null }; // Debian's has only a name
    const release = version ? String(major) : await osRelease('VERSION_CODENAME');
    expect(report.operatingSystems).toHaveLength(1);
    expect(system).toMatchObject({
      root: '/dev/sda1',
      type: 'linux',
      distro: id,
      productName: expect.stringContaining(release),
      ...(version ? numbered : unstable),
      arch: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string],
      hostname: 'guestfs-test',
      packageFormat: 'deb',
      packageManager: 'apt',
      mountpoints: [{ path: '/', device: '/dev/sda1' }],
      filesystems: ['/dev/sda1'],
      driveMappings: [],
      icon: null,
      windows: null,
    });
  });

  test('every installed package with its version', async () => {
    const found = report.operatingSystems[0]?.applications?.map(({ name, epoch, version, release }) => {
      const full = [version, release].filter((part) => part !== null).join('-');
      return `${name} ${epoch > 0 ? `${epoch}:` : ''}${full}`;
    });
    const expected = await installedPackages();
    expect(expected.length).toBeGreaterThan(50);
    expect(found?.sort()).toEqual(expected);
  });

  test('progress comes as the events of its calls', () => {
    // libguestfs says nothing of launches that take less than 5 s.
    for (const { operation, ratio } of events) {
      expect(operation).toMatch(/^[a-z]\w+$/);
      expect(ratio).toBeGreaterThanOrEqual(0);
      expect(ratio).toBeLessThanOrEqual(1);
    }
  });
});

describe('Debian on LVM', () => {
  let report: InspectionReport;

  beforeAll(async () => {
    report = await inspect([{ path: await debianLvm(), format: 'raw' }], { applications: false, icon: true });
  });

  test('the report is plain data, without problems', () => {
    expectPlainData(report);
    expectConsistentSizes(report);
    expect(report.problems).toEqual([]);
  });

  test('partitions', () => {
    expect(report.partitions).toMatchObject([
      { device: '/dev/sda1', start: MiB, size: 64 * MiB, mbrId: 0x83, content: 'ext2' },
      { device: '/dev/sda2', start: 65 * MiB, size: 703 * MiB, mbrId: 0x8e, content: 'LVM2_member' },
    ]);
  });

  test('filesystems, on logical volumes too', async () => {
    expect(report.filesystems).toMatchObject([
      { device: '/dev/sda1', type: 'ext2', label: 'boot', uuid: await extUuid(await debianLvm(), MiB) },
      { device: '/dev/vg0/root', type: 'ext4', label: 'root' },
      { device: '/dev/vg0/swap', type: 'swap', label: 'swap', size: null },
    ]);
    expect(filesystem(report, '/dev/sda1').size).toBeGreaterThan(50 * MiB);
    expect(filesystem(report, '/dev/vg0/root').used).toBeGreaterThan(50 * MiB);
  });

  test('the operating system with its mount points; no packages unless asked for', () => {
    expect(report.operatingSystems).toMatchObject([
      {
        root: '/dev/vg0/root',
        hostname: 'guestfs-test',
        mountpoints: [
          { path: '/', device: '/dev/vg0/root' },
          { path: '/boot', device: '/dev/sda1' },
        ],
        applications: null,
        applicationsSource: null,
      },
    ]);
    expect(report.operatingSystems[0]?.filesystems.sort()).toEqual([
      '/dev/sda1',
      '/dev/vg0/root',
      '/dev/vg0/swap',
    ]);
  });

  test('the icon is a PNG image, where libguestfs has one', () => {
    const { icon } = report.operatingSystems[0] as InspectionReport['operatingSystems'][number];
    if (icon !== null) {
      expect(Buffer.from(icon, 'base64').subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    }
  });
});

describe('several disks in one guest: blank, no disk at all, ISO, encrypted, many filesystems', () => {
  let iso: string;
  let luks: string;
  let filesystems: TestFilesystem[];
  let report: InspectionReport;

  beforeAll(async () => {
    const blank = await emptyDisk();
    const text = await notADisk();
    const vault = await luksDisk();
    const multi = await multiFs();
    iso = await bootableIso();
    luks = vault.path;
    filesystems = multi.filesystems.map((each) => ({ ...each, device: each.device.replace('sda', 'sde') }));
    report = await inspect([blank, text, iso, luks, multi.path], {
      keys: [
        { device: '/dev/sda', key: 'for another disk' },
        'wrong',
        { device: '/dev/sdd1', key: vault.key },
      ],
    });
  });

  const about = (device: string) => ({
    partitions: report.partitions.filter((each) => each.device.startsWith(device)),
    filesystems: report.filesystems.filter((each) => each.device.startsWith(device)),
    problems: report.problems.filter((each) => each.device?.startsWith(device)).map(({ code }) => code),
  });

  test('plain data; no operating system', () => {
    expectPlainData(report);
    expectConsistentSizes(report);
    expect(report.operatingSystems).toEqual([]);
    expect(report.images.map(({ device, partitionTable }) => [device, partitionTable])).toEqual([
      ['/dev/sda', null],
      ['/dev/sdb', null],
      ['/dev/sdc', expect.anything()],
      ['/dev/sdd', 'gpt'],
      ['/dev/sde', 'gpt'],
    ]);
  });

  test('a blank disk is nothing special', () => {
    expect(about('/dev/sda')).toEqual({ partitions: [], filesystems: [], problems: [] });
    expect(report.images[0]).toMatchObject({ format: 'raw', virtualSize: 64 * MiB });
  });

  test('a text file is suspicious', () => {
    expect(about('/dev/sdb')).toEqual({
      partitions: [],
      filesystems: [],
      problems: ['ERR_GUESTFS_ODD_SIZE', 'ERR_GUESTFS_NOT_RECOGNISED'],
    });
  });

  test('a bootable ISO', async () => {
    const volumeId = (await bytes(iso, 0x8000 + 40, 32)).toString('latin1').trim();
    expect(volumeId).not.toBe('');
    const { size } = await stat(iso);
    expect(filesystem(report, '/dev/sdc')).toMatchObject({
      type: 'iso9660',
      label: volumeId,
      free: 0,
      iso: { volumeId, created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
    });
    expect(filesystem(report, '/dev/sdc').size).toBeLessThanOrEqual(size);
    expect(filesystem(report, '/dev/sdc').size).toBeGreaterThan(size / 2);
    expect(about('/dev/sdc').problems).toEqual([]);
  });

  test('an encrypted volume, opened with the key that fits', async () => {
    const [partition] = about('/dev/sdd').partitions;
    const uuid = (await bytes(luks, (partition?.start ?? 0) + 0xa8, 40))
      .toString('latin1')
      .replace(/\0.*$/s, '');
    expect(partition).toMatchObject({ type: 'gpt', content: 'crypto_LUKS' });
    expect(report.encrypted).toEqual([
      { device: '/dev/sdd1', type: 'crypto_LUKS', uuid, opened: true, mapping: '/dev/mapper/cryptsdd1' },
    ]);
    expect(about('/dev/sdd')).toMatchObject({ filesystems: [], problems: [] });
    const vault = filesystem(report, '/dev/mapper/cryptsdd1');
    expect(vault).toMatchObject({ type: 'ext4', label: 'vault' });
    expect(vault.size).toBeGreaterThan(10 * MiB);
  });

  test('filesystems of every type', () => {
    const found = about('/dev/sde');
    expect(found.filesystems.map(({ device, type, label }) => ({ device, type, label }))).toEqual(
      filesystems,
    );
    expect(found.partitions).toMatchObject(
      filesystems.map(({ device }) => ({ device, type: 'gpt', mbrId: null })),
    );
    for (const { type, size } of found.filesystems) {
      if (type === 'swap' || type === 'unknown') expect(size).toBeNull();
      else expect(size).toBeGreaterThan(MiB);
    }
    expect(found.problems).toEqual([]);
  });
});

describe('a damaged disk with two operating systems', () => {
  const sectors = MiB / 512;
  const nastyLabel = 'a \\"é$';
  let folder: string;
  let report: InspectionReport;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-210-'));
    const path = join(folder, 'damaged.img');
    const file = await open(path, 'wx');
    await file.truncate(128 * MiB);
    await file.close();
    await withAppliance([{ path, format: 'raw' }], async (g) => {
      const disk = '/dev/sda';
      await g.partInit(disk, 'mbr');
      await g.partAdd(disk, 'primary', sectors, 20 * sectors - 1);
      await g.partAdd(disk, 'extended', 20 * sectors, -1);
      for (const start of [21, 41, 61, 81]) {
        await g.partAdd(disk, 'logical', start * sectors, (start + 19) * sectors - 1);
      }
      await g.mkfs('ext2', `${disk}1`, { label: nastyLabel });
      for (const [device, name] of [
        [`${disk}5`, 'fedora'],
        [`${disk}6`, 'alpine'],
      ] as const) {
        await g.mkfs('ext4', device, { label: name });
        await g.mount(device, '/');
        for (const each of ['/bin', '/etc', '/usr', '/var']) await g.mkdir(each);
        await g.write('/etc/os-release', `ID=${name}\nVERSION_ID=3.40\nPRETTY_NAME="${name} \x1b[31m3.40"\n`);
        await g.write('/etc/hostname', `${name}-host\n`);
        await g.write('/etc/fstab', `LABEL=${name} / ext4 defaults 0 1\n`);
        await g.umountAll();
      }
      // A superblock, and behind it nothing that it describes.
      await g.mkfs('ext4', `${disk}7`, { label: 'broken' });
      await g.pwriteDevice(`${disk}7`, Buffer.alloc(64 * 1024, 0xff), 2048);
      // Two filesystems at once.
      await g.mkfs('vfat', `${disk}8`);
      const bootSector = await g.preadDevice(`${disk}8`, 512, 0);
      await g.mkfs('ext4', `${disk}8`);
      await g.pwriteDevice(`${disk}8`, bootSector, 0);
    });
    report = await inspect(path, { applications: false });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const codesOf = (device: string) => report.problems.filter((each) => each.device === device);

  test('every partition is reported, whatever it holds', () => {
    expectPlainData(report);
    expect(
      report.partitions.map(({ number, start, size, mbrId, content }) => [
        number,
        start / MiB,
        size / MiB,
        mbrId,
        content,
      ]),
    ).toEqual([
      [1, 1, 19, 0x83, 'ext2'],
      [2, 20, 108, expect.any(Number), null],
      [5, 21, 19, 0x83, 'ext4'],
      [6, 41, 19, 0x83, 'ext4'],
      [7, 61, 19, 0x83, 'ext4'],
      [8, 81, 19, 0x83, null],
    ]);
  });

  test('a label with characters that blkid mangles', () => {
    expect(filesystem(report, '/dev/sda1').label).toBe(nastyLabel);
  });

  test('both systems', () => {
    const byRoot = [...report.operatingSystems].sort((a, b) => (a.root < b.root ? -1 : 1));
    expect(byRoot).toMatchObject([
      { root: '/dev/sda5', distro: 'fedora', hostname: 'fedora-host', version: { major: 3, minor: 40 } },
      { root: '/dev/sda6', distro: 'alpinelinux', hostname: 'alpine-host', version: { major: 3, minor: 40 } },
    ]);
  });

  test('a filesystem that cannot be mounted is listed, with a problem', () => {
    expect(filesystem(report, '/dev/sda7')).toMatchObject({
      type: 'ext4',
      label: 'broken',
      size: null,
      used: null,
    });
    expect(codesOf('/dev/sda7')).toMatchObject([{ operation: 'mountRo' }]);
    expect(filesystem(report, '/dev/sda8')).toMatchObject({ type: 'unknown', size: null });
    expect(codesOf('/dev/sda8')).toMatchObject([
      // util-linux 2.42 says nothing of it.
      { operation: 'blkid', message: expect.stringMatching(/ambivalent|^blkid: it gave no reason$/) },
    ]);
  });

  test('the rest is not affected', () => {
    for (const device of ['/dev/sda1', '/dev/sda5', '/dev/sda6']) {
      expect(filesystem(report, device).size).toBeGreaterThan(10 * MiB);
      expect(codesOf(device)).toEqual([]);
    }
  });
});

test('an image that this user may not read', async () => {
  const { path } = await unreadable();
  const asRoot = process.geteuid?.() === 0;
  if (asRoot) process.seteuid?.('nobody'); // root reads everything
  try {
    expect(await failureOf(inspect(path))).toMatchObject({ code: 'EACCES', operation: 'inspect' });
  } finally {
    if (asRoot) process.seteuid?.(0);
  }
});
