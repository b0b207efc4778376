// An appliance that dies, stops or panics in the middle of a call, beside another handle that must not notice.
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { MiB, sleep, timed } from '../support/appliance';
import { isCollected } from '../support/garbage';
import { descendants, leftAfter, qemuOf } from '../support/processes';
import { SmallFilesystem, testWithMounts } from '../support/small-filesystem';

let folder: string;
/** What happens to `g` is nothing to it. */
let bystander: Guestfs | undefined;
let g: Guestfs;
/** The qemu of `g`. */
let qemu: number;

async function emptyImage(name: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  await truncate(path, 64 * MiB);
  return path;
}

const qemus = () => descendants().filter((line) => line.includes('guestfsd.sock'));

async function launch(): Promise<void> {
  const before = new Set(qemus());
  await g.launch();
  qemu = Number.parseInt(qemus().find((line) => !before.has(line)) ?? '', 10);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestfs-530-'));
  bystander = new Guestfs();
  await bystander.addDrive(await emptyImage('bystander.img'), { format: 'raw' });
  await bystander.launch();
  await bystander.mkfs('ext2', '/dev/sda');
  await bystander.mount('/dev/sda', '/');
  g = new Guestfs();
  await g.addDrive(await emptyImage('victim.img'), { format: 'raw' });
  await launch();
  await g.mkfs('ext2', '/dev/sda');
  await g.mount('/dev/sda', '/');
  await g.write('/synced', 'was synced');
  await g.sync();
});

afterAll(async () => {
  await g?.kill();
  await g?.close();
  await bystander?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The handle can be launched again and has lost nothing; the other one has noticed nothing. */
async function expectRecovery(): Promise<void> {
  expect(await g.isConfig()).toBe(true);
  expect(await bystander?.isReady()).toBe(true);
  await bystander?.writeAppend('/log', 'here\n');
  expect(qemus()).toHaveLength(1);
  await launch();
  await g.mount('/dev/sda', '/');
  expect(await g.cat('/synced')).toBe('was synced');
}

test('qemu is killed in the middle of a call', async () => {
  const quits: string[] = [];
  g.once('subprocessQuit', () => quits.push('subprocessQuit'));
  const call = timed(g.debug('progress', ['60']));
  const behind = timed(g.listDevices());
  await sleep(500);
  process.kill(qemu, 'SIGKILL');
  const { error, ms } = await call;
  expect(error).toBeInstanceOf(GuestfsError);
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'debug' });
  expect((error as Error).message).toMatch(
    /^debug: the appliance has died: .*launch\(\) starts it again.*console/s,
  );
  expect(ms).toBeLessThan(4000);
  expect((await behind).error).toBeInstanceOf(GuestfsError);
  expect(quits).toEqual(['subprocessQuit']);
  await expectRecovery();
});

test('qemu is stopped in the middle of a call: nothing ends it but kill(), and that does, within 3 s', async () => {
  const call = timed(g.debug('progress', ['60']));
  await sleep(500);
  process.kill(qemu, 'SIGSTOP');
  const killed = await timed(g.kill());
  expect(killed.error).toBeUndefined();
  expect(killed.ms).toBeLessThan(3000);
  expect((await call).error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'debug' });
  await expectRecovery();
});

test("the appliance's kernel panics", async () => {
  const error = await g.debug('sh', ['echo c > /proc/sysrq-trigger']).catch((thrown: GuestfsError) => thrown);
  expect(error).toBeInstanceOf(GuestfsError);
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'debug' });
  expect((error as Error).message).toMatch(
    /its kernel panicked \(sysrq triggered crash\).*launch\(\).*console/s,
  );
  await expectRecovery();
});

test('memory is short in the appliance', async () => {
  // As when memory is short: the kernel ends the largest process, which is libguestfs's daemon.
  const error = await g
    .debug('sh', ['echo f > /proc/sysrq-trigger; sleep 10'])
    .catch((thrown: GuestfsError) => thrown);
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED', operation: 'debug' });
  expect((error as Error).message).toMatch(/had not enough memory for guestfsd.*memsize.*launch\(\)/s);
});

testWithMounts('the folder of a scratch drive is full in the middle of a call', async () => {
  using small = new SmallFilesystem('size=8m');
  await g.close();
  g = new Guestfs({ tmpdir: small.path });
  await g.addDriveScratch(64 * MiB);
  await launch();
  await g.mkfs('ext2', '/dev/sda');
  await g.mount('/dev/sda', '/');
  // libguestfs hands the data to the appliance's kernel, which writes it when it likes.
  await g.fill(65, 30 * MiB, '/large').catch(() => undefined);
  const { error, ms } = await timed(g.sync());
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_DISK_FULL', errno: 28, operation: 'sync' });
  expect((error as Error).message).toMatch(/no space left on this machine.*launch again/);
  expect(ms).toBeLessThan(60_000);
  expect(await g.listDevices()).toEqual(['/dev/sda']);
  await bystander?.writeAppend('/log', 'here\n');
  // What the disk has missed is in nobody's memory any more.
  small.remount('size=64m');
  expect(await g.umountAll().catch(({ code }) => code)).toBe('ERR_GUESTFS_DISK_FULL');
});

test('close() of an appliance that has stopped waits; kill() lets it through', async () => {
  await g.close();
  g = new Guestfs();
  await g.addDriveScratch(MiB);
  await launch();
  process.kill(qemu, 'SIGSTOP');
  const closed = timed(g.close());
  await sleep(1000);
  const killed = performance.now();
  await g.kill();
  expect((await closed).error).toBeUndefined();
  expect(performance.now() - killed).toBeLessThan(3000);
});

// The last one: only the other handle is left.
test('a handle that is dropped takes its appliance with it, and its data is on the disk', async () => {
  expect(await bystander?.cat('/log')).toContain('here\n');
  await bystander?.write('/late', 'written late');
  expect(qemuOf()).toBeDefined();
  const reference = new WeakRef(bystander as Guestfs);
  bystander = undefined;
  expect(await isCollected(reference)).toBe(true);
  expect(await leftAfter(10_000, () => descendants())).toEqual([]);
  expect((await readFile(join(folder, 'bystander.img'))).includes('written late')).toBe(true);
});
