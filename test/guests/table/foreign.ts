/** Systems other than Linux. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Guestfs } from '../../../lib';
import { emptyHive } from '../../images/hive';
import { makeWindows } from '../../images/windows';
import { osRelease, programs, writeFiles } from './files';
import { ufsId, type Volume } from './layout';
import type { System } from './system';

/** A system that is put on its volumes in a way of its own; `folder` is one of the host to work in. */
export interface ForeignSystem extends System {
  fill(g: Guestfs, volumes: readonly Volume[], folder: string): Promise<void>;
}

export const marker = '.volume';

export const freebsd: ForeignSystem = {
  tells: {
    ...{
      type: 'freebsd',
      distro: 'freebsd',
      versionText: '14.0-RELEASE-p6',
      productName: 'FreeBSD 14.0-RELEASE-p6',
    },
    ...{ arch: 'x86_64', hostname: 'daemon.example.com', packageFormat: null },
  },
  files: {
    ...programs('bin', 'x86_64', 'freebsd'),
    ...Object.fromEntries(
      ['dev', 'home', 'root', 'tmp', 'usr/bin', 'usr/home', 'var/log'].map((name) => [`${name}/`, '']),
    ),
    'bin/freebsd-version': '#!/bin/sh\nUSERLAND_VERSION="14.0-RELEASE-p6"\n',
    'boot/loader.conf': '',
    'etc/rc.conf': 'hostname="daemon.example.com"\n',
    'etc/freebsd-update.conf': '',
    'etc/fstab':
      '# Device\tMountpoint\tFStype\tOptions\tDump\tPass#\n/dev/ada0p2\t/\tufs\trw\t1\t1\n/dev/ada0p1\t/boot/efi\tmsdosfs\trw\t2\t2\n',
    'boot/efi/': '',
    'etc/os-release': { link: '../var/run/os-release' },
    'var/run/os-release': osRelease({
      NAME: 'FreeBSD',
      VERSION: '14.0-RELEASE-p6',
      VERSION_ID: '14.0',
      ID: 'freebsd',
      PRETTY_NAME: 'FreeBSD 14.0-RELEASE-p6',
    }),
    'var/log/messages': 'Apr 16 12:00:00 daemon kernel: Booting.\n',
    [marker]: '/\n',
  },
  packages: [],
  unlisted: 'none is listed of this system',
  logged: ['Booting.'],
  // The kernel of the appliance only reads UFS.
  async fill(g, volumes, folder) {
    const tree = `${folder}/tree`;
    writeFiles(tree, freebsd.files);
    makeUfs(`${folder}/ufs.img`, tree);
    const root = volumes.find(({ type }) => type === 'ufs');
    await g.upload(`${folder}/ufs.img`, root?.block ?? '');
    await g.mount('/dev/sda1', '/');
    await g.write(`/${marker}`, '/boot/efi\n');
    await g.umountAll();
  },
};

/** Debian's makefs writes the superblock of UFS2 where that of UFS1 is; it belongs where this one's inodes are not used yet. */
function makeUfs(image: string, tree: string): void {
  const layout = 'version=2,bsize=4096,fsize=512,density=1024';
  execFileSync('makefs', ['-t', 'ffs', '-o', layout, '-s', '80m', image, tree], { stdio: 'pipe' });
  const disk = readFileSync(image);
  const [from, to] = [8192, 65_536];
  const place = disk.subarray(to, to + 1536);
  if (place.some((byte) => byte !== 0)) throw new Error('there is no place for the superblock of UFS2');
  disk.copy(place, 0, from, from + place.length);
  disk.fill(0, from, from + place.length);
  place.writeBigInt64LE(BigInt(to), 1000); // its own place
  for (const half of [0, 1])
    place.writeUInt32LE(Number.parseInt(ufsId.slice(8 * half, 8 * half + 8), 16), 144 + 4 * half);
  writeFileSync(image, disk);
}

export const windows: ForeignSystem = {
  tells: {
    ...{ type: 'windows', distro: 'windows', versionText: '10.0.22631', productName: 'Windows 11 Pro' },
    ...{ arch: 'x86_64', hostname: 'DESKTOP-7', packageFormat: null },
  },
  files: {},
  packages: [{ name: '7-Zip', version: '23.01', arch: '' }],
  logged: [],
  async fill(g, volumes) {
    const [system, data] = volumes.filter(({ type }) => type === 'ntfs');
    await g.mount(data?.device ?? '', '/');
    await g.write(`/${marker}`, 'D:\n');
    await g.umountAll();
    await g.mount(system?.device ?? '', '/');
    await g.write(`/${marker}`, '/\n');
    await makeWindows(g, { productName: 'Windows 10 Pro', buildNumber: '22631' });
    await addProgram(g);
    await g.write(`${hives}/SYSTEM`, emptyHive());
    await addMachine(g);
    await g.umountAll();
  },
};

const hives = '/Windows/System32/config';

async function addProgram(g: Guestfs): Promise<void> {
  await g.hivexOpen(`${hives}/SOFTWARE`, { write: true });
  const key = await keyOf(g, ['Microsoft', 'Windows', 'CurrentVersion', 'Uninstall', '7-Zip']);
  await set(g, key, { DisplayName: '7-Zip 23.01 (x64)', DisplayVersion: '23.01', Publisher: 'Igor Pavlov' });
  await g.hivexCommit(null);
  await g.hivexClose();
}

/** The name of the machine, and the letters of its drives, which are told by the GUIDs of their partitions. */
async function addMachine(g: Guestfs): Promise<void> {
  await g.hivexOpen(`${hives}/SYSTEM`, { write: true });
  await set(g, await keyOf(g, ['Select']), { Current: 1 });
  const parameters = ['ControlSet001', 'Services', 'Tcpip', 'Parameters'];
  await set(g, await keyOf(g, parameters), { Hostname: 'DESKTOP-7' });
  const drives = await keyOf(g, ['MountedDevices']);
  for (const [letter, number] of [
    ['C', 3],
    ['D', 4],
  ] as const) {
    const id = Buffer.concat([
      Buffer.from('DMIO:ID:'),
      guidBytes(await g.partGetGptGuid('/dev/sda', number)),
    ]);
    await set(g, drives, { [`\\DosDevices\\${letter}:`]: id });
  }
  await g.hivexCommit(null);
  await g.hivexClose();
}

async function keyOf(g: Guestfs, path: readonly string[]): Promise<bigint> {
  let node = await g.hivexRoot();
  for (const name of path) {
    const child = await g.hivexNodeGetChild(node, name);
    node = child === 0n ? await g.hivexNodeAddChild(node, name) : child;
  }
  return node;
}

async function set(
  g: Guestfs,
  node: bigint,
  values: Readonly<Record<string, string | number | Buffer>>,
): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    if (Buffer.isBuffer(value)) await g.hivexNodeSetValue(node, name, 3, value);
    else if (typeof value === 'string')
      await g.hivexNodeSetValue(node, name, 1, Buffer.from(`${value}\0`, 'utf16le'));
    else await g.hivexNodeSetValue(node, name, 4, Buffer.from(Uint32Array.of(value).buffer));
  }
}

/** Bytes of a GUID: the first three of its numbers begin with their last byte. */
function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  for (const [from, to] of [
    [0, 4],
    [4, 6],
    [6, 8],
  ] as const)
    bytes.subarray(from, to).reverse();
  return bytes;
}
