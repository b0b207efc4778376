import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type CopyProgress,
  type Guestfs,
  type InspectionReport,
  inspect,
  type ProgressEvent,
} from '../../lib';
import { withAppliance } from '../images/appliance';
import { makeWindows } from '../images/windows';
import { launchedHandle, MiB } from '../support/appliance';
import { runCli } from '../support/cli';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { root } from '../support/script';

// What could not be found out is told as that, and what guests say of themselves is told in their words.

/** The files of a system, by their paths; `->` stands before the target of a link. */
type Files = Readonly<Record<string, string>>;

const systems: Readonly<Record<string, Files>> = {
  debian: {
    '/usr/lib/os-release':
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    '/etc/os-release': '->../usr/lib/os-release',
    '/etc/debian_version': '12.5\n',
    '/usr/bin/dpkg': '',
    '/var/lib/dpkg/status':
      'Package: hello\nStatus: install ok installed\nVersion: 2.10-3\nArchitecture: amd64\n\n',
  },
  ubuntu: {
    '/etc/os-release':
      'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nVERSION_CODENAME=jammy\nID=ubuntu\n',
    '/etc/debian_version': 'bookworm/sid\n',
    '/var/lib/dpkg/status': '',
  },
  gentoo: {
    '/etc/os-release': 'ID=gentoo\nVERSION_ID="2.14"\nPRETTY_NAME="Gentoo Linux"\n',
    '/etc/gentoo-release': 'Gentoo Base System release 2.14\n',
  },
  // A link that is absolute leads into the guest, and not into this machine.
  nixos: {
    '/nix/store/etc/os-release': 'ID=nixos\nPRETTY_NAME="NixOS 23.11 (Tapir)"\nVERSION_ID="23.11"\n',
    '/etc/static': '->/nix/store/etc',
    '/etc/os-release': '->/etc/static/os-release',
  },
  centos: {
    '/etc/os-release': 'ID="centos"\nVERSION_ID="7"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n',
    '/etc/centos-release': 'CentOS Linux release 7.9.2009 (Core)\n',
    '/usr/bin/rpm': '',
  },
  fedora: {
    '/etc/os-release': 'PRETTY_NAME="Fedora Linux 40"\nID=fedora\nVERSION_ID=40\n',
    '/usr/bin/rpm': '',
    '/usr/lib/rpm/macros': '%_dbpath /var/lib/rpm\n%_db_backend sqlite\n',
    '/usr/lib/rpm/rpmrc': '',
  },
  // A link that leads nowhere, and a file of which nobody needs all.
  stray: {
    '/etc/os-release': '->/nowhere',
    '/usr/lib/os-release': `PRETTY_NAME="Stray 1"\nID=stray\nVERSION_ID=1\n${'#'.repeat(100_000)}\nVERSION_ID=99\n`,
  },
};

async function makeSystem(g: Guestfs, files: Files): Promise<void> {
  for (const folder of ['/bin', '/etc', '/usr/bin', '/var']) await g.mkdirP(folder);
  const all = { '/etc/fstab': '', '/etc/hostname': 'guest\n', ...files };
  for (const [path, content] of Object.entries(all)) {
    await g.mkdirP(path.replace(/\/[^/]*$/, '') || '/');
    if (content.startsWith('->')) await g.lnS(content.slice(2), path);
    else await g.write(path, content);
  }
}

let folder: TemporaryFolder;

function emptyImage(name: string, size: number): string {
  writeFileSync(folder.file(name), '');
  truncateSync(folder.file(name), size);
  return folder.file(name);
}

const drive = (name: string, size: number) => ({ path: emptyImage(name, size), format: 'raw' as const });

beforeAll(async () => {
  folder = temporaryFolder();
  const database = folder.file('rpmdb.sqlite');
  execFileSync('python3', [join(root, 'test/support/rpm-database.py'), database, '3000', '1500']);
  const drives = [
    drive('systems.img', 200 * MiB),
    ...['r1', 'r2', 'r3', 'p1', 'p2'].map((name) => drive(`${name}.img`, 32 * MiB)),
    drive('plain.img', 8 * MiB),
    drive('beside.img', 80 * MiB),
    drive('subvolumes.img', 128 * MiB),
  ];
  writeFileSync(folder.file('lvm1.img'), Buffer.concat([Buffer.from('HM\x01\0'), Buffer.alloc(4 * MiB - 4)]));
  await withAppliance(drives, async (g) => {
    await g.partInit('/dev/sda', 'gpt');
    const names = [...Object.keys(systems), 'windows'];
    for (const [index, name] of names.entries()) {
      const start = 2048 + index * 22 * 2048;
      await g.partAdd('/dev/sda', 'p', start, start + 22 * 2048 - 1);
      const device = `/dev/sda${index + 1}`;
      await g.mkfs('ext4', device, { features: '^has_journal' });
      await g.mount(device, '/');
      if (name === 'windows') {
        await makeWindows(g, { productName: 'Windows 10 Pro', buildNumber: '22631' });
        await displayVersion(g, '23H2');
      } else await makeSystem(g, systems[name] as Files);
      if (name === 'fedora') {
        await g.mkdirP('/var/lib/rpm');
        await g.upload(database, '/var/lib/rpm/rpmdb.sqlite');
      }
      await g.umountAll();
    }
    await g.mdCreate('array', ['/dev/sdb', '/dev/sdc', '/dev/sdd'], { level: 'raid5' });
    for (const each of ['/dev/sde', '/dev/sdf']) await g.pvcreate(each);
    await g.vgcreate('vg', ['/dev/sde', '/dev/sdf']);
    await g.lvcreateFree('data', 'vg', 100);
    await g.mkfs('ext4', '/dev/sdg');
    await makeBeside(g, '/dev/sdh');
    await makeSubvolumes(g, '/dev/sdi');
  });
});

/** A Debian, and beside it a system of ostree, of which libguestfs knows nothing. */
async function makeBeside(g: Guestfs, disk: string): Promise<void> {
  await g.partInit(disk, 'gpt');
  for (const [index, from] of [2048, 81_920].entries()) {
    await g.partAdd(disk, 'p', from, from + 79_871 - 2048);
    await g.mkfs('ext4', `${disk}${index + 1}`, { features: '^has_journal' });
  }
  await g.mount(`${disk}1`, '/');
  await makeSystem(g, systems.debian as Files);
  await g.umountAll();
  await g.mount(`${disk}2`, '/');
  const deployment = `/ostree/deploy/fedora/deploy/${'a'.repeat(64)}.0`;
  await g.mkdirP('/ostree/deploy/fedora/var');
  for (const path of ['etc', 'usr', 'sysroot', 'var']) await g.mkdirP(`${deployment}/${path}`);
  await g.write(`${deployment}/etc/os-release`, 'ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Silverblue"\n');
  await g.write(`${deployment}/etc/hostname`, 'silver\n');
  await g.umountAll();
}

/** A system on the default subvolume, which mounts the top that it lies in too. */
async function makeSubvolumes(g: Guestfs, disk: string): Promise<void> {
  await g.mkfsBtrfs([disk]);
  await g.mount(disk, '/');
  await g.btrfsSubvolumeCreate('/@');
  await g.write('/on-top', '');
  const [{ btrfssubvolumeId: id = 0n } = {}] = await g.btrfsSubvolumeList(disk);
  const uuid = await g.vfsUuid(disk);
  await g.btrfsSubvolumeSetDefault(id, '/');
  await g.umountAll();
  await g.mount(disk, '/');
  const fstab = `UUID=${uuid} / btrfs subvol=@ 0 0\nUUID=${uuid} /mnt/top btrfs subvolid=5 0 0\n`;
  await makeSystem(g, { ...(systems.debian as Files), '/mnt/top/none': '', '/etc/fstab': fstab });
  await g.umountAll();
}

afterAll(() => folder[Symbol.dispose]());

async function displayVersion(g: Guestfs, text: string): Promise<void> {
  await g.hivexOpen('/Windows/System32/config/SOFTWARE', { write: true });
  let node = await g.hivexRoot();
  for (const name of ['Microsoft', 'Windows NT', 'CurrentVersion'])
    node = await g.hivexNodeGetChild(node, name);
  await g.hivexNodeSetValue(node, 'DisplayVersion', 1, Buffer.from(`${text}\0`, 'utf16le'));
  await g.hivexCommit(null);
  await g.hivexClose();
}

describe('systems', () => {
  let report: InspectionReport;

  beforeAll(async () => {
    report = await inspect({ path: folder.file('systems.img'), format: 'raw' });
  });

  const system = (name: string) => {
    const place = [...Object.keys(systems), 'windows'].indexOf(name) + 1;
    const found = report.operatingSystems.find((each) => each.root === `/dev/sda${place}`);
    if (!found) throw new Error(`no ${name} in ${JSON.stringify(report.operatingSystems)}`);
    const problems = report.problems.filter(({ device }) => device === found.root);
    return { ...found, problems };
  };

  test.each([
    ['debian', 'Debian GNU/Linux 12 (bookworm)', '12.5'],
    ['ubuntu', 'Ubuntu 22.04.4 LTS', '22.04'],
    ['gentoo', 'Gentoo Linux', '2.14'],
    ['nixos', 'NixOS 23.11 (Tapir)', '23.11'],
    ['centos', 'CentOS Linux 7 (Core)', '7.9.2009'],
    ['fedora', 'Fedora Linux 40', '40'],
    ['stray', 'Stray 1', '1'],
    ['windows', 'Windows 11 Pro', '10.0.22631'],
  ])('%s is called as it calls itself', (name, productName, versionText) => {
    expect(system(name)).toMatchObject({ productName, versionText });
  });

  test("os-release is in the report, and libguestfs's numbers are beside it", () => {
    expect(system('ubuntu')).toMatchObject({
      version: { major: 22, minor: 4 },
      osRelease: { ID: 'ubuntu', VERSION_ID: '22.04', VERSION_CODENAME: 'jammy' },
    });
    expect(system('windows')).toMatchObject({
      osRelease: null,
      windows: { currentBuild: '22631', displayVersion: '23H2' },
    });
  });

  test('packages that are there are listed', () => {
    const applicationsSource = 'database';
    expect(system('debian')).toMatchObject({
      ...{ applications: [{ name: 'hello' }], problems: [], applicationsSource },
    });
    // More than fit into a message of libguestfs.
    const { applications, ...fedora } = system('fedora');
    expect(fedora).toMatchObject({ problems: [], applicationsSource });
    expect([applications?.length, applications?.[0]]).toMatchObject([
      3000,
      { name: 'package-00000', version: '1.0', release: '1.fc40', arch: 'x86_64', summary: 'A package' },
    ]);
    expect(system('ubuntu')).toMatchObject({ applications: [], problems: [] });
    expect(system('windows')).toMatchObject({ applications: [], problems: [] });
  });

  test.each([
    ['gentoo', 'ERR_GUESTFS_NO_PACKAGE_LIST', /format ebuild/],
    ['nixos', 'ERR_GUESTFS_NO_PACKAGE_LIST', /packages of this system cannot be listed/],
    ['centos', 'ERR_GUESTFS_NO_PACKAGE_LIST', /database of packages \(rpm\) is not there/],
  ])('those of %s, which cannot be listed, are not said to be none', (name, code, words) => {
    const { applications, problems } = system(name);
    expect(applications).toBeNull();
    expect(problems).toMatchObject([{ code, message: expect.stringMatching(words) }]);
  });
});

describe('what libguestfs does not tell of', () => {
  test('a system of ostree beside another is reported, and can be asked for', async () => {
    const path = folder.file('beside.img');
    const { operatingSystems } = await inspect({ path, format: 'raw' });
    expect(operatingSystems.map(({ root, distro, hostname }) => [root, distro, hostname])).toEqual([
      ['/dev/sda1', 'debian', 'guest'],
      ['/dev/sda2', 'fedora', 'silver'],
    ]);
    const options = ['--progress=none', '--format=raw'];
    const asked = await runCli('cat', ...options, '--root=/dev/sda2', path, '/etc/hostname');
    expect(asked).toEqual({ stdout: 'silver\n', stderr: '', code: 0 });
    const ambiguous = await runCli('ls', ...options, path, '/');
    expect(ambiguous.stderr).toContain('operating systems on /dev/sda1, /dev/sda2: say which by --root');
  });

  test('the top of a btrfs is where the system mounts it', async () => {
    const path = folder.file('subvolumes.img');
    const { operatingSystems, filesystems, problems } = await inspect({ path, format: 'raw' });
    expect(problems).toEqual([]);
    expect(filesystems.map(({ device }) => device)).toEqual(['/dev/sda', 'btrfsvol:/dev/sda//']);
    expect(operatingSystems.map(({ mountpoints }) => mountpoints)).toEqual([
      [
        { path: '/', device: '/dev/sda' },
        { path: '/mnt/top', device: 'btrfsvol:/dev/sda//' },
      ],
    ]);
    const listed = await runCli('ls', '--progress=none', '--format=raw', path, '/mnt/top');
    expect(listed).toEqual({ stdout: '@\non-top\n', stderr: '', code: 0 });
  });
});

test('a system of which libguestfs cannot read a file is found all the same, and its name has no blanks around it', async () => {
  const path = emptyImage('circle.img', 64 * MiB);
  await withAppliance([{ path, format: 'raw' }], async (g) => {
    await g.partInit('/dev/sda', 'gpt');
    for (const [index, files] of [{ '/etc/os-release': '->os-release' }, systems.debian as Files].entries()) {
      await g.partAdd('/dev/sda', 'p', 2048 + index * 61_440, 2047 + (index + 1) * 61_440);
      await g.mkfs('ext4', `/dev/sda${index + 1}`, { features: '^has_journal' });
      await g.mount(`/dev/sda${index + 1}`, '/');
      await makeSystem(g, { '/etc/hostname': '\ufeff guest \r\n', ...files });
      await g.umountAll();
    }
  });
  const { operatingSystems, problems } = await inspect({ path, format: 'raw' });
  expect(problems[0]?.code).toBe('ELOOP');
  expect(operatingSystems.map(({ root, distro, hostname }) => [root, distro, hostname])).toEqual([
    ['/dev/sda1', null, 'guest'],
    ['/dev/sda2', 'debian', 'guest'],
  ]);
});

describe('folders that a system shows at a second path', () => {
  const options = ['--progress=none', '--format=raw'];
  const fstab = [
    '/srv/www /var/www none bind 0 0',
    "/srv/it\\040isn't /mnt/odd none rw,bind,nofail 0 0",
    '/srv/link /mnt/link auto bind',
    '/etc/issue.real /etc/issue none bind,ro',
    '/srv/none /mnt/none none bind',
    '/dev/shm /mnt/shm none bind',
    '/srv/www /mnt/$(reboot\\040-f) none bind',
    ...Array.from({ length: 30 }, () => '/srv/www /mnt/many none bind'),
  ];
  let path: string;

  beforeAll(async () => {
    path = emptyImage('bound.img', 48 * MiB);
    await withAppliance([{ path, format: 'raw' }], async (g) => {
      await g.mkfs('ext4', '/dev/sda');
      await g.mount('/dev/sda', '/');
      await makeSystem(g, {
        ...(systems.debian as Files),
        '/etc/fstab': `${fstab.join('\n')}\n`,
        '/etc/issue': 'hidden\n',
        '/etc/issue.real': 'seen\n',
        "/srv/it isn't/odd": '',
        '/srv/link': '->/etc',
        '/srv/www/page': '',
        '/var/www/hidden': '',
      });
      for (const each of ['odd', 'link', 'shm', 'many', '$(reboot -f)']) await g.mkdirP(`/mnt/${each}`);
    });
  });

  const seen = async (...args: string[]) => {
    const [command = '', ...operands] = args;
    const { stdout, stderr, code } = await runCli(command, ...options, path, ...operands);
    return { stdout, notes: stderr.split('\n').filter((line) => /fstab/.test(line)), code };
  };

  test('are seen there, and what is left out is told', async () => {
    const { stdout, notes, code } = await seen('ls', '/var/www');
    expect([stdout, code]).toEqual(['page\n', 0]);
    expect(notes).toEqual([
      expect.stringContaining(
        '/etc/fstab:5 shows /srv/none at /mnt/none, too: that is left out, as one of these is not there',
      ),
      ...[34, 35, 36, 37].map((line) =>
        expect.stringContaining(
          `/etc/fstab:${line} shows /srv/www at /mnt/many, too: that is left out, as there are many`,
        ),
      ),
    ]);
  });

  test('whatever their names are, and where links lead', async () => {
    const { stdout } = await seen('cat', '/etc/issue', '/mnt/link/hostname');
    expect(stdout).toBe('seen\nguest\n');
    expect((await seen('ls', '/mnt/odd')).stdout).toBe('odd\n');
    expect((await seen('ls', '/mnt/$(reboot -f)')).stdout).toBe('page\n');
    expect((await seen('ls', '/mnt/shm')).stdout).toBe('');
  });

  test('are where it is written to', async () => {
    writeFileSync(folder.file('new'), 'new\n');
    expect((await seen('copy-in', '--write', folder.file('new'), '/var/www')).code).toBe(0);
    expect((await seen('cat', '/srv/www/new')).stdout).toBe('new\n');
    const { operatingSystems, problems } = await inspect({ path, format: 'raw' });
    expect(operatingSystems[0]?.mountpoints).toEqual([{ path: '/', device: '/dev/sda' }]);
    expect(problems).toEqual([]);
  });
});

describe('what is not whole, or not to be read', () => {
  test('a GPT of which only the copy at the end is whole', async () => {
    const path = folder.file('damaged.img');
    const content = readFileSync(folder.file('beside.img'));
    writeFileSync(path, content.fill(0, 512, 34 * 512));
    const { partitions, problems } = await inspect({ path, format: 'raw' });
    expect(partitions).toEqual([]);
    expect(problems).toMatchObject([
      { code: 'ERR_GUESTFS_NOT_RECOGNISED', message: expect.stringContaining('the GPT at the beginning') },
    ]);
  });

  test('a GPT of which nothing but the copy at the end is there', async () => {
    const path = folder.file('wiped.img');
    writeFileSync(path, readFileSync(folder.file('beside.img')).fill(0, 0, 34 * 512));
    const { problems } = await inspect({ path, format: 'raw' });
    expect(problems).toMatchObject([
      {
        code: 'ERR_GUESTFS_NOT_RECOGNISED',
        message: expect.stringContaining('is missing, and only its copy'),
      },
    ]);
  });

  test('copies of disks that are taken for each other are told, and members that are not copies are none', async () => {
    const names = ['r1', 'r2', 'r3', 'p1', 'p2', 'subvolumes'];
    const images = names.map((name) => folder.file(`${name}.img`));
    for (const name of ['p1', 'subvolumes']) {
      copyFileSync(folder.file(`${name}.img`), folder.file(`${name}-copy.img`));
      images.push(folder.file(`${name}-copy.img`));
    }
    const { problems } = await inspect(images.map((path) => ({ path, format: 'raw' })));
    const copies = problems.filter(({ code }) => code === 'ERR_GUESTFS_COPIES');
    expect(copies.map(({ device, message }) => [device, message])).toEqual([
      ['/dev/sdg', expect.stringContaining('/dev/sdg is a copy of /dev/sdd (LVM2_member')],
      ['/dev/sdh', expect.stringContaining('/dev/sdh is a copy of /dev/sdf (btrfs')],
    ]);
  });

  test.each([
    ['one disk of a RAID array', ['r2'], 'ERR_GUESTFS_MEMBERS_MISSING', /RAID array.*--add/],
    [
      'a disk of a volume group',
      ['p1'],
      'ERR_GUESTFS_MEMBERS_MISSING',
      /volume group vg is not whole, 1 of its 2.*--add/,
    ],
    ['what only an old LVM knows', ['lvm1'], 'ERR_GUESTFS_NOT_RECOGNISED', /LVM1_member/],
  ])('%s is told', async (_, names, code, words) => {
    const images = names.map((name) => ({ path: folder.file(`${name}.img`), format: 'raw' }));
    const { problems } = await inspect(images);
    expect(problems).toContainEqual(
      expect.objectContaining({ code, device: '/dev/sda', message: expect.stringMatching(words) }),
    );
  });

  test('no command takes it for an empty guest', async () => {
    for (const command of ['ls', 'filesystems']) {
      const image = folder.file('r2.img');
      const { code, stderr } = await runCli(command, '--progress=none', '--format=raw', image);
      expect([command, code]).toEqual([command, 1]);
      expect(stderr).toMatch(/RAID array.*--add/);
    }
  });

  test('all disks together are whole', async () => {
    const images = ['r1', 'r2', 'r3', 'p1', 'p2'].map((name) => ({
      path: folder.file(`${name}.img`),
      format: 'raw',
    }));
    const { problems, filesystems } = await inspect(images);
    expect(problems).toEqual([]);
    expect(filesystems.map(({ device }) => device)).toContain('/dev/vg/data');
  });

  test('a disk whose beginning cannot be read is no blank disk', async () => {
    const path = folder.file('unreadable.qcow2');
    const file = { driver: 'file', filename: folder.file('plain.img') };
    const fault = { event: 'read_aio', errno: 5, sector: 2, once: false };
    const below = { driver: 'raw', file: { driver: 'blkdebug', image: file, 'inject-error': [fault] } };
    const backing = `json:${JSON.stringify(below)}`;
    execFileSync('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', backing, '-F', 'raw', path, '8M']);
    const { problems, filesystems } = await inspect({ path, format: 'qcow2', ...{ followUris: true } });
    expect(filesystems).toEqual([]);
    expect(problems).toContainEqual(expect.objectContaining({ device: '/dev/sda', code: 'EIO' }));
  });

  test('a filesystem that was cut off is told with the reason of the kernel', async () => {
    const path = emptyImage('cut.img', 16 * MiB);
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', path]);
    truncateSync(path, 10 * MiB);
    const { problems, filesystems } = await inspect({ path, format: 'raw' });
    expect(filesystems).toMatchObject([{ device: '/dev/sda', type: 'ext4', size: null }]);
    expect(problems).toMatchObject([
      {
        ...{ code: 'ERR_GUESTFS_UNMOUNTABLE', device: '/dev/sda' },
        message: expect.stringMatching(
          /^the ext4 filesystem on \/dev\/sda cannot be mounted; the kernel says: bad geometry: block count 16384 exceeds size of device \(10240 blocks\); .*fsck/,
        ),
      },
    ]);
    const listed = await runCli('ls', '--progress=none', '--format=raw', path, '/');
    expect([listed.code, listed.stderr]).toEqual([1, expect.stringContaining('bad geometry')]);
  });

  test.each([
    ['an empty file', 0, 'ERR_GUESTFS_IMAGE_EMPTY'],
    ['a blank disk', 4 * MiB, 'ERR_GUESTFS_NOT_RECOGNISED'],
  ])('%s: inspect and df tell it, and end with exit code 1', async (_, size, code) => {
    const path = emptyImage('nothing.img', size);
    const inspected = await runCli('inspect', '--progress=none', '--json', '--format=raw', path);
    expect(inspected.code).toBe(1);
    expect(JSON.parse(inspected.stdout).problems).toMatchObject([{ code }]);
    const usage = await runCli('df', '--progress=none', '--format=raw', path);
    expect(usage.code).toBe(1);
    expect(usage.stderr).toContain(`(${code})`);
  });
});

describe('a guest that is full', () => {
  let g: Guestfs;
  let big: string;

  beforeAll(async () => {
    big = emptyImage('big', 12 * MiB);
    g = await launchedHandle(8 * MiB, MiB);
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    execFileSync('tar', ['-cf', folder.file('big.tar'), '-C', folder.path, 'big']);
  });

  afterAll(() => g?.close());

  const content = Buffer.alloc(3 * MiB, 1);
  const repeatedly = async (write: (i: number) => Promise<unknown>) => {
    for (let i = 0; i < 4; i++) await write(i);
  };
  type Progress = (event: ProgressEvent | CopyProgress) => void;

  test.each<[string, (onProgress: Progress) => Promise<unknown>]>([
    ['upload', (onProgress) => g.upload(big, '/big', { onProgress })],
    ['upload of a stream', (onProgress) => g.upload(Buffer.alloc(12 * MiB), '/big', { onProgress })],
    ['upload to a device', (onProgress) => g.upload(big, '/dev/sdb', { onProgress })],
    ['uploadOffset', (onProgress) => g.uploadOffset(big, '/big', 0, { onProgress })],
    ['tarIn', (onProgress) => g.tarIn(folder.file('big.tar'), '/', { onProgress })],
    ['copyIn', (onProgress) => g.copyIn(big, '/', { onProgress })],
    ['write', () => repeatedly((i) => g.write(`/f${i}`, content))],
    ['writeAppend', () => repeatedly(() => g.touch('/f').then(() => g.writeAppend('/f', content)))],
    ['createWriteStream', () => pipeline([Buffer.alloc(12 * MiB)], g.createWriteStream('/big'))],
    ['cp', () => repeatedly((i) => g.write('/f', content).then(() => g.cp('/f', `/f${i}`)))],
  ])('%s: ENOSPC, and never all', async (name, write) => {
    const ratios: number[] = [];
    const error = await failureOf(write(({ ratio, pulse }) => pulse || ratios.push(ratio)));
    expect(error).toMatchObject({ code: 'ENOSPC', errno: 28 });
    expect(error.message).toContain('No space left on device');
    for (const ratio of ratios) expect(ratio).toBeLessThan(1);
    if (name === 'copyIn') expect(error.operation).toBe('copyIn');
    for (const path of await g.globExpand('/*')) {
      if (path !== '/lost+found') await g.rmRf(path);
    }
  });

  test('other failures of the same calls stay what they are', async () => {
    expect(await failureOf(g.upload(big, '/no/folder'))).toMatchObject({ code: 'ENOENT' });
    expect((await failureOf(g.tarIn(big, '/'))).code).not.toBe('ENOSPC');
  });

  test('messages that are too large have a code, and say what to call instead', async () => {
    await g.umountAll();
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.fill(0x61, 5 * MiB, '/f');
    const code = 'ERR_GUESTFS_MESSAGE_TOO_LARGE';
    for (const [call, hint] of [
      [g.pread('/f', 5 * MiB, 0), /createReadStream\(\)/],
      [g.pread('/f', 4 * MiB - 10, 0), /createReadStream\(\)/],
      [g.pwrite('/f', Buffer.alloc(5 * MiB), 0), /createWriteStream\(\)/],
      [g.pwrite('/f', Buffer.alloc(4 * MiB - 10), 0), /createWriteStream\(\)/],
    ] as const) {
      expect(await failureOf(call)).toMatchObject({ code, hint: expect.stringMatching(hint) });
    }
    // What takes any size is not in its way.
    expect((await g.readFile('/f')).length).toBe(5 * MiB);
  });
});
