// What is on the disks of a guest, and what lies on what.
import type { Guestfs } from '../guestfs';
import type { ImageReport } from '../host/image-types';
import { isPartOf, plainUuid } from './blkid';
import { membersOf } from './members';
import type { ExaminedDevices } from './mount';
import { isRefusal } from './problems';
import type { PartitionReport } from './report';
import { volumesOf } from './subvolumes';

const allKinds = ['filesystem', 'encrypted', 'lv', 'vg', 'pv', 'partition', 'device'] as const;

export type VolumeKind = (typeof allKinds)[number];

const lvmKinds: ReadonlySet<VolumeKind> = new Set(['lv', 'vg', 'pv']);

const sectorSize = 512;

export interface Volume {
  readonly name: string;
  readonly kind: VolumeKind;
  /** Type: `'ext4'`, `'crypto_LUKS'`; for a partition what its table says, `'0x83'`; for a disk its partition table. */
  readonly type: string | null;
  readonly label: string | null;
  /** Size, bytes; null where it cannot be known. */
  readonly size: bigint | number | null;
  /** Names of what it lies on: a logical volume its group, that on physical volumes, a partition on a disk. */
  readonly parents: readonly string[];
  readonly uuid: string | null;
}

export type VolumeCalls = Pick<
  Guestfs,
  | 'blockdevGetsize64'
  | 'btrfsSubvolumeGetDefault'
  | 'btrfsSubvolumeList'
  | 'featureAvailable'
  | 'lvs'
  | 'lvuuid'
  | 'mdDetail'
  | 'partToDev'
  | 'pvsFull'
  | 'vgpvuuids'
  | 'vgsFull'
>;

type Examined = Pick<ExaminedDevices, 'report' | 'members' | 'physicalVolumes' | 'logicalVolumes' | 'errors'>;

/** Types of partition tables of which the kernel takes the sizes of partitions as they are. */
const exactTables: ReadonlySet<string> = new Set(['mbr', 'gpt']);

export class Volumes {
  readonly #g: VolumeCalls;
  readonly #examined: Examined;
  readonly #failed: (error: unknown, device?: string) => void;
  readonly #partitions: ReadonlyMap<string, PartitionReport>;
  /** Encrypted volumes by the devices as which they were opened. */
  readonly #encrypted: ReadonlyMap<string, string>;

  constructor(g: VolumeCalls, examined: Examined, failed: (error: unknown, device?: string) => void) {
    this.#g = g;
    this.#examined = examined;
    this.#failed = failed;
    const { partitions, encrypted } = examined.report;
    this.#partitions = new Map(partitions.map((each) => [each.device, each]));
    this.#encrypted = new Map(
      encrypted.flatMap(({ device, mapping }) => (mapping === null ? [] : [[mapping, device] as const])),
    );
  }

  async list(kinds: readonly VolumeKind[] = allKinds): Promise<Volume[]> {
    const volumes: Volume[] = [];
    if (kinds.includes('filesystem')) volumes.push(...(await this.#filesystems()));
    if (kinds.includes('encrypted')) volumes.push(...(await this.#encryptedVolumes()));
    if (kinds.some((kind) => lvmKinds.has(kind))) volumes.push(...(await this.#lvm()));
    if (kinds.includes('partition')) volumes.push(...(await this.#partitionVolumes()));
    return [...volumes, ...this.#disks()].filter(({ kind }) => kinds.includes(kind));
  }

  async #filesystems(): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, type, label, uuid } of this.#examined.report.filesystems) {
      const [size, parents] = [await this.#size(device), await this.#parentsOf(device)];
      volumes.push({ name: device, kind: 'filesystem', type, label, size, parents, uuid });
    }
    const subvolumes: Volume[] = [];
    for (const each of volumes) if (each.type === 'btrfs') subvolumes.push(...(await this.#subvolumes(each)));
    return [...volumes, ...subvolumes];
  }

  async #encryptedVolumes(): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, type, uuid } of this.#examined.report.encrypted) {
      const [size, parents] = [await this.#size(device), await this.#parentsOf(device)];
      volumes.push({ name: device, kind: 'encrypted', type, label: null, size, parents, uuid });
    }
    return volumes;
  }

  /** Subvolumes of a btrfs, which can be mounted by names of their own, but for the default one, which is the whole. */
  async #subvolumes(parent: Volume): Promise<Volume[]> {
    const { name: device } = parent;
    const all = (await this.#attempt(device, () => this.#g.btrfsSubvolumeList(device))) ?? [];
    if (all.length === 0) return [];
    const whole = await this.#attempt(device, () => this.#g.btrfsSubvolumeGetDefault(device));
    if (whole === undefined) return [];
    const paths = new Map(all.map((each) => [each.btrfssubvolumeId, each.btrfssubvolumePath]));
    return volumesOf(device, { whole, paths }).map((name) => ({ ...parent, name, parents: [device] }));
  }

  async #lvm(): Promise<Volume[]> {
    const { physicalVolumes, errors } = this.#examined;
    // What could not be examined may be a physical volume.
    if (physicalVolumes.size === 0 && errors.length === 0) return [];
    // An appliance without its tools would fail at each.
    if (!(await this.#g.featureAvailable(['lvm2']))) return [];
    const physical = ((await this.#attempt(undefined, () => this.#g.pvsFull())) ?? []).map((volume) => ({
      ...volume,
      pvName: physicalVolumes.get(plainUuid(volume.pvUuid)) ?? volume.pvName,
    }));
    if (physical.length === 0) return [];
    const volumes: Volume[] = [];
    for (const name of await this.#logicalVolumes()) {
      const uuid = (await this.#attempt(name, () => this.#g.lvuuid(name))) ?? null;
      volumes.push({
        ...{ name, kind: 'lv', type: null, label: null, size: await this.#size(name), uuid },
        parents: groupOf(name),
      });
    }
    for (const { vgName, vgUuid, vgSize } of (await this.#attempt(undefined, () => this.#g.vgsFull())) ??
      []) {
      const members = (await this.#attempt(vgName, () => this.#g.vgpvuuids(vgName))) ?? [];
      const parents = physical.filter(({ pvUuid }) =>
        members.some((each) => plainUuid(each) === plainUuid(pvUuid)),
      );
      volumes.push({
        ...{ name: vgName, kind: 'vg', type: null, label: null, size: vgSize, uuid: vgUuid },
        parents: parents.map(({ pvName }) => pvName),
      });
    }
    for (const { pvName, pvUuid, pvSize } of physical) {
      const parents = await this.#parentsOf(pvName);
      volumes.push({
        ...{ name: pvName, kind: 'pv', type: null, label: null, size: pvSize, parents, uuid: pvUuid },
      });
    }
    return volumes;
  }

  async #logicalVolumes(): Promise<readonly string[]> {
    const { physicalVolumes, logicalVolumes } = this.#examined;
    if (physicalVolumes.size > 0) return logicalVolumes;
    return (await this.#attempt(undefined, () => this.#g.lvs())) ?? [];
  }

  async #partitionVolumes(): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, size, label, mbrId, gptType } of this.#examined.report.partitions) {
      const type = gptType ?? (mbrId === null ? null : `0x${mbrId.toString(16).padStart(2, '0')}`);
      const parents = await this.#parentsOf(device);
      volumes.push({ name: device, kind: 'partition', type, label, size, parents, uuid: null });
    }
    return volumes;
  }

  #disks(): Volume[] {
    return this.#examined.report.images.map(({ device, virtualSize, partitionTable }) => ({
      ...{ name: device, kind: 'device', type: partitionTable, label: null, size: virtualSize },
      ...{ parents: [], uuid: null },
    }));
  }

  async #parentsOf(device: string): Promise<readonly string[]> {
    if (this.#examined.logicalVolumes.includes(device)) return groupOf(device);
    const encrypted = this.#encrypted.get(device);
    if (encrypted !== undefined) return [encrypted];
    if (this.#partitions.has(device)) {
      const disk =
        this.#diskOf(device)?.device ?? (await this.#attempt(device, () => this.#g.partToDev(device)));
      return disk === undefined ? [] : [disk];
    }
    if (!/^\/dev\/md/.test(device)) return [];
    const detail = await this.#attempt(device, () => this.#g.mdDetail(device));
    return membersOf(this.#examined.members, detail?.get('uuid') ?? '').map((member) => member.device);
  }

  #diskOf(partition: string): ImageReport | undefined {
    return this.#examined.report.images.find(({ device }) => isPartOf(partition, device));
  }

  async #size(device: string): Promise<bigint | number | null> {
    return (
      this.#knownSize(device) ??
      (await this.#attempt(device, () => this.#g.blockdevGetsize64(device))) ??
      null
    );
  }

  /** Size of a disk or partition by the image and its partition table, where the kernel has nothing to cut off. */
  #knownSize(device: string): number | undefined {
    const disk = this.#examined.report.images.find((each) => each.device === device);
    if (disk) return disk.virtualSize % sectorSize === 0 ? disk.virtualSize : undefined;
    const partition = this.#partitions.get(device);
    const whole = this.#diskOf(device);
    if (!partition || !whole || !exactTables.has(partition.type)) return undefined;
    return partition.end < whole.virtualSize ? partition.size : undefined;
  }

  async #attempt<T>(device: string | undefined, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#failed(error, device);
      return undefined;
    }
  }
}

/** Volume group of a logical volume. */
function groupOf(logicalVolume: string): string[] {
  const group = /^\/dev\/([^/]+)\//.exec(logicalVolume)?.[1];
  return group === undefined ? [] : [group];
}
