/** What a layout of disks is, and how it is made. */
import type { Guestfs } from '../../../lib';

/** What is on a device. */
export type Content =
  | Filesystem
  | { readonly luks: Content }
  | { readonly pv: string }
  | { readonly member: string };

export interface Filesystem {
  /** Type in the words of the report; `'swap'` too. */
  readonly fs: string;
  /** Where the system mounts it. */
  readonly at?: string;
  readonly label?: string;
  /** Mount points of subvolumes of btrfs by their paths; without one they are made and not mounted. */
  readonly subvolumes?: Readonly<Record<string, string | null>>;
  /** Subvolume that is mounted where none is named. */
  readonly standard?: string;
  /** Snapshots of subvolumes, made in the end, by their paths. */
  readonly snapshots?: Readonly<Record<string, string>>;
}

export interface Partition {
  /** MiB; the last partition takes the rest without it. */
  readonly size?: number;
  /** Name in a GPT. */
  readonly name?: string;
  /** What the partition is for; on a GPT its type follows. */
  readonly use?: 'efi' | 'bios' | 'msr' | 'freebsd';
  readonly holds?: Content;
}

export interface Layout {
  readonly disks: readonly {
    readonly size: number;
    readonly table: 'gpt' | 'mbr';
    readonly partitions: readonly Partition[];
  }[];
  /** Sector size of the disks; default 512. */
  readonly blocksize?: 4096;
  readonly arrays?: Readonly<Record<string, { readonly level: 'raid1' | 'raid5'; readonly holds: Content }>>;
  /** Volume groups; `thin` are those whose volumes lie in a thin pool. */
  readonly groups?: Readonly<Record<string, Group>>;
}

interface Group {
  readonly thin?: boolean;
  readonly volumes: Readonly<Record<string, { readonly size: number; readonly holds: Content }>>;
}

/** UUID of the UFS, which is not made by the appliance. */
export const ufsId = '66b3c0de00000001';

/** A filesystem that was made. */
export interface Volume {
  /** Mount point; `'swap'` of swap; null where the system does not mount it. */
  readonly path: string | null;
  readonly type: string;
  readonly label: string | null;
  /** Name by which it can be mounted, in the appliance and in the report; arrays have other numbers in each. */
  readonly device: string;
  /** Block device, without a subvolume. */
  readonly block: string;
  readonly subvolume: string | null;
  readonly uuid: string;
}

const types = {
  efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  bios: '21686148-6449-6E6F-744E-656564454649',
  msr: 'E3C9E316-0B5C-4DB8-817D-F92DF00215AE',
  freebsd: '516E7CB6-6ECF-11D6-8FF8-00022D09712B',
};

export const passphrase = 'correct horse battery staple';

/** Makes a layout on the disks of an appliance. */
export async function makeLayout(g: Guestfs, layout: Layout): Promise<Volume[]> {
  return await new Maker(g, layout).make();
}

class Maker {
  readonly #g: Guestfs;
  readonly #layout: Layout;
  readonly #volumes: Volume[] = [];
  readonly #members = new Map<string, string[]>();

  constructor(g: Guestfs, layout: Layout) {
    this.#g = g;
    this.#layout = layout;
  }

  async make(): Promise<Volume[]> {
    const g = this.#g;
    const devices = await g.listDevices();
    for (const [index, disk] of this.#layout.disks.entries())
      await this.#partition(devices[index] ?? '', disk);
    for (const [name, { level, holds }] of Object.entries(this.#layout.arrays ?? {})) {
      const before = await g.listMdDevices();
      await g.mdCreate(`/dev/md/${name}`, this.#members.get(name) ?? [], { level });
      const device = (await g.listMdDevices()).find((each) => !before.includes(each));
      await this.#fill(device ?? '', holds);
    }
    for (const [name, group] of Object.entries(this.#layout.groups ?? {})) await this.#group(name, group);
    return this.#volumes;
  }

  async #partition(disk: string, { table, partitions }: Layout['disks'][number]): Promise<void> {
    const g = this.#g;
    const sectors = (1 << 20) / (await g.blockdevGetss(disk));
    await g.partInit(disk, table);
    let start = sectors;
    for (const [index, { size, name, use }] of partitions.entries()) {
      const number = index + 1;
      const end = size === undefined ? -sectors : start + size * sectors - 1;
      await g.partAdd(disk, 'primary', start, end);
      if (name !== undefined && table === 'gpt') await g.partSetName(disk, number, name);
      if (use !== undefined && table === 'gpt') await g.partSetGptType(disk, number, types[use]);
      start = end + 1;
    }
    if (table === 'mbr') await g.partSetBootable(disk, 1, true);
    for (const [index, { holds }] of partitions.entries())
      if (holds) await this.#fill(`${disk}${index + 1}`, holds);
  }

  async #fill(device: string, content: Content): Promise<void> {
    const g = this.#g;
    if ('member' in content) return this.#note(content.member, device);
    if ('pv' in content) {
      await g.pvcreate(device);
      return this.#note(content.pv, device);
    }
    if ('fs' in content) return await this.#filesystem(device, content);
    const name = `crypt${device.replace('/dev/', '').replace(/\W/g, '_')}`;
    await g.luksFormat(device, passphrase, 0);
    await g.cryptsetupOpen(device, passphrase, name);
    await this.#fill(`/dev/mapper/${name}`, content.luks);
  }

  #note(of: string, device: string): void {
    this.#members.set(of, [...(this.#members.get(of) ?? []), device]);
  }

  async #group(name: string, { thin, volumes }: Group): Promise<void> {
    const g = this.#g;
    await g.vgcreate(name, this.#members.get(name) ?? []);
    if (thin) await this.#run(`lvcreate -q --type thin-pool -Zn -L 400m -n pool ${name}`);
    for (const [volume, { size, holds }] of Object.entries(volumes)) {
      if (thin) await this.#run(`lvcreate -q -V ${size}m --thinpool pool -n ${volume} ${name}`);
      else await g.lvcreate(volume, name, size);
      await this.#fill(`/dev/${name}/${volume}`, holds);
    }
  }

  /** What libguestfs has no call for. */
  async #run(command: string): Promise<void> {
    await this.#g.debug('sh', [`${command} 2>&1`]);
    await this.#g.debug('sh', ['udevadm settle']);
  }

  async #filesystem(device: string, { fs, at, label, ...more }: Filesystem): Promise<void> {
    const g = this.#g;
    if (fs === 'swap') await g.mkswap(device, label === undefined ? {} : { label });
    else if (fs === 'btrfs') await g.mkfsBtrfs([device]);
    // What makes a filesystem with its content is put there as a whole.
    else if (fs !== 'ufs') await g.mkfs(fs, device, label === undefined || fs === 'f2fs' ? {} : { label });
    if (fs === 'btrfs' && label !== undefined) await g.setLabel(device, label);
    const volume = {
      ...{ type: fs, label: label ?? null, block: device, subvolume: null },
      uuid: fs === 'ufs' ? ufsId : await g.vfsUuid(device),
    };
    if (fs === 'btrfs' && more.subvolumes) await this.#subvolumes(volume, more);
    else this.#volumes.push({ ...volume, path: fs === 'swap' ? 'swap' : (at ?? null), device });
  }

  async #subvolumes(
    volume: Omit<Volume, 'path' | 'device'>,
    { subvolumes = {}, standard }: Omit<Filesystem, 'fs' | 'at' | 'label'>,
  ): Promise<void> {
    const g = this.#g;
    const { block } = volume;
    await g.mount(block, '/');
    for (const [subvolume, path] of Object.entries(subvolumes)) {
      await g.mkdirP(`/${subvolume}`.replace(/\/[^/]*$/, '') || '/');
      await g.btrfsSubvolumeCreate(`/${subvolume}`);
      const device = subvolume === standard ? block : `btrfsvol:${block}/${subvolume}`;
      this.#volumes.push({ ...volume, path, device, subvolume: subvolume === standard ? null : subvolume });
    }
    const id = (await g.btrfsSubvolumeList('/')).find((each) => each.btrfssubvolumePath === standard);
    if (id) await g.btrfsSubvolumeSetDefault(id.btrfssubvolumeId, '/');
    await g.umountAll();
  }
}

/** Makes the snapshots, which have what was written meanwhile. */
export async function makeSnapshots(g: Guestfs, layout: Layout): Promise<void> {
  const devices = await g.listDevices();
  for (const [index, { partitions }] of layout.disks.entries()) {
    for (const [number, { holds }] of partitions.entries()) {
      const snapshots = holds && 'snapshots' in holds ? Object.entries(holds.snapshots ?? {}) : [];
      if (snapshots.length === 0) continue;
      await g.mountOptions('subvolid=5', `${devices[index]}${number + 1}`, '/');
      for (const [path, subvolume] of snapshots) {
        await g.mkdirP(`/${path}`.replace(/\/[^/]*$/, '') || '/');
        await g.btrfsSubvolumeSnapshot(`/${subvolume}`, `/${path}`);
      }
      await g.umountAll();
    }
  }
}
