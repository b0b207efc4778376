/** Launches from a template: what comes up is what would have been booted. */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type ProgressEvent } from '../../lib';
import { leaveOutEmptyPages } from '../../lib/templates/saved-memory';
import { MiB, sleep, timed } from '../support/appliance';
import { descendants } from '../support/processes';

let folder: string;
/** Of different sizes, so that each disk is known by its own. */
const sizes = [350, 360, 370, 380, 390].map((size) => size * MiB);
const images: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-110-'));
  for (const [i, size] of sizes.entries()) {
    const image = join(folder, `disk ${i}, of several.img`);
    const file = await open(image, 'wx');
    await file.truncate(size);
    await file.close();
    images.push(image);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function handleWith(options: { readonly?: boolean } = {}): Promise<Guestfs> {
  const g = new Guestfs();
  for (const [i, image] of images.entries()) {
    await g.addDrive(image, { format: 'raw', ...options, ...(i === 1 && { label: 'second' }) });
  }
  return g;
}

const own = async () =>
  (await readdir(tmpdir())).filter((name) => new RegExp(`^guestfs-node\\.\\d+-${process.pid}-`).test(name));
const inAppliance = async (g: Guestfs, command: string) => (await g.debug('sh', [command])).trim();

describe('a launch from a template', () => {
  let g: Guestfs;
  const events: ProgressEvent[] = [];
  let hv: string;

  beforeAll(async () => {
    g = await handleWith();
    hv = await g.getHv();
    await g.launch({ template: 'only', onProgress: (event) => events.push(event) });
  });
  afterAll(() => g?.close());

  test('says so, as data', () => {
    expect(g.launchWay).toMatchObject({ from: 'template' });
    expect(g.launchWay).not.toHaveProperty('reason');
  });

  test('has its phases, and ends at its total', () => {
    expect(events.map(({ phase }) => phase)).toContain('restore');
    expect(events.map(({ phase }) => phase)).not.toContain('boot');
    expect(events.at(-1)).toMatchObject({ phase: 'ready', position: 12n, ratio: 1 });
    const positions = events.map(({ position }) => position);
    expect([...positions].sort((a, b) => Number(a - b))).toEqual(positions);
  });

  test('leaves the settings of the handle as they were, and nothing in the folder for temporary files', async () => {
    expect(await g.getHv()).toBe(hv);
    expect(await own()).toEqual([]);
  });

  test('finds the disks in their order, with their labels', async () => {
    const devices = await g.listDevices();
    expect(devices).toEqual(['/dev/sda', '/dev/sdb', '/dev/sdc', '/dev/sdd', '/dev/sde']);
    const found = [];
    for (const device of devices) found.push(Number(await g.blockdevGetsize64(device)));
    expect(found).toEqual(sizes);
    expect(await g.listDiskLabels()).toEqual(new Map([['second', '/dev/sdb']]));
  });

  test('has only the memory that it has written to', async () => {
    const status = await readFile(`/proc/${await g.getPid()}/status`, 'utf8');
    const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    expect(resident).toBeGreaterThan(0);
    expect(resident).toBeLessThan(0.6 * (await g.getMemsize()) * MiB);
    // Whatever the host's kernel makes of an empty page: there is none in what was saved.
    const { key } = g.launchWay ?? {};
    const template = (await Guestfs.listTemplates()).find((one) => one.key === key);
    const state = join(template?.folder ?? '', 'state');
    await leaveOutEmptyPages(createReadStream(state), join(folder, 'state'));
    expect((await stat(join(folder, 'state'))).size).toBe((await stat(state)).size);
  });

  test('has the time of the host', async () => {
    const seconds = Number(await inAppliance(g, 'date +%s'));
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5);
  });

  test('is the child of this process that libguestfs knows', async () => {
    expect(descendants().map((line) => Number.parseInt(line, 10))).toContain(await g.getPid());
  });
});

describe('volumes of every kind on its disks', () => {
  /** Everything that a handle tells of its disks. */
  async function looked(template: 'only' | 'never'): Promise<unknown> {
    await using g = await handleWith({ readonly: true });
    await g.launch({ template });
    expect(g.launchWay).toMatchObject({ from: template === 'only' ? 'template' : 'boot' });
    const devices = await g.listDevices();
    const partitions = await g.listPartitions();
    const filesystems = await g.listFilesystems();
    const volumes = await g.lvs();
    const arrays = await g.listMdDevices();
    const everything = [...devices, ...partitions, ...volumes, ...arrays];
    const facts = new Map<string, unknown>();
    for (const device of everything) {
      const [size, sectors] = [await g.blockdevGetsize64(device), await g.blockdevGetss(device)];
      const told = await g.blkid(device).catch(() => undefined);
      told?.delete('DISKSEQ'); // how many disks the kernel has seen
      facts.set(device, [size, sectors, told]);
    }
    const tables = await Promise.all(
      devices.map(async (device) => [
        await g.partGetParttype(device).catch(() => undefined),
        await g.partList(device).catch(() => undefined),
      ]),
    );
    const details = await Promise.all(arrays.map((array) => g.mdDetail(array)));
    await g.mountRo(volumes[0] as string, '/');
    const files = [await g.ls('/'), await g.cat('/file'), await g.statvfs('/')];
    await g.umountAll();
    return {
      ...{ devices, partitions, filesystems, volumes, arrays, facts, tables, details, files },
      ...{
        pvs: await g.pvsFull(),
        vgs: await g.vgsFull(),
        lvs: (await g.lvsFull()).map((lv) => ({ ...lv, lvKernelMajor: 0n })),
      }, // Linux numbers drivers as they come
      ...{ systems: await g.inspectOs(), labels: await g.listDiskLabels() },
      features: await g.filesystemAvailable('xfs'),
      zones: await inAppliance(g, 'cat /proc/mdstat | grep -c active; lvm vgs --noheadings -o vg_name'),
    };
  }

  beforeAll(async () => {
    await using g = await handleWith();
    await g.launch({ template: 'only' });
    await g.partDisk('/dev/sda', 'gpt');
    await g.partDisk('/dev/sdb', 'mbr');
    await g.mdCreate('mirror', ['/dev/sda1', '/dev/sdb1'], { level: 'raid1' });
    await g.pvcreate('/dev/sdc');
    await g.pvcreate('/dev/sdd');
    await g.vgcreate('group', ['/dev/sdc', '/dev/sdd']);
    await g.lvcreate('first', 'group', 200);
    await g.mkfs('ext4', '/dev/group/first', { label: 'files' });
    const [array] = await g.listMdDevices();
    await g.mkfs('xfs', array as string);
    await g.luksFormat('/dev/sde', 'secret', 0);
    await g.mount('/dev/group/first', '/');
    await g.write('/file', 'what was written');
    await g.umountAll();
    await g.shutdown();
  });

  test('are the same as after a boot', async () => {
    const restored = await looked('only');
    expect(restored).toEqual(await looked('never'));
    expect(restored).toMatchObject({
      arrays: [expect.stringMatching(/^\/dev\/md/)],
      volumes: ['/dev/group/first'],
    });
  });
});

test('an image that another machine holds is told as after a boot, and the template stays', async () => {
  await using holder = await handleWith();
  await holder.launch({ template: 'only' });
  await using other = await handleWith();
  const phases: unknown[] = [];
  const onProgress = ({ phase }: ProgressEvent) => phases.push(phase);
  await expect(other.launch({ template: 'auto', onProgress })).rejects.toMatchObject({
    code: 'ERR_GUESTFS_IMAGE_LOCKED',
  });
  expect(phases).toContain('restore');
  const templates = await Guestfs.listTemplates();
  expect(templates.map(({ key }) => key)).toContain(holder.launchWay?.key);
});

test('keeps time on a host whose cycles are others than those of the host on which it was made', async () => {
  const own = `.guestfs-node-${process.geteuid?.()}`;
  await using first = await handleWith({ readonly: true });
  await first.launch({ template: 'only' });
  const about = join(await first.getCachedir(), own, first.launchWay?.key ?? '', 'template.json');
  const clock = 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource';
  expect(await inAppliance(first, clock)).toBe('tsc');
  const text = await readFile(about, 'utf8');
  try {
    await writeFile(about, JSON.stringify({ ...JSON.parse(text), cycles: 1234.5 }));
    await using other = await handleWith({ readonly: true });
    await other.launch({ template: 'only' });
    expect(await inAppliance(other, clock)).toBe('acpi_pm');
    const uptime = async () => Number.parseFloat(await inAppliance(other, 'cat /proc/uptime'));
    const [before, began] = [await uptime(), performance.now()];
    await sleep(3000);
    const ratio = ((await uptime()) - before) / ((performance.now() - began) / 1000);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.2);
  } finally {
    await writeFile(about, text);
  }
});

/** Clones that are compared; the nightly run has more. */
const clones = Number(process.env.GUESTFS_TEST_CLONES ?? 3);

test(
  'no two clones share their randomness',
  async () => {
    const random: string[][] = [];
    for (let i = 0; i < clones; i++) {
      await using g = new Guestfs();
      for (let disk = 0; disk < 2; disk++) await g.addDriveScratch(320 * MiB);
      await g.launch({ template: 'only' });
      const found = [
        await inAppliance(g, 'od -An -tx1 -N32 /dev/urandom'),
        await inAppliance(g, 'od -An -tx1 -N32 /dev/hwrng'),
        await inAppliance(g, 'cat /etc/machine-id'),
        await inAppliance(g, 'cat /proc/sys/kernel/random/uuid'),
      ];
      for (const type of ['ext4', 'xfs', 'btrfs', 'vfat', 'ntfs']) {
        await g.mkfs(type, '/dev/sda');
        found.push(await g.vfsUuid('/dev/sda'));
      }
      await g.mkswap('/dev/sda');
      found.push(await g.vfsUuid('/dev/sda'));
      await g.pvcreate('/dev/sda');
      await g.vgcreate('group', ['/dev/sda']);
      found.push(await g.pvuuid('/dev/sda'), await g.vguuid('group'));
      await g.luksFormat('/dev/sdb', 'secret', 0);
      found.push(await g.luksUuid('/dev/sdb'));
      random.push(found);
    }
    for (const values of transposed(random)) expect(new Set(values).size).toBe(clones);
  },
  clones * 100_000,
);

function transposed<T>(rows: readonly (readonly T[])[]): T[][] {
  return (rows[0] ?? []).map((_, i) => rows.map((row) => row[i] as T));
}

describe('a handle that has been launched from a template', () => {
  test('launches again after shutdown(), and after kill(), with its disks', async () => {
    await using g = new Guestfs();
    await g.addDriveScratch(10 * MiB);
    await g.launch({ template: 'only' });
    await g.shutdown();
    await g.addDriveScratch(20 * MiB);
    await g.launch({ template: 'only' });
    expect(await g.blockdevGetsize64('/dev/sda')).toBe(BigInt(20 * MiB));
    await g.kill();
    expect(descendants()).toEqual([]);
    await g.launch({ template: 'only' });
    expect(await g.blockdevGetsize64('/dev/sda')).toBe(BigInt(20 * MiB));
  });

  test('tells of the death of its appliance', async () => {
    await using g = new Guestfs();
    await g.addDriveScratch(10 * MiB);
    await g.launch({ template: 'only' });
    let quit = 0;
    g.on('subprocessQuit', () => quit++);
    process.kill(await g.getPid(), 'SIGKILL');
    await expect(g.listDevices()).rejects.toMatchObject({ name: 'GuestfsError' });
    expect(quit).toBe(1);
  });
});

describe('a launch that cannot be from a template', () => {
  test.each<[string, (g: Guestfs) => Promise<unknown>, string]>([
    ['qemu has a parameter of the program', (g) => g.config('-device', 'usb-ehci'), 'usb-ehci'],
    ['the hypervisor is a script', (g) => g.setHv('/bin/sh').then(() => g.setHv(__filename)), 'no program'],
  ])('because %s rejects where it is to be nothing else', async (_, prepare, why) => {
    await using g = new Guestfs();
    await g.addDriveScratch(10 * MiB);
    await prepare(g);
    await expect(g.launch({ template: 'only' })).rejects.toMatchObject({
      ...{ name: 'GuestfsError', code: 'ERR_GUESTFS_TEMPLATE', operation: 'launch' },
      message: expect.stringContaining(why),
    });
    expect(descendants()).toEqual([]);
    expect(await own()).toEqual([]);
    expect(g.launchWay).toBeUndefined();
  });

  test('boots otherwise, and tells why', async () => {
    await using g = new Guestfs();
    await g.addDrive(images[0] as string, { readonly: true, format: 'raw' });
    await g.config('-device', 'usb-ehci');
    await g.launch({ template: 'auto' });
    expect(g.launchWay).toMatchObject({ from: 'boot', made: false, reason: 'command-line' });
    expect(await g.blockdevGetsize64('/dev/sda')).toBe(BigInt(sizes[0] as number));
  });
});

test('a launch that is given up while it is restored leaves nothing, and the next one works', async () => {
  await using g = new Guestfs();
  await g.addDriveScratch(10 * MiB);
  for (const ms of [1, 5, 10, 20, 50, 300, 600, 900]) {
    const { error } = await timed(g.launch({ template: 'only', timeout: ms }));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_TIMEOUT' });
    expect(descendants()).toEqual([]);
    expect(await own()).toEqual([]);
  }
  await g.launch({ template: 'only' });
  expect(await g.listDevices()).toEqual(['/dev/sda']);
});
