// Disks on which bytes are random here and there. What qemu, the appliance's kernel and its tools make of them is theirs;
// ours is that every call ends in time, with a result or a coded error, and that all goes on afterwards.
// More seeds than these: GUESTFS_SEEDS=4,5,6 npm run test:faults -- 540
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AbortError, Guestfs, GuestfsError, inspect } from '../../lib';
import { bootableIso } from '../images';
import { MiB } from '../support/appliance';
import { Random } from '../support/random';

const seeds = (process.env.GUESTFS_SEEDS ?? '1,2,3').split(',').map(Number);
/** In the first 128 KiB, where most of what describes a disk lies, and as many elsewhere. */
const bytesChanged = 512;
const regionSize = 128 * 1024;
const patienceMs = 120_000;

interface Disk {
  readonly size: number;
  /** Whether the appliance can make it. */
  readonly group?: string;
  make(g: Guestfs, device: string): Promise<void>;
  readonly look: (g: Guestfs, device: string, call: CallOf) => Promise<void>;
}

/** Makes a call that may fail, but must end. */
type CallOf = <T>(
  what: (options: { signal: AbortSignal; killOnAbort: true }) => Promise<T>,
) => Promise<T | undefined>;

const filesystem = (type: string, size: number, group?: string): Disk => ({
  size,
  ...(group && { group }),
  async make(g, device) {
    await g.mkfs(type, device, { label: 'victim' });
    await g.mount(device, '/');
    await g.mkdirP('/folder/below/it');
    for (let i = 0; i < 20; i++) await g.write(`/folder/below/file-${i}`, `content ${i}\n`.repeat(500));
    if (type !== 'vfat') await g.lnS('/folder/below/file-1', '/link');
    await g.umount('/');
  },
  look: lookAtFilesystem,
});

async function lookAtFilesystem(g: Guestfs, device: string, call: CallOf): Promise<void> {
  await call((options) => g.vfsType(device, options));
  await call((options) => g.vfsLabel(device, options));
  await call((options) => g.blkid(device, options));
  await call((options) => g.mountRo(device, '/', options));
  await call((options) => g.find('/', options));
  const names = await call((options) => g.ls('/', options));
  await call((options) => g.lstatnslist('/', names ?? ['folder'], options));
  await call((options) => g.checksum('md5', '/folder/below/file-1', options));
  await call((options) => g.checksumsOut('md5', '/', '/dev/null', options));
  await call((options) => g.statvfs('/', options));
  await call((options) => g.umountAll(options));
}

const partitions = (type: string): Disk => ({
  size: 16 * MiB,
  async make(g, device) {
    await g.partInit(device, type);
    for (let i = 0; i < 3; i++) await g.partAdd(device, 'primary', 2048 + i * 4096, 6143 + i * 4096);
    await g.mkfs('ext2', `${device}1`);
  },
  async look(g, device, call) {
    await call((options) => g.blockdevRereadpt(device, options));
    await call((options) => g.partGetParttype(device, options));
    await call((options) => g.partList(device, options));
    await call((options) => g.listPartitions(options));
    await call((options) => g.vfsType(`${device}1`, options));
    await call((options) => g.mountRo(`${device}1`, '/', options));
    await call((options) => g.umountAll(options));
  },
});

const lvm: Disk = {
  size: 64 * MiB,
  group: 'lvm2',
  async make(g, device) {
    await g.pvcreate(device);
    await g.vgcreate('victims', [device]);
    await g.lvcreate('victim', 'victims', 16);
    await g.mkfs('ext2', '/dev/victims/victim');
    await g.vgActivateAll(false);
  },
  async look(g, _, call) {
    await call((options) => g.lvmScan(true, options));
    await call((options) => g.pvsFull(options));
    await call((options) => g.vgsFull(options));
    await call((options) => g.lvsFull(options));
    await call((options) => g.vfsType('/dev/victims/victim', options));
    await call((options) => g.vgActivateAll(false, options));
  },
};

const disks: Record<string, Disk> = {
  ext4: filesystem('ext4', 32 * MiB),
  xfs: filesystem('xfs', 512 * MiB, 'xfs'),
  btrfs: filesystem('btrfs', 256 * MiB, 'btrfs'),
  vfat: filesystem('vfat', 32 * MiB),
  ntfs: filesystem('ntfs', 32 * MiB, 'ntfs3g'),
  iso9660: {
    size: 64 * MiB,
    make: async (g, device) => g.upload(await bootableIso(), device),
    look: lookAtFilesystem,
  },
  MBR: partitions('mbr'),
  GPT: partitions('gpt'),
  LVM: lvm,
};
const names = Object.keys(disks);

let folder: string;
/** Of all calls on damaged disks. */
let failures = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-540-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function emptyFile(name: string, size: number): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, 'wx');
  await file.truncate(size);
  await file.close();
  return path;
}

/** The code of an error that a call may end with. */
function codeOf(error: unknown): string {
  if (error instanceof AbortError) return error.code;
  expect(error).toBeInstanceOf(GuestfsError);
  const { code } = error as GuestfsError;
  expect(code).toMatch(/^E[A-Z0-9_]+$/);
  return code;
}

describe('a disk with random bytes', () => {
  let g: Guestfs;

  beforeAll(async () => {
    g = new Guestfs();
    for (const [name, { size }] of Object.entries(disks)) {
      await g.addDrive(await emptyFile(`${name}.img`, size), { format: 'raw' });
    }
    await g.launch();
    for (const [i, name] of names.entries()) {
      const { group, make } = disks[name] as Disk;
      if (!group || (await g.featureAvailable([group]))) await make(g, deviceOf(i));
      else console.warn(`This appliance cannot make ${name}: its disk stays empty.`);
    }
  });

  afterAll(async () => {
    await g?.kill();
    await g?.close();
  });

  const deviceOf = (i: number) => `/dev/sd${String.fromCharCode(97 + i)}`;

  async function forgetCaches(): Promise<void> {
    await g.sync();
    await g.dropCaches(3);
  }

  /** Changes bytes of a region, and returns what it was. */
  async function damage(device: string, place: number, random: Random) {
    const bytes = await g.preadDevice(device, regionSize, place);
    const changed = Buffer.from(bytes);
    for (let i = 0; i < bytesChanged; i++) changed[random.below(regionSize)] = random.below(256);
    await g.pwriteDevice(device, changed, place);
    return { place, bytes };
  }

  /** After the end of the appliance, or of its kernel's wits. */
  async function restart(): Promise<void> {
    await g.kill();
    await g.launch();
  }

  /** What becomes of the calls of `look`: nothing, or the code of an error. */
  async function outcomes(look: (call: CallOf) => Promise<void>): Promise<string[]> {
    const codes: string[] = [];
    let dead = false;
    await look(async (what) => {
      if (dead) return undefined;
      try {
        const value = await what({ signal: AbortSignal.timeout(patienceMs), killOnAbort: true });
        codes.push('');
        return value;
      } catch (error) {
        const code = codeOf(error);
        codes.push(code);
        dead = ['ABORT_ERR', 'ERR_GUESTFS_TERMINATED'].includes(code);
        return undefined;
      }
    });
    const mounted = dead ? [] : await g.mounts();
    if (dead || mounted.length > 0) await restart();
    return codes;
  }

  test.each(names)('as %s', async (name) => {
    const device = deviceOf(names.indexOf(name));
    const { size, look } = disks[name] as Disk;
    const codes: string[] = [];
    for (const seed of seeds) {
      const random = new Random(seed);
      const damaged = [
        await damage(device, 0, random),
        await damage(device, random.below(Math.min(size, 8 * MiB) - regionSize), random),
      ];
      await forgetCaches();
      codes.push(...(await outcomes((call) => look(g, device, call))));
      for (const { place, bytes } of damaged.reverse()) await g.pwriteDevice(device, bytes, place);
      await forgetCaches();
    }
    expect(codes).toContain('');
    failures += codes.filter((code) => code !== '').length;
  });

  test('among others, which are all looked at', async () => {
    const random = new Random(seeds[0] ?? 1);
    for (const i of names.keys()) await damage(deviceOf(i), 0, random);
    await forgetCaches();
    const codes = await outcomes(async (call) => {
      await call((options) => g.listFilesystems(options));
      await call((options) => g.inspectOs(options));
    });
    expect(codes.length).toBeGreaterThan(0);
  });

  test('is noticed, and does no harm to the next', async () => {
    expect(failures).toBeGreaterThan(0);
    await restart();
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.write('/file', 'content');
    expect(await g.cat('/file')).toBe('content');
  });
});

describe('an image with random bytes in its header', () => {
  let original: Buffer;

  beforeAll(async () => {
    const path = join(folder, 'good.qcow2');
    await using g = new Guestfs();
    await g.diskCreate(path, 'qcow2', 16 * MiB, { preallocation: 'metadata' });
    original = (await readFile(path)).subarray(0, 512 * 1024);
  });

  /** The qcow2 image of that seed: every byte of its header and tables may be another. */
  async function damaged(seed: number): Promise<string> {
    const random = new Random(seed);
    const bytes = Buffer.from(original);
    for (let i = 0; i < 6; i++) bytes[random.below(i < 3 ? 112 : bytes.length)] = random.below(256);
    const path = join(folder, `damaged-${seed}.qcow2`);
    await writeFile(path, bytes);
    return path;
  }

  test('is described, or refused', async () => {
    await using g = new Guestfs();
    const outcomes = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const path = await damaged((seeds[0] ?? 1) * 1000 + i);
      const options = { signal: AbortSignal.timeout(patienceMs), killOnAbort: true } as const;
      for (const call of [g.diskFormat(path, options), g.diskVirtualSize(path, options)]) {
        outcomes.add(await call.then(() => 'described', codeOf));
      }
    }
    expect(outcomes.size).toBeGreaterThan(1);
    expect(outcomes).toContain('described');
  });

  test('is opened, or refused', async () => {
    for (const seed of seeds) {
      await using g = new Guestfs();
      const outcome = await inspect(
        { path: await damaged(seed), format: 'qcow2' },
        { signal: AbortSignal.timeout(2 * patienceMs) },
      ).then(() => '', codeOf);
      expect(outcome).not.toBe('ABORT_ERR');
      expect((await g.version()).major).toBe(1n);
    }
  });
});
