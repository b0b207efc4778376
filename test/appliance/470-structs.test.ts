import { writeFileSync } from 'node:fs';
import { machine } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import { launchedHandle, MiB } from '../support/appliance';
import { temporaryFolder } from '../support/folder';
import { emptyHive } from '../support/hive';
import { volumeDescriptor } from '../support/iso';

// Each struct as the real appliance fills it. What no appliance can be made to return is in the unit tests.

let g: Guestfs;

/** The disk's partitions in their order, by use, with sizes in MiB. */
const sizes = { ext4: 64, lvm: 32, md1: 16, md2: 16, btrfs: 128, xfs: 320 };
const uses = Object.keys(sizes) as (keyof typeof sizes)[];
const device = (use: keyof typeof sizes) => `/dev/sda${uses.indexOf(use) + 1}`;
/** Some of libguestfs's functions give the name that the appliance's kernel happened to choose: another letter. */
const inAppliance = (partition: number) =>
  expect.stringMatching(new RegExp(`^/dev/[a-z]+d[a-z]${partition}$`));

interface Mountable {
  imType: number;
  imDevice: string;
  imVolume: string;
}

const partitions = uses.map((use, i) => {
  const before = uses.slice(0, i).reduce((sum, other) => sum + sizes[other], 1);
  const start = BigInt(before * MiB);
  const size = BigInt(sizes[use] * MiB);
  return { partNum: i + 1, partStart: start, partEnd: start + size - 1n, partSize: size };
});

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

beforeAll(async () => {
  const total = uses.reduce((sum, use) => sum + sizes[use], 2);
  g = await launchedHandle(total * MiB);
  await g.partInit('/dev/sda', 'gpt');
  const sectors = (bytes: bigint) => bytes / 512n;
  for (const { partStart, partEnd } of partitions) {
    await g.partAdd('/dev/sda', 'primary', sectors(partStart), sectors(partEnd));
  }
  await g.mkfs('ext4', device('ext4'));
});

afterAll(async () => {
  await g?.close();
});

/** A test of what needs a feature group. An appliance without it is told of, and has to say that it lacks it. */
function testGroup(
  name: string,
  group: string,
  call: () => Promise<unknown>,
  work: () => Promise<void>,
): void {
  test(name, async () => {
    if (await g.featureAvailable([group])) return await work();
    process.stderr.write(
      `${name}: the appliance lacks the feature group ${group}; only its refusal is tested\n`,
    );
    await expect(call()).rejects.toMatchObject({ name: 'GuestfsError', code: 'ENOTSUP' });
  });
}

test('version', async () => {
  const version = await g.version();
  expect(version).toEqual({
    major: 1n,
    minor: expect.any(BigInt),
    release: expect.any(BigInt),
    extra: expect.any(String),
  });
  expect(version.minor).toBeGreaterThanOrEqual(40n);
});

test('utsname', async () => {
  expect(await g.utsname()).toEqual({
    utsSysname: 'Linux',
    utsRelease: expect.stringMatching(/^\d+\.\d+/),
    utsVersion: expect.stringContaining('#'),
    utsMachine: machine(),
  });
});

test('partition', async () => {
  expect(await g.partList('/dev/sda')).toEqual(partitions);
});

test('internal_mountable', async () => {
  const parse = (mountable: string) => g[invoke]<Mountable>('internalParseMountable', [mountable], undefined);
  const disk = await parse('/dev/sda1');
  const volume = await parse('btrfsvol:/dev/sda5/sub');
  expect(disk).toEqual({ imType: expect.any(Number), imDevice: inAppliance(1), imVolume: '' });
  expect(volume).toEqual({ imType: disk.imType + 1, imDevice: inAppliance(5), imVolume: 'sub' });
});

describe('on a filesystem', () => {
  const name = '/file é\udcff';

  beforeAll(async () => {
    await g.mount(device('ext4'), '/');
    await g.write(name, 'abc');
    await g.chmod(0o640, name);
    await g.chown(10, 20, name);
    await g.utimens(name, 1_000_000_000n, 123_456_789n, 2_000_000_000n, 987_654_321n);
    await g.mkdir('/directory');
    await g.lnS('target', '/link');
  });

  afterAll(() => g.umountAll());

  test('stat', async () => {
    const stat = await g.stat(name);
    expect(stat).toMatchObject({ mode: 0o100640n, nlink: 1n, uid: 10n, gid: 20n, rdev: 0n, size: 3n });
    expect(stat).toMatchObject({ atime: 1_000_000_000n, mtime: 2_000_000_000n });
    expect(stat.ino).toBeGreaterThan(0n);
    expect(stat.blksize).toBeGreaterThanOrEqual(1024n);
    expect(stat.blocks * 512n).toBeGreaterThanOrEqual(1024n);
    expect(stat.ctime).toBeGreaterThan(1_600_000_000n);
    expect((await g.lstat('/link')).mode & 0o170000n).toBe(0o120000n);
  });

  test('statns', async () => {
    const [file, none, directory] = await g.lstatnslist('/', [name.slice(1), 'missing', 'directory']);
    expect(file).toMatchObject({ stMode: 0o100640n, stSize: 3n, stUid: 10n, stGid: 20n });
    expect(file).toMatchObject({ stAtimeSec: 1_000_000_000n, stAtimeNsec: 123_456_789n });
    expect(file).toMatchObject({ stMtimeSec: 2_000_000_000n, stMtimeNsec: 987_654_321n });
    expect(none).toMatchObject({ stIno: -1n });
    expect((directory?.stMode ?? 0n) & 0o170000n).toBe(0o040000n);
    expect(await g.statns(name)).toEqual(file);
  });

  test('statvfs', async () => {
    const statvfs = await g.statvfs('/');
    expect(statvfs.namemax).toBe(255n);
    expect(statvfs.blocks * statvfs.frsize).toBeGreaterThan(BigInt((sizes.ext4 * MiB) / 2));
    expect(statvfs.blocks * statvfs.frsize).toBeLessThan(BigInt(sizes.ext4 * MiB));
    expect(statvfs.bfree).toBeLessThan(statvfs.blocks);
    expect(statvfs.ffree).toBeLessThan(statvfs.files);
  });

  test('dirent', async () => {
    const entries = await g.readdir('/');
    expect(entries.map(({ name: entry, ftyp }) => `${ftyp} ${entry}`).sort()).toEqual(
      ['d .', 'd ..', 'd directory', 'd lost+found', 'l link', `r ${name.slice(1)}`].sort(),
    );
    const { ino } = await g.stat(name);
    expect(entries.find(({ ftyp }) => ftyp === 'r')?.ino).toBe(ino);
  });

  testGroup(
    'xattr',
    'linuxxattrs',
    () => g.getxattrs('/'),
    async () => {
      await g.setxattr('user.bytes', '\udcff\n', 2, name);
      await g.setxattr('user.empty', '', 0, name);
      expect(await g.getxattrs(name)).toEqual([
        { attrname: 'user.bytes', attrval: Buffer.of(0xff, 0x0a) },
        { attrname: 'user.empty', attrval: Buffer.of() },
      ]);
    },
  );

  testGroup(
    'inotify_event',
    'inotify',
    () => g.inotifyRead(),
    async () => {
      await g.inotifyInit(0);
      const created = 0x100;
      const watch = await g.inotifyAddWatch('/directory', created);
      await g.touch('/directory/new');
      const event = { inWd: watch, inMask: created, inCookie: 0, inName: 'new' };
      expect(await g.inotifyRead()).toEqual([event]);
      await g.inotifyClose();
    },
  );

  test('int_bool', async () => {
    await g.augInit('/', 96); // without the lenses, which take seconds to load
    expect(await g.augDefnode('x', '/files/new', 'value')).toEqual({ i: 1, b: 1 });
    expect(await g.augDefnode('x', '/files/new', 'value')).toEqual({ i: 1, b: 0 });
    await g.augClose();
  });

  testGroup(
    'hivex_node and hivex_value',
    'hivex',
    () => g.hivexRoot(),
    async () => {
      await g.write('/hive', emptyHive());
      await g.hivexOpen('/hive', { write: true });
      const root = await g.hivexRoot();
      expect(await g.hivexNodeChildren(root)).toEqual([]);
      const child = await g.hivexNodeAddChild(root, 'child');
      expect(await g.hivexNodeChildren(root)).toEqual([{ hivexNodeH: child }]);
      await g.hivexNodeSetValue(child, 'name', 3n, Buffer.of(0, 0xff));
      const values = await g.hivexNodeValues(child);
      expect(values).toEqual([{ hivexValueH: await g.hivexNodeGetValue(child, 'name') }]);
      expect(await g.hivexValueValue(values[0]?.hivexValueH as bigint)).toEqual(Buffer.of(0, 0xff));
      await g.hivexClose();
    },
  );

  test('isoinfo', async () => {
    await g.write('/image.iso', volumeDescriptor());
    const seconds = (iso: string) => BigInt(Date.parse(iso) / 1000);
    expect(await g.isoinfo('/image.iso')).toEqual({
      isoSystemId: 'SYSTEM',
      isoVolumeId: 'VOLUME',
      isoVolumeSpaceSize: 18,
      isoVolumeSetSize: 1,
      isoVolumeSequenceNumber: 1,
      isoLogicalBlockSize: 2048,
      isoVolumeSetId: 'SET',
      isoPublisherId: 'PUBLISHER',
      isoDataPreparerId: 'PREPARER',
      isoApplicationId: 'APPLICATION',
      isoCopyrightFileId: 'COPYRIGHT.TXT',
      isoAbstractFileId: 'ABSTRACT.TXT',
      isoBibliographicFileId: 'BIBLIO.TXT',
      isoVolumeCreationT: seconds('2001-02-03T04:05:06+01:00'),
      isoVolumeModificationT: seconds('2002-02-03T04:05:06Z'),
      isoVolumeExpirationT: -1n,
      isoVolumeEffectiveT: seconds('2004-02-03T04:05:06-02:00'),
    });
  });

  testGroup(
    'yara_detection',
    'libyara',
    () => g.yaraScan('/'),
    async () => {
      const rules = folder.file('rules.yar');
      writeFileSync(
        rules,
        'rule first { strings: $a = "abc" condition: $a }\nrule other { condition: false }\n',
      );
      await g.yaraLoad(rules);
      expect(await g.yaraScan(name)).toEqual([{ yaraName: name, yaraRule: 'first' }]);
      await g.yaraDestroy();
    },
  );

  testGroup(
    'tsk_dirent',
    'libtsk',
    () => g.filesystemWalk('/dev/sda'),
    async () => {
      const stat = await g.statns(name);
      await g.umountAll(); // the walk reads the device
      const entries = await g.filesystemWalk(device('ext4'));
      await g.mount(device('ext4'), '/');
      expect(entries.find(({ tskName }) => tskName === name.slice(1))).toMatchObject({
        ...{ tskInode: stat.stIno, tskType: 'r', tskSize: 3n, tskNlink: 1n, tskLink: '' },
        ...{ tskAtimeSec: stat.stAtimeSec, tskAtimeNsec: stat.stAtimeNsec },
        ...{ tskMtimeSec: 2_000_000_000n, tskMtimeNsec: 987_654_321n },
        ...{ tskCtimeSec: stat.stCtimeSec, tskCtimeNsec: stat.stCtimeNsec },
      });
      expect(entries.find(({ tskName }) => tskName === 'link')).toMatchObject({
        tskType: 'l',
        tskLink: 'target',
      });
    },
  );
});

testGroup(
  'lvm_pv, lvm_vg and lvm_lv',
  'lvm2',
  () => g.pvsFull(),
  async () => {
    await g.pvcreate(device('lvm'));
    await g.vgcreate('vg', [device('lvm')]);
    await g.lvcreate('lv', 'vg', 16);
    const extent = BigInt(4 * MiB);
    const uuid = expect.stringMatching(/^[0-9A-Za-z]{32}$/);

    const [pv, ...otherPvs] = await g.pvsFull();
    expect(otherPvs).toEqual([]);
    expect(pv).toMatchObject({
      ...{ pvName: inAppliance(2), pvUuid: uuid, pvFmt: 'lvm2', pvAttr: 'a--', pvTags: '' },
      ...{ devSize: BigInt(sizes.lvm * MiB), pvSize: 7n * extent, pvUsed: 4n * extent, pvFree: 3n * extent },
      ...{ pvPeCount: 7n, pvPeAllocCount: 4n },
    });

    const [vg, ...otherVgs] = await g.vgsFull();
    expect(otherVgs).toEqual([]);
    expect(vg).toMatchObject({
      ...{
        vgName: 'vg',
        vgUuid: uuid,
        vgFmt: 'lvm2',
        vgAttr: 'wz--n-',
        vgSize: 7n * extent,
        vgFree: 3n * extent,
      },
      ...{
        vgExtentSize: extent,
        vgExtentCount: 7n,
        vgFreeCount: 3n,
        pvCount: 1n,
        lvCount: 1n,
        snapCount: 0n,
      },
    });

    const [lv, ...otherLvs] = await g.lvsFull();
    expect(otherLvs).toEqual([]);
    expect(lv).toMatchObject({
      ...{
        lvName: 'lv',
        lvUuid: uuid,
        lvAttr: '-wi-a-----',
        lvMajor: -1n,
        lvMinor: -1n,
        lvSize: 4n * extent,
      },
      ...{
        segCount: 1n,
        origin: '',
        snapPercent: null,
        copyPercent: null,
        movePv: '',
        mirrorLog: '',
        modules: '',
      },
    });
    await g.lvmRemoveAll();
  },
);

testGroup(
  'mdstat',
  'mdadm',
  () => g.mdStat('/dev/sda'),
  async () => {
    await g.mdCreate('r1', [device('md1'), device('md2')], { level: 'raid1' });
    const [md] = await g.listMdDevices();
    const members = (await g.mdStat(md as string)).sort((a, b) => a.mdstatIndex - b.mdstatIndex);
    expect(members).toEqual([
      { mdstatDevice: inAppliance(3), mdstatIndex: 0, mdstatFlags: '' },
      { mdstatDevice: inAppliance(4), mdstatIndex: 1, mdstatFlags: '' },
    ]);
    await g.mdStop(md as string);
  },
);

testGroup(
  'btrfs subvolumes, groups, balance and scrub',
  'btrfs',
  () => g.btrfsSubvolumeList('/'),
  async () => {
    await g.mkfsBtrfs([device('btrfs')]);
    await g.mount(device('btrfs'), '/');
    await g.btrfsSubvolumeCreate('/sub é');
    await g.write('/sub é/file', 'x'.repeat(100_000));
    await g.sync();
    expect(await g.btrfsSubvolumeList(device('btrfs'))).toEqual([
      { btrfssubvolumeId: 256n, btrfssubvolumeTopLevelId: 5n, btrfssubvolumePath: 'sub é' },
    ]);

    await g.btrfsQuotaEnable('/', true);
    await g.btrfsQuotaRescan('/');
    const groups = await g.btrfsQgroupShow('/');
    expect(groups.map((group) => group.btrfsqgroupId).sort()).toEqual(['0/256', '0/5']);
    const subvolume = groups.find((group) => group.btrfsqgroupId === '0/256');
    expect(subvolume?.btrfsqgroupRfer).toBeGreaterThanOrEqual(100_000n);
    expect(subvolume?.btrfsqgroupExcl).toBe(subvolume?.btrfsqgroupRfer);

    expect(await g.btrfsBalanceStatus('/')).toEqual({
      btrfsbalanceStatus: 'none',
      btrfsbalanceTotal: 0n,
      btrfsbalanceBalanced: 0n,
      btrfsbalanceConsidered: 0n,
      btrfsbalanceLeft: 0n,
    });

    await g.btrfsScrubStart('/');
    const scrub = await g.btrfsScrubStatus('/');
    expect(Object.keys(scrub)).toHaveLength(15);
    expect(scrub.btrfsscrubDataBytesScrubbed).toBeGreaterThanOrEqual(0n);
    expect(scrub).toMatchObject({ btrfsscrubReadErrors: 0n, btrfsscrubCsumErrors: 0n });
    await g.umountAll();
  },
);

testGroup(
  'xfsinfo',
  'xfs',
  () => g.xfsInfo('/'),
  async () => {
    await g.mkfs('xfs', device('xfs'), { blocksize: 4096 });
    // Named, as mount(8) does not always recognise what was made a moment ago.
    await g.mountVfs('', 'xfs', device('xfs'), '/');
    const info = await g.xfsInfo('/');
    expect(info).toMatchObject({
      xfsBlocksize: 4096,
      xfsDatablocks: BigInt((sizes.xfs * MiB) / 4096),
      xfsSectsize: 512,
    });
    expect(info.xfsAgcount * info.xfsAgsize).toBeGreaterThanOrEqual(Number(info.xfsDatablocks));
    expect(info.xfsRtextents).toBe(0n);
    await g.umountAll();
  },
);

describe('of a guest', () => {
  let root: string;

  beforeAll(async () => {
    const disk = device('ext4');
    await g.mkfs('ext4', disk);
    await g.mount(disk, '/');
    for (const path of ['/bin', '/boot', '/etc', '/usr', '/var/lib/dpkg']) await g.mkdirP(path);
    await g.write('/etc/os-release', 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n');
    await g.write('/etc/debian_version', '12.0\n');
    await g.write('/etc/fstab', `${disk} / ext4 defaults 0 1\n`);
    await g.write(
      '/var/lib/dpkg/status',
      `Package: hello
Status: install ok installed
Architecture: amd64
Source: hello-src
Version: 3:2.10-1
Homepage: https://example.org/
Description: a greeting
 that is friendly

`,
    );
    await g.umountAll();
    [root] = (await g.inspectOs()) as [string];
    await g.mountRo(disk, '/');
  });

  test('application', async () => {
    const [application] = await g.inspectListApplications(root);
    expect(application).toMatchObject({
      ...{
        appName: 'hello',
        appEpoch: 3,
        appVersion: '2.10',
        appRelease: '1',
        appUrl: 'https://example.org/',
      },
      ...{ appSourcePackage: 'hello-src', appSummary: 'a greeting', appDisplayName: '', appInstallPath: '' },
    });
  });

  test('application2', async () => {
    const [application] = await g.inspectListApplications2(root);
    expect(application).toMatchObject({
      ...{ app2Name: 'hello', app2Epoch: 3, app2Version: '2.10', app2Release: '1', app2Arch: 'amd64' },
      ...{ app2SourcePackage: 'hello-src', app2Summary: 'a greeting', app2Url: 'https://example.org/' },
    });
  });
});
