// What is on the disks of a guest, and what lies on what.
import type { Guestfs } from '../guestfs';
import { plainUuid } from '../guests/blkid';
import { isRefusal } from '../guests/problems';
import type { InspectionReport } from '../guests/report';
import type { Guest } from './session';

export type VolumeKind = 'filesystem' | 'encrypted' | 'lv' | 'vg' | 'pv' | 'partition' | 'device';

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
  | 'featureAvailable'
  | 'listFilesystems'
  | 'lvs'
  | 'lvuuid'
  | 'mdStat'
  | 'partToDev'
  | 'pvsFull'
  | 'vgpvuuids'
  | 'vgsFull'
>;

export async function volumesOf(guest: DevicesOfGuest): Promise<Volume[]> {
  const { report, physicalVolumes } = await examine(guest);
  return await new Volumes(guest.g, report, guest.failed, physicalVolumes).list();
}

export type DevicesOfGuest = Pick<Guest, 'g' | 'images' | 'keys' | 'failed' | 'note'>;

/** Examines the disks of a guest. What could not be found out is told, and what is encrypted and stays closed. */
export async function examine({ g, images, keys, failed, note }: DevicesOfGuest) {
  const { examineDevices } = require('../guests/mount') as typeof import('../guests/mount');
  const examined = await examineDevices(g, images, keys);
  const { problems, encrypted } = examined.report;
  for (const { device, ...problem } of problems) failed(problem, device ?? undefined);
  for (const { device, type, opened } of encrypted) {
    const isTold = problems.some((problem) => problem.device === device);
    if (!opened && !isTold) note(`${device} is encrypted (${type}): what is in it takes a --key`);
  }
  return examined;
}

export class Volumes {
  readonly #g: VolumeCalls;
  readonly #report: InspectionReport;
  readonly #failed: (error: unknown, device?: string) => void;
  readonly #physicalVolumes: ReadonlyMap<string, string>;
  readonly #partitions: ReadonlySet<string>;
  /** Encrypted volumes by the devices as which they were opened. */
  readonly #encrypted: ReadonlyMap<string, string>;

  constructor(
    g: VolumeCalls,
    report: InspectionReport,
    failed: (error: unknown, device?: string) => void,
    physicalVolumes: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#physicalVolumes = physicalVolumes;
    this.#g = g;
    this.#report = report;
    this.#failed = failed;
    this.#partitions = new Set(report.partitions.map(({ device }) => device));
    this.#encrypted = new Map(
      report.encrypted.flatMap(({ device, mapping }) =>
        mapping === null ? [] : [[mapping, device] as const],
      ),
    );
  }

  async list(): Promise<Volume[]> {
    const lvm = await this.#lvm();
    return [
      ...(await this.#filesystems(lvm)),
      ...(await this.#encryptedVolumes(lvm)),
      ...lvm,
      ...(await this.#partitionsAndDisks()),
    ];
  }

  async #filesystems(lvm: readonly Volume[]): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, type, label, uuid } of this.#report.filesystems) {
      const [size, parents] = [await this.#size(device), await this.#parentsOf(device, lvm)];
      volumes.push({ name: device, kind: 'filesystem', type, label, size, parents, uuid });
    }
    if (volumes.some(({ type }) => type === 'btrfs')) volumes.push(...(await this.#subvolumes(volumes)));
    return volumes;
  }

  async #encryptedVolumes(lvm: readonly Volume[]): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, type, uuid } of this.#report.encrypted) {
      const [size, parents] = [await this.#size(device), await this.#parentsOf(device, lvm)];
      volumes.push({ name: device, kind: 'encrypted', type, label: null, size, parents, uuid });
    }
    return volumes;
  }

  /** Subvolumes of btrfs, which can be mounted by names of their own. */
  async #subvolumes(filesystems: readonly Volume[]): Promise<Volume[]> {
    const all =
      (await this.#attempt(undefined, () => this.#g.listFilesystems())) ?? new Map<string, string>();
    return [...all.keys()].flatMap((name) => {
      const parent = filesystems.find((each) => name.startsWith(`btrfsvol:${each.name}/`));
      return parent ? [{ ...parent, name, parents: [parent.name] }] : [];
    });
  }

  async #lvm(): Promise<Volume[]> {
    // An appliance without its tools would fail at each.
    if (!(await this.#g.featureAvailable(['lvm2']))) return [];
    const physical = ((await this.#attempt(undefined, () => this.#g.pvsFull())) ?? []).map((volume) => ({
      ...volume,
      pvName: this.#physicalVolumes.get(plainUuid(volume.pvUuid)) ?? volume.pvName,
    }));
    if (physical.length === 0) return [];
    const volumes: Volume[] = [];
    for (const name of (await this.#attempt(undefined, () => this.#g.lvs())) ?? []) {
      const group = /^\/dev\/([^/]+)\//.exec(name)?.[1];
      const uuid = (await this.#attempt(name, () => this.#g.lvuuid(name))) ?? null;
      volumes.push({
        ...{ name, kind: 'lv', type: null, label: null, size: await this.#size(name), uuid },
        parents: group === undefined ? [] : [group],
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

  async #partitionsAndDisks(): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const { device, size, label, mbrId, gptType } of this.#report.partitions) {
      const type = gptType ?? (mbrId === null ? null : `0x${mbrId.toString(16).padStart(2, '0')}`);
      const parents = await this.#parentsOf(device);
      volumes.push({ name: device, kind: 'partition', type, label, size, parents, uuid: null });
    }
    for (const { device, virtualSize, partitionTable } of this.#report.images) {
      volumes.push({
        ...{ name: device, kind: 'device', type: partitionTable, label: null, size: virtualSize },
        ...{ parents: [], uuid: null },
      });
    }
    return volumes;
  }

  async #parentsOf(device: string, lvm: readonly Volume[] = []): Promise<readonly string[]> {
    const volume = lvm.find(({ kind, name }) => kind === 'lv' && name === device);
    if (volume) return volume.parents;
    const encrypted = this.#encrypted.get(device);
    if (encrypted !== undefined) return [encrypted];
    if (this.#partitions.has(device)) {
      const disk = await this.#attempt(device, () => this.#g.partToDev(device));
      return disk === undefined ? [] : [disk];
    }
    if (!/^\/dev\/md/.test(device)) return [];
    const members = (await this.#attempt(device, () => this.#g.mdStat(device))) ?? [];
    return members.map(({ mdstatDevice }) => mdstatDevice);
  }

  async #size(device: string): Promise<bigint | null> {
    return (await this.#attempt(device, () => this.#g.blockdevGetsize64(device))) ?? null;
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
