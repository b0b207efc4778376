/**
 * What libguestfs gained after 1.48. Where the library on this machine has a function or an option, it works, also when
 * the addon was compiled against an older header; elsewhere the call is refused and says which version it takes.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { debianMbr, makeWindows } from '../images';
import { MiB } from '../support/appliance';
import { temporaryFolder } from '../support/folder';

const run = promisify(execFile);
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** A handle that is launched when the first test needs it, hence not at all where the library is old. */
function lazily(launch: (g: Guestfs) => Promise<void>): () => Promise<Guestfs> {
  let g: Guestfs | undefined;
  let launching: Promise<void> | undefined;
  afterAll(() => g?.close());
  return async () => {
    g ??= new Guestfs();
    launching ??= launch(g);
    await launching;
    return g;
  };
}

/** Partitions of these sizes in MiB, with these names. */
async function makePartitions(g: Guestfs, disk: string, sizes: Record<string, number>): Promise<void> {
  let start = 2048;
  await g.partInit(disk, 'gpt');
  for (const [i, [name, size]] of Object.entries(sizes).entries()) {
    const end = start + size * 2048;
    await g.partAdd(disk, 'primary', start, end - 1);
    await g.partSetName(disk, i + 1, name);
    start = end;
  }
}

type Work = (g: Guestfs) => Promise<unknown>;

/** Makes tests of functions that came with a version of libguestfs: `works` gets the launched handle. */
const testOfFunctions =
  (appliance: () => Promise<Guestfs>) =>
  (version: string, name: keyof Guestfs & string, call: Work, works: Work): void => {
    if (Guestfs.supports(name)) {
      test(`${name} works`, async () => void (await works(await appliance())));
      return;
    }
    test(`${name} is refused`, async () => {
      await using g = new Guestfs();
      await expect(call(g)).rejects.toMatchObject({
        name: 'GuestfsError',
        code: 'ERR_GUESTFS_UNSUPPORTED',
        operation: name,
        message: expect.stringContaining(version),
      });
    });
  };

/** Makes tests of options that came with a version of libguestfs. */
const testOfOptions =
  (appliance: () => Promise<Guestfs>) =>
  (version: readonly [number, number, number], name: string, call: Work, works: Work): void =>
    test(`${name} works, or is refused before ${version.join('.')}`, async () => {
      await using g = new Guestfs();
      if (await isAtLeast(g, version)) await works(await appliance());
      else
        await expect(call(g)).rejects.toMatchObject({
          name: 'GuestfsError',
          code: 'ERR_GUESTFS_UNSUPPORTED',
          message: expect.stringMatching(/ came with version 1\.\d+\.\d+$/),
        });
    });

async function isAtLeast(g: Guestfs, wanted: readonly [number, number, number]): Promise<boolean> {
  const { major, minor, release } = await g.version();
  const ours = [major, minor, release].map(Number);
  const i = wanted.findIndex((number, at) => number !== ours[at]);
  return i < 0 || (ours[i] as number) > (wanted[i] as number);
}

describe('disks', () => {
  /** Each test has a partition of its own, so that they do not depend on each other. */
  const partitions = { xfs: 320, btrfs: 200, ntfs: 32, ext2: 32, ext4: 64, plain: 32 };
  type Partition = keyof typeof partitions;
  const device = (name: Partition) => `/dev/sda${Object.keys(partitions).indexOf(name) + 1}`;

  const launched = lazily(async (g) => {
    await g.addDriveScratch(1024 * MiB);
    await g.addDriveScratch(MiB);
    await g.launch();
    await makePartitions(g, '/dev/sda', partitions);
  });
  const appliance = async () => {
    const g = await launched();
    await g.umountAll();
    return g;
  };
  const functionSince = testOfFunctions(appliance);
  const optionSince = testOfOptions(appliance);

  const mount = (g: Guestfs, type: Partition) => g.mountVfs('', type, device(type), '/');
  async function makeAndMount(g: Guestfs, type: Partition): Promise<void> {
    await g.mkfs(type, device(type));
    await mount(g, type);
  }

  /** Where on a device these bytes are, within its first 64 MiB. */
  async function find(g: Guestfs, device: string, bytes: string | Buffer): Promise<number> {
    const step = 2 * MiB;
    for (let offset = 0; offset < 64 * MiB; offset += step) {
      const at = (await g.preadDevice(device, step, offset)).indexOf(bytes);
      if (at >= 0) return offset + at;
    }
    throw new Error(`${device} does not have what was written to it`);
  }

  functionSince(
    '1.49.1',
    'deviceName',
    (g) => g.deviceName(0),
    async (g) => {
      expect(await g.deviceName(0)).toBe('/dev/sda');
      expect(await g.deviceName(1)).toBe('/dev/sdb');
      await expect(g.deviceName(-1)).rejects.toMatchObject({ name: 'GuestfsError', operation: 'deviceName' });
    },
  );

  functionSince(
    '1.53.5',
    'findfsPartlabel',
    (g) => g.findfsPartlabel('ntfs'),
    async (g) => {
      expect(await g.findfsPartlabel('ntfs')).toBe(device('ntfs'));
      await expect(g.findfsPartlabel('nobody')).rejects.toThrow(/PARTLABEL=nobody/);
    },
  );

  functionSince(
    '1.53.5',
    'findfsPartuuid',
    (g) => g.findfsPartuuid('0aa01dbc-0a2f-4271-85b8-b436edcb4365'),
    async (g) => {
      const guid = await g.partGetGptGuid('/dev/sda', 2);
      expect(await g.findfsPartuuid(guid.toLowerCase())).toBe('/dev/sda2');
      await expect(g.findfsPartuuid('nobody')).rejects.toThrow(/PARTUUID=nobody/);
    },
  );

  functionSince(
    '1.59.2',
    'xfsInfo2',
    (g) => g.xfsInfo2('/dev/sda1'),
    async (g) => {
      await makeAndMount(g, 'xfs');
      const ofDevice = await g.xfsInfo2(device('xfs'));
      const blocks = (partitions.xfs * MiB) / 4096;
      expect(ofDevice.get('data.bsize')).toBe('4096');
      expect(ofDevice.get('data.blocks')).toBe(String(blocks));
      expect(await g.xfsInfo(device('xfs'))).toMatchObject({
        xfsBlocksize: 4096,
        xfsDatablocks: BigInt(blocks),
      });
      const ofPath = await g.xfsInfo2('/');
      expect(ofPath.get('data.blocks')).toBe(String(blocks));
      expect(ofPath.size).toBe(ofDevice.size);
      await expect(g.xfsInfo2('/dev/sdb')).rejects.toThrow(/not a valid XFS filesystem/);
    },
  );

  functionSince(
    '1.55.12',
    'btrfsScrubFull',
    (g) => g.btrfsScrubFull('/', { readonly: true }),
    async (g) => {
      const needle = Buffer.from('Not to be found by chance. '.repeat(100));
      await makeAndMount(g, 'btrfs');
      await g.write('/file', Buffer.concat(Array<Buffer>(100).fill(needle)));
      await g.btrfsScrubFull('/', { readonly: true });
      await g.btrfsScrubFull('/');

      await g.umountAll();
      const at = await find(g, device('btrfs'), needle);
      await g.pwriteDevice(device('btrfs'), 'Now it is broken.', at);
      await mount(g, 'btrfs');
      await expect(g.btrfsScrubFull('/', { readonly: true })).rejects.toThrow(/uncorrectable/);
    },
  );

  functionSince(
    '1.55.13',
    'ntfsChmod',
    (g) => g.ntfsChmod('/dev/sda1', 0o755, '/'),
    async (g) => {
      const permissions = async (path: string) => Number((await g.stat(path)).mode & 0o777n);
      const mountWithPermissions = () => g.mountVfs('permissions', 'ntfs-3g', device('ntfs'), '/');
      await g.mkfs('ntfs', device('ntfs'));
      await mountWithPermissions();
      await g.mkdir('/folder');
      await g.touch('/folder/file');
      await g.umountAll();

      await g.ntfsChmod(device('ntfs'), 0o750, '/folder');
      await mountWithPermissions();
      expect(await permissions('/folder')).toBe(0o750);
      expect(await permissions('/folder/file')).not.toBe(0o750);
      await g.umountAll();

      await g.ntfsChmod(device('ntfs'), 0o700, '/folder', { recursive: true });
      await mountWithPermissions();
      expect(await permissions('/folder')).toBe(0o700);
      expect(await permissions('/folder/file')).toBe(0o700);
      await g.umountAll();
      await expect(g.ntfsChmod(device('ntfs'), 0o700, '/nobody')).rejects.toThrow(/nobody/);
    },
  );

  optionSince(
    [1, 55, 13],
    'the option forceno of e2fsck',
    (g) => g.e2fsck('/dev/sda1', { forceno: true }),
    async (g) => {
      const check = device('ext2');
      await g.mkfs('ext2', check);
      await g.e2fsck(check, { forceno: true });

      // An entry of a directory is the number of an inode, two lengths and a type, then the name.
      const entry = (await find(g, check, 'lost+found')) - 8;
      await g.pwriteDevice(check, Buffer.of(0xff, 0xff, 0xff, 0), entry);
      const before = await g.checksumDevice('sha256', check);
      await expect(g.e2fsck(check, { forceno: true })).rejects.toThrow(/lost\+found/);
      expect(await g.checksumDevice('sha256', check)).toBe(before);
      await g.e2fsck(check, { forceall: true });
      await g.e2fsck(check, { forceno: true });
    },
  );

  functionSince(
    '1.49.3',
    'clevisLuksUnlock',
    (g) => g.clevisLuksUnlock('/dev/sda1', 'vault'),
    async (g) => {
      await g.luksFormat(device('plain'), 'secret', 0);
      const available = await g.featureAvailable(['clevisluks']);
      // No Tang server holds the key of this volume.
      const code = available ? 'ERR_GUESTFS' : 'ENOTSUP';
      await expect(g.clevisLuksUnlock(device('plain'), 'vault')).rejects.toMatchObject({ code });
      expect(await g.listDmDevices()).toEqual([]);
    },
  );

  optionSince(
    [1, 53, 3],
    'the option cipher of cryptsetupOpen',
    (g) => g.cryptsetupOpen('/dev/sda1', 'key', 'vault', { crypttype: 'plain', cipher: 'aes-xts-plain64' }),
    async (g) => {
      const key = 'A key of two hundred and 56 bits';
      const opened = async (cipher: string, use: () => Promise<void>) => {
        await g.cryptsetupOpen(device('plain'), key, 'vault', { crypttype: 'plain', cipher });
        await use();
        await g.cryptsetupClose('/dev/mapper/vault');
      };
      const content = async () => (await g.preadDevice('/dev/mapper/vault', 512, 0)).toString('latin1');
      const text = 'Written with one cipher. '.padEnd(512, '.');
      await opened('aes-xts-plain64', async () => {
        await g.pwriteDevice('/dev/mapper/vault', text, 0);
      });
      await opened('aes-cbc-plain64', async () => expect(await content()).not.toBe(text));
      await opened('aes-xts-plain64', async () => expect(await content()).toBe(text));
    },
  );

  optionSince(
    [1, 59, 1],
    'the option keepdirlink of tarIn',
    (g) => g.tarIn('/dev/null', '/', { keepdirlink: true }),
    async (g) => {
      await mkdir(folder.file('link'));
      await writeFile(folder.file('link/file'), 'content');
      await run('tar', ['-C', folder.path, '-cf', folder.file('link.tar'), 'link']);
      await makeAndMount(g, 'ext4');
      await g.mkdir('/target');

      await g.lnS('target', '/link');
      await g.tarIn(folder.file('link.tar'), '/', { keepdirlink: true });
      expect(await g.isSymlink('/link')).toBe(true);
      expect(await g.cat('/target/file')).toBe('content');
      await g.tarIn(folder.file('link.tar'), '/');
      expect(await g.isSymlink('/link')).toBe(false);
    },
  );

  const label = 'system_u:object_r:etc_t:s0';
  const labelled = async (g: Guestfs) => {
    await makeAndMount(g, 'ext4');
    await g.write('/contexts', `/.*  ${label}\n`);
    await g.mkdir('/etc');
    await g.touch('/etc/left-out');
  };
  const labelOf = async (g: Guestfs, path: string) => (await g.getxattr(path, 'security.selinux')).toString();
  const needsFeature = { code: 'ENOTSUP', message: expect.stringContaining('selinuxrelabel') };

  functionSince(
    '1.57.1',
    'setfiles',
    (g) => g.setfiles('/contexts', ['/etc']),
    async (g) => {
      const available = await g.featureAvailable(['selinuxrelabel']);
      await labelled(g);
      const set = g.setfiles('/contexts', ['/etc'], { force: true });
      if (!available) return expect(set).rejects.toMatchObject(needsFeature);
      await set;
      expect(await labelOf(g, '/etc')).toContain(label);
    },
  );

  optionSince(
    [1, 61, 1],
    'the option excludes of setfiles',
    (g) => g.setfiles('/contexts', ['/etc'], { excludes: ['/etc/left-out'] }),
    async (g) => {
      const available = await g.featureAvailable(['selinuxrelabel']);
      await labelled(g);
      const set = g.setfiles('/contexts', ['/etc'], { excludes: ['/etc/left-out'] });
      if (!available) return expect(set).rejects.toMatchObject(needsFeature);
      await set;
      expect(await labelOf(g, '/etc')).toContain(label);
      await expect(labelOf(g, '/etc/left-out')).rejects.toMatchObject({ code: 'ENODATA' });
    },
  );
});

/** /dev/sda is a real Debian; /dev/sdb has two systems that look like Windows, one of them with a group policy. */
describe('guests', () => {
  const appliance = lazily(async (g) => {
    await g.addDrive(await debianMbr(), { format: 'raw', readonly: true });
    await g.addDriveScratch(64 * MiB);
    await g.launch();
    await makeWindowsDisk(g);
    expect((await g.inspectOs()).sort()).toEqual(['/dev/sda1', '/dev/sdb1', '/dev/sdb2']);
    await g.mount('/dev/sda1', '/');
  });
  const functionSince = testOfFunctions(appliance);
  const output = folder.file('output');
  const size = 8 * MiB; // twice what libguestfs can return in one message

  async function makeWindowsDisk(g: Guestfs): Promise<void> {
    const policy = ['{35378EAC-683F-11D2-A89A-00C04FBBCFA2}'];
    const history = ['Microsoft', 'Windows', 'CurrentVersion', 'Group Policy', 'History'];
    await makePartitions(g, '/dev/sdb', { first: 30, second: 30 });
    for (const [device, keys] of [
      ['/dev/sdb1', []],
      ['/dev/sdb2', [[...history, ...policy]]],
    ] as const) {
      await g.mkfs('ext4', device);
      await g.mountVfs('', 'ext4', device, '/');
      await makeWindows(g, { productName: 'Windows 10 Pro', buildNumber: '19045', keys });
      await g.umountAll();
    }
  }

  functionSince(
    '1.55.6',
    'commandOut',
    (g) => g.commandOut(['true'], output),
    async (g) => {
      await g.commandOut(['cat', '/home/alice/hello.txt'], output);
      expect(await readFile(output, 'utf8')).toBe('Hello from the guest.\n');
      await g.commandOut(['seq', '-w', String(size / 8)], output);
      expect((await stat(output)).size).toBe(size);
      await expect(g.commandOut(['ls', '/nobody'], output)).rejects.toThrow(/nobody/);
    },
  );

  functionSince(
    '1.55.6',
    'shOut',
    (g) => g.shOut('true', output),
    async (g) => {
      await g.shOut('echo "$((6 * 7))"; echo not seen >&2', output);
      expect(await readFile(output, 'utf8')).toBe('42\n');
      await g.shOut(`yes | head -c ${size}`, output);
      expect((await stat(output)).size).toBe(size);
      await expect(g.shOut('echo is wrong >&2; exit 7', output)).rejects.toThrow(/is wrong/);
    },
  );

  functionSince(
    '1.49.8',
    'inspectGetBuildId',
    (g) => g.inspectGetBuildId('/dev/sda1'),
    async (g) => {
      expect(await g.inspectGetBuildId('/dev/sda1')).toBe('unknown');
      expect(await g.inspectGetBuildId('/dev/sdb1')).toBe('19045');
    },
  );

  functionSince(
    '1.57.6',
    'inspectGetWindowsGroupPolicy',
    (g) => g.inspectGetWindowsGroupPolicy('/dev/sda1'),
    async (g) => {
      expect(await g.inspectGetWindowsGroupPolicy('/dev/sdb1')).toBe(false);
      expect(await g.inspectGetWindowsGroupPolicy('/dev/sdb2')).toBe(true);
      await expect(g.inspectGetWindowsGroupPolicy('/dev/sda1')).rejects.toThrow(/not a Windows guest/);
    },
  );
});
