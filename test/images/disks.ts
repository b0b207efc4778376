/** Disk images that libguestfs itself makes, all in one launch. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guestfs } from '../../lib';
import { withAppliance } from './appliance';
import { cached } from './cache';
import { debianTree, debianTreeSources } from './debian-tree';

const MiB = 1 << 20;
const sectorsPerMiB = MiB / 512;
const luksKey = 'correct horse battery staple';

export const disksSources = ['disks.ts', ...debianTreeSources];

/** MBR with one bootable ext4 partition labelled `debian`: the root of the tree. Its fstab names it by UUID. */
export async function debianMbr(): Promise<string> {
  return join(await disks(), 'debian-mbr.img');
}

/** The same system on LVM: /boot (ext2) on /dev/sda1; on /dev/sda2 the volume group `vg0` with `root` and `swap`. */
export async function debianLvm(): Promise<string> {
  return join(await disks(), 'debian-lvm.img');
}

/** GPT with one LUKS2 partition, inside ext4 labelled `vault` with /secret.txt. `keyFile` is a file with the key. */
export async function luksDisk(): Promise<{ path: string; key: string; keyFile: string }> {
  const directory = await disks();
  return { path: join(directory, 'luks.img'), key: luksKey, keyFile: join(directory, 'luks.key') };
}

/** One partition of {@link multiFs}. */
export interface TestFilesystem {
  readonly device: string;
  /** As `listFilesystems()` names it. */
  readonly type: string;
  readonly label: string | null;
}

/** GPT with a partition of every type that the appliance can make here, each with a label. */
export async function multiFs(): Promise<{ path: string; filesystems: TestFilesystem[] }> {
  const directory = await disks();
  const filesystems = JSON.parse(await readFile(join(directory, 'multi-fs.json'), 'utf8'));
  return { path: join(directory, 'multi-fs.img'), filesystems };
}

async function disks(): Promise<string> {
  return cached(disksSources, async (directory) => {
    const tree = await debianTree();
    const drives = [
      await sparse(join(directory, 'debian-mbr.img'), 512 * MiB),
      await sparse(join(directory, 'debian-lvm.img'), 768 * MiB),
      await sparse(join(directory, 'luks.img'), 64 * MiB),
      await sparse(join(directory, 'multi-fs.img'), 768 * MiB),
    ];
    await writeFile(join(directory, 'luks.key'), luksKey);
    await withAppliance(drives, async (g) => {
      await makeMbr(g, '/dev/sda', tree);
      await makeLvm(g, '/dev/sdb', tree);
      await makeLuks(g, '/dev/sdc');
      const filesystems = await makeMultiFs(g, '/dev/sdd');
      // An image meets its user as the only disk.
      const alone = filesystems.map((fs) => ({ ...fs, device: fs.device.replace('sdd', 'sda') }));
      await writeFile(join(directory, 'multi-fs.json'), JSON.stringify(alone));
    });
  });
}

async function sparse(path: string, size: number): Promise<{ path: string; format: 'raw' }> {
  const file = await open(path, 'wx');
  await file.truncate(size);
  await file.close();
  return { path, format: 'raw' };
}

async function makeMbr(g: Guestfs, disk: string, tree: string): Promise<void> {
  const root = `${disk}1`;
  await g.partDisk(disk, 'mbr');
  await g.partSetBootable(disk, 1, true);
  await g.mkfs('ext4', root, { label: 'debian' });
  await g.mount(root, '/');
  await g.tarIn(tree, '/');
  await g.write('/etc/fstab', `UUID=${await g.vfsUuid(root)} / ext4 errors=remount-ro 0 1\n`);
  await g.umountAll();
}

async function makeLvm(g: Guestfs, disk: string, tree: string): Promise<void> {
  const boot = `${disk}1`;
  const bootEnd = 65 * sectorsPerMiB;
  await g.partInit(disk, 'mbr');
  await g.partAdd(disk, 'primary', sectorsPerMiB, bootEnd - 1);
  await g.partAdd(disk, 'primary', bootEnd, -1);
  await g.partSetMbrId(disk, 2, 0x8e);
  await g.pvcreate(`${disk}2`);
  await g.vgcreate('vg0', [`${disk}2`]);
  await g.lvcreate('swap', 'vg0', 64);
  await g.lvcreateFree('root', 'vg0', 100);

  await g.mkfs('ext2', boot, { label: 'boot' });
  await g.mkswap('/dev/vg0/swap', { label: 'swap' });
  await g.mkfs('ext4', '/dev/vg0/root', { label: 'root' });
  await g.mount('/dev/vg0/root', '/');
  await g.mkdir('/boot');
  await g.mount(boot, '/boot');
  await g.tarIn(tree, '/');
  await g.write(
    '/etc/fstab',
    `/dev/mapper/vg0-root / ext4 errors=remount-ro 0 1
UUID=${await g.vfsUuid(boot)} /boot ext2 defaults 0 2
/dev/mapper/vg0-swap none swap sw 0 0
`,
  );
  await g.umountAll();
}

async function makeLuks(g: Guestfs, disk: string): Promise<void> {
  await g.partDisk(disk, 'gpt');
  await g.luksFormat(`${disk}1`, luksKey, 0);
  await g.cryptsetupOpen(`${disk}1`, luksKey, 'vault');
  await g.mkfs('ext4', '/dev/mapper/vault', { label: 'vault' });
  await g.mount('/dev/mapper/vault', '/');
  await g.write('/secret.txt', 'Only with the key.\n');
  await g.umountAll();
  await g.cryptsetupClose('/dev/mapper/vault');
}

async function makeMultiFs(g: Guestfs, disk: string): Promise<TestFilesystem[]> {
  // What mkfs insists on, in MiB, and the feature that not every appliance has (Debian packs xfs separately).
  const candidates: { type: string; size: number; feature?: string }[] = [
    { type: 'ext2', size: 16 },
    { type: 'ext3', size: 16 },
    { type: 'ext4', size: 16 },
    { type: 'xfs', size: 320, feature: 'xfs' },
    { type: 'btrfs', size: 128, feature: 'btrfs' },
    { type: 'vfat', size: 16 },
    { type: 'ntfs', size: 16, feature: 'ntfs3g' },
    { type: 'swap', size: 16 },
    { type: 'unknown', size: 16 },
  ];
  const filesystems: TestFilesystem[] = [];
  let start = sectorsPerMiB;
  await g.partInit(disk, 'gpt');
  for (const { type, size, feature } of candidates) {
    if (feature !== undefined && !(await g.featureAvailable([feature]))) continue;
    const number = filesystems.length + 1;
    const device = `${disk}${number}`;
    const label = type === 'unknown' ? null : `t-${type}`;
    await g.partAdd(disk, 'primary', start, start + size * sectorsPerMiB - 1);
    if (type === 'unknown') await g.pwriteDevice(device, 'Nothing that blkid would know.\n', 0);
    else if (type === 'swap') await g.mkswap(device, { label: 't-swap' });
    else await g.mkfs(type, device, { label: label as string });
    filesystems.push({ device, type, label });
    start += size * sectorsPerMiB;
  }
  return filesystems;
}
