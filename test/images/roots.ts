/** One guest of two disks with three systems, which name their filesystems by all that there is. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guestfs } from '../../lib';
import { withAppliance } from './appliance';
import { cached } from './cache';

const sectorsPerMiB = 2048;
/** Volumes of the group `vg-a`, in MiB. */
const volumes: readonly [string, number][] = [
  ['root-2', 64],
  ['c', 64],
  ['d', 96],
  ['swap', 16],
  ['windows', 32],
];
const key = 'correct horse battery staple';

export interface RootsGuest {
  readonly images: readonly [string, string];
  readonly key: string;
  /** UUIDs by the devices that have them. */
  readonly uuids: Readonly<Record<string, string>>;
}

/**
 * The first disk: EFI, `plain` (ext4), LUKS with /home of `plain`, the group `vg-a`, btrfs with `@`, `@home` and a snapshot
 * of `@`. In the group: `root-2` (ext4), `c` (LUKS with its /srv), `d` (LUKS with the group `vg_b` and its /opt), swap of a
 * hibernated system, NTFS of a hibernated Windows. The second disk: data (ext4), members of a RAID 1 with /var of `plain`.
 */
export async function rootsGuest(): Promise<RootsGuest> {
  const directory = await cached(['roots.ts', 'appliance.ts'], async (folder) => {
    const paths = ['a.img', 'b.img'].map((name) => join(folder, name));
    for (const path of paths) await sparse(path, 1024);
    await withAppliance(
      paths.map((path) => ({ path, format: 'raw' as const })),
      async (g) => {
        const uuids = await makeDisks(g);
        await writeFile(join(folder, 'uuids.json'), JSON.stringify(uuids));
      },
    );
  });
  return {
    images: [join(directory, 'a.img'), join(directory, 'b.img')],
    key,
    uuids: JSON.parse(await readFile(join(directory, 'uuids.json'), 'utf8')),
  };
}

async function sparse(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(mebibytes * sectorsPerMiB * 512);
  await file.close();
}

async function makeDisks(g: Guestfs): Promise<Record<string, string>> {
  // Inspection asks parted about every partition, twice: few of them, and logical volumes for the rest.
  await partition(g, '/dev/sda', [32, 64, 64, 448, 256]);
  await partition(g, '/dev/sdb', [32, 48, 48]);
  const uuids: Record<string, string> = {};

  await g.partSetName('/dev/sda', 1, 'EFI-system');
  await g.mkfs('vfat', '/dev/sda1', { label: 'EFI' });
  await g.mkfs('ext4', '/dev/sda2');
  await makeLuks(g, '/dev/sda3', 'home', uuids);
  await g.mkfs('ext4', '/dev/mapper/home');
  await g.vgcreate('vg-a', ['/dev/sda4']);
  for (const [name, size] of volumes) await g.lvcreate(name, 'vg-a', size);
  await g.mkfs('ext4', '/dev/vg-a/root-2');
  await makeLuks(g, '/dev/vg-a/c', 'inner', uuids);
  await g.mkfs('ext4', '/dev/mapper/inner');
  await g.mkfsBtrfs(['/dev/sda5']);
  await makeLuks(g, '/dev/vg-a/d', 'outer', uuids);
  await g.vgcreate('vg_b', ['/dev/mapper/outer']);
  await g.lvcreateFree('opt', 'vg_b', 100);
  await g.mkfs('ext4', '/dev/vg_b/opt');
  await g.mkswap('/dev/vg-a/swap');
  await g.mkfs('ext4', '/dev/sdb1', { label: 'My Data' });
  await g.mdCreate('/dev/md/store', ['/dev/sdb2', '/dev/sdb3'], { level: 'raid1' });
  const [raid = ''] = await g.listMdDevices();
  await g.mkfs('ext4', raid);
  await g.mkfs('ntfs', '/dev/vg-a/windows');
  for (const device of ['/dev/sda1', '/dev/sda2', '/dev/sda5', '/dev/vg-a/swap', '/dev/vg_b/opt']) {
    uuids[device] = await g.vfsUuid(device);
  }
  // What swsusp writes in the place of swap's own signature; whoever looks finds no swap any more.
  await g.pwriteDevice('/dev/vg-a/swap', 'S1SUSPEND\0', 4096 - 10);
  uuids.raid = (await g.mdDetail(raid)).get('uuid') ?? '';
  uuids.root = ((await g.blkid('/dev/sda2')).get('PART_ENTRY_UUID') ?? '').toLowerCase();

  await makePlain(g, raid, uuids);
  await makeLogical(g, uuids);
  await makeSubvolumes(g, uuids);
  await makeHibernated(g);
  return uuids;
}

async function partition(g: Guestfs, disk: string, sizes: readonly number[]): Promise<void> {
  await g.partInit(disk, 'gpt');
  let start = sectorsPerMiB;
  for (const size of sizes) {
    await g.partAdd(disk, 'primary', start, start + size * sectorsPerMiB - 1);
    start += size * sectorsPerMiB;
  }
}

async function makeLuks(
  g: Guestfs,
  device: string,
  name: string,
  uuids: Record<string, string>,
): Promise<void> {
  await g.luksFormat(device, key, 0);
  await g.cryptsetupOpen(device, key, name);
  uuids[device] = (await g.blkid(device)).get('UUID') ?? '';
}

async function makeSystem(g: Guestfs, at: string, name: string, fstab: string): Promise<void> {
  for (const folder of [
    '/etc',
    '/usr/bin',
    '/var/lib',
    '/boot/efi',
    '/home',
    '/srv',
    '/opt',
    '/mnt/my disk',
    '/real',
  ]) {
    await g.mkdirP(`${at}${folder}`);
  }
  await g.mkdirP(`${at}/var/lib/dpkg`);
  await g.write(`${at}/var/lib/dpkg/status`, '');
  await g.lnS('usr/bin', `${at}/bin`);
  // The system follows it into its own tree; an absolute link must not lead out of it.
  await g.lnS('/real', `${at}/linked`);
  await g.write(`${at}/etc/os-release`, `ID=debian\nVERSION_ID="12"\nPRETTY_NAME="${name}"\n`);
  await g.write(`${at}/etc/hostname`, `${name}\n`);
  await g.write(`${at}/etc/fstab`, fstab);
}

async function content(g: Guestfs, device: string, name: string): Promise<void> {
  await g.umountAll();
  await g.mount(device, '/');
  await g.write(`/${name}`, 'It is here.\n');
  await g.umountAll();
}

async function makePlain(g: Guestfs, raid: string, uuids: Record<string, string>): Promise<void> {
  await g.mount('/dev/sda2', '/');
  await makeSystem(
    g,
    '',
    'plain',
    `# The root by a name that libguestfs 1.48 does not resolve
PARTUUID=${uuids.root} / ext4 errors=remount-ro 0 1
PARTLABEL=EFI-system /boot/efi vfat umask=0077 0 2
/dev/disk/by-uuid/${uuids['/dev/sda1']} /boot/efi vfat umask=0077 0 2
/dev/mapper/luks-${uuids['/dev/sda3']} /home ext4 x-systemd.device-timeout=0 0 2
/dev/md/store /var ext4 defaults 0 2
/dev/disk/by-label/My\\x20Data /mnt/my\\040disk ext4 defaults,nofail 0 2
/dev/vdb1 /linked ext4 defaults 0 2
/dev/sdz1 /mnt/ephemeral auto defaults,nofail 0 2
LABEL=elsewhere /opt ext4 defaults 0 2
server:/export /export nfs rw ,nofail 0 0
/home /srv none bind 0 0
tmpfs /tmp tmpfs size=1G 0 0
`,
  );
  await g.mkdirP('/etc/mdadm');
  await g.write('/etc/mdadm/mdadm.conf', `ARRAY /dev/md/store metadata=1.2 UUID=${uuids.raid}\n`);
  await content(g, '/dev/sda1', 'efi');
  await content(g, '/dev/mapper/home', 'ann');
  await content(g, raid, 'log');
  await g.mount(raid, '/');
  await g.mkdirP('/lib/dpkg');
  await g.write('/lib/dpkg/status', '');
  await g.umountAll();
  await content(g, '/dev/sdb1', 'data');
}

async function makeLogical(g: Guestfs, uuids: Record<string, string>): Promise<void> {
  await g.mount('/dev/vg-a/root-2', '/');
  await makeSystem(
    g,
    '',
    'logical',
    `/dev/mapper/vg--a-root--2 / ext4 defaults 0 1
/dev/mapper/vault /srv ext4 defaults 0 2
/dev/disk/by-uuid/${uuids['/dev/vg_b/opt']} /opt ext4 defaults 0 2
`,
  );
  await g.write('/etc/crypttab', `vault UUID=${uuids['/dev/vg-a/c']} none luks\n`);
  await content(g, '/dev/mapper/inner', 'vault');
  await content(g, '/dev/vg_b/opt', 'opt');
}

async function makeSubvolumes(g: Guestfs, uuids: Record<string, string>): Promise<void> {
  const uuid = uuids['/dev/sda5'];
  await g.mount('/dev/sda5', '/');
  for (const name of ['@', '@home']) await g.btrfsSubvolumeCreate(`/${name}`);
  await makeSystem(
    g,
    '/@',
    'subvolumes',
    `UUID=${uuid} / btrfs subvol=@ 0 0
UUID=${uuid} /home btrfs defaults,subvol=/@home 0 0
UUID=${uuids['/dev/vg-a/swap']} none swap sw 0 0
`,
  );
  await g.write('/@home/bob', 'It is here.\n');
  await g.mkdir('/snapshots');
  await g.btrfsSubvolumeSnapshot('/@', '/snapshots/1');
  await g.write('/snapshots/1/etc/only-here', 'yes\n');
  await g.umountAll();
}

async function makeHibernated(g: Guestfs): Promise<void> {
  await g.mount('/dev/vg-a/windows', '/');
  await g.write('/hiberfil.sys', Buffer.concat([Buffer.from('hibr'), Buffer.alloc(8188)]));
  await g.umountAll();
}
