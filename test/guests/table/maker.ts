/** Makes the images of a guest, and keeps them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guestfs } from '../../../lib';
import { cached } from '../../images/cache';
import { archiveOf, writeFiles } from './files';
import { marker } from './foreign';
import { type Guest, layoutOf } from './guests';
import { makeLayout, makeSnapshots, passphrase, type Volume } from './layout';
import { isArray, nameOf, uuidBelow } from './names';

export interface MadeGuest {
  readonly images: readonly string[];
  readonly blocksize: number | undefined;
  /** Passphrase of its encrypted volumes. */
  readonly key: string | undefined;
  readonly volumes: readonly Volume[];
}

const sources = 'files foreign guests layout layouts maker names packages system systems'.split(' ');

export async function makeGuest(guest: Guest & { readonly archive?: string }): Promise<MadeGuest> {
  const files = sources.map((name) => `../guests/table/${name}.ts`);
  const directory = await cached(
    [...files, 'windows.ts', 'hive.ts'],
    (folder) => build(guest, folder),
    guest.name,
  );
  const { disks, blocksize } = layoutOf(guest);
  const volumes: Volume[] = JSON.parse(readFileSync(join(directory, 'volumes.json'), 'utf8'));
  const isEncrypted =
    volumes.some(({ block }) => block.startsWith('/dev/mapper/')) || guest.layout === 'lvmInLuks';
  return {
    images: disks.map((_, index) => join(directory, `disk${index}.img`)),
    ...{ blocksize, key: isEncrypted ? passphrase : undefined, volumes },
  };
}

async function build(guest: Guest & { readonly archive?: string }, directory: string): Promise<void> {
  const layout = layoutOf(guest);
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-guest-'));
  const g = new Guestfs();
  try {
    for (const [index, { size }] of layout.disks.entries()) {
      const path = join(directory, `disk${index}.img`);
      const file = await open(path, 'wx');
      await file.truncate(size << 20);
      await file.close();
      await g.addDrive(path, { format: 'raw', ...(layout.blocksize && { blocksize: layout.blocksize }) });
    }
    await g.launch();
    const volumes = await makeLayout(g, layout);
    if ('fill' in guest.system) await guest.system.fill(g, volumes, folder);
    else await fill(g, guest, volumes, guest.archive ?? archive(guest, folder));
    await makeSnapshots(g, layout);
    await g.shutdown();
    await writeFile(join(directory, 'volumes.json'), JSON.stringify(volumes));
  } finally {
    await g.close();
    rmSync(folder, { recursive: true });
  }
}

/** The files of a system with the database of its packages. */
function archive({ system }: Guest, folder: string): string {
  const tree = join(folder, 'tree');
  writeFiles(tree, system.files);
  system.database?.(tree, system.packages);
  return archiveOf(tree);
}

const inOrder = (volumes: readonly Volume[]) =>
  volumes
    .filter(({ path }) => path?.startsWith('/'))
    .sort((a, b) => (a.path ?? '').length - (b.path ?? '').length);

async function fill(g: Guestfs, guest: Guest, volumes: readonly Volume[], archive: string): Promise<void> {
  const { deployment, fstab = '/etc/fstab' } = guest.system;
  const mounts = inOrder(volumes);
  for (const { device, path } of mounts) {
    if (path !== '/') await g.mkdirP(path ?? '');
    await g.mount(device, path ?? '');
    await g.write(`${path}/${marker}`, `${path}\n`);
  }
  if (deployment === undefined) await g.tarIn(archive, '/');
  else await deploy(g, archive, deployment);
  if (fstab !== null) await g.write(fstab, await fstabOf(g, guest, volumes));
  const { crypttab } = guest.names ?? {};
  if (crypttab) await g.write('/etc/crypttab', await crypttabOf(g, crypttab, volumes));
  const arrays = await g.listMdDevices();
  if (arrays.length > 0) {
    await g.mkdirP('/etc/mdadm');
    const details = await Promise.all(arrays.map((array) => g.mdDetail(array)));
    const lines = details.map(
      (detail) =>
        `ARRAY /dev/md/${detail.get('name')?.replace(/^.*:/, '')} metadata=1.2 UUID=${detail.get('uuid')}\n`,
    );
    await g.write('/etc/mdadm/mdadm.conf', lines.join(''));
  }
  await g.umountAll();
}

/** As ostree does; what is in /var is shared by all deployments. */
async function deploy(
  g: Guestfs,
  archive: string,
  { folder, shared }: NonNullable<Guest['system']['deployment']>,
): Promise<void> {
  await g.mkdirP(folder);
  await g.tarIn(archive, folder);
  await g.write(`${folder}.origin`, '[origin]\n');
  await g.mv(`${folder}/var`, shared);
  await g.mkdir(`${folder}/var`);
  for (const [place, path] of Object.entries({ [folder]: '/', [shared]: '/var' })) {
    await g.write(`${place}/${marker}`, `${path}\n`);
  }
  await g.write(`/${marker}`, '/sysroot\n');
}

async function fstabOf(g: Guestfs, { names }: Guest, volumes: readonly Volume[]): Promise<string> {
  const lines = ['# Made by the tests.'];
  for (const volume of [...inOrder(volumes), ...volumes.filter(({ path }) => path === 'swap')]) {
    const { path, type, subvolume } = volume;
    const name = await nameOf(g, volume, names ?? { naming: 'uuid' });
    const options = subvolume === null ? 'defaults' : `subvol=/${subvolume}`;
    lines.push(`${name} ${path === 'swap' ? 'none' : path} ${type} ${options} 0 ${path === '/' ? 1 : 0}`);
  }
  return `${lines.join('\n')}\ntmpfs /tmp tmpfs defaults 0 0\n`;
}

async function crypttabOf(
  g: Guestfs,
  names: Readonly<Record<string, string>>,
  volumes: readonly Volume[],
): Promise<string> {
  const lines: string[] = [];
  for (const [path, name] of Object.entries(names)) {
    const volume = volumes.find((each) => each.path === path);
    if (volume) lines.push(`${name} UUID=${await uuidBelow(g, volume.block)} none luks\n`);
  }
  return lines.join('');
}

/** Device of a volume in a report: arrays are numbered anew. */
export function reported(
  { device, block, uuid }: Volume,
  filesystems: readonly { device: string; uuid: string | null }[],
): string {
  if (!isArray(block)) return device;
  return filesystems.find((each) => each.uuid === uuid)?.device ?? device;
}
