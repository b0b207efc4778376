// The operating systems of a guest: each is mounted as it would itself, and asked what is installed in it.
import type { Guestfs } from '../guestfs';
import { addApplications } from '../guests/applications';
import type { Devices } from '../guests/devices';
import type { KnownDevices } from '../guests/guest-names';
import { describeSystem, unknownSystem } from '../guests/operating-system';
import { enterDeployment } from '../guests/ostree';
import { addFamily, addOwnWords } from '../guests/own-words';
import { isRefusal, type Problems } from '../guests/problems';
import type {
  FilesystemReport,
  InspectionReport,
  OperatingSystemReport,
  UsageNode,
  UsageReport,
} from '../guests/report';
import { findRoots } from '../guests/roots';
import { type SubvolumeLists, volumesOf } from '../guests/subvolumes';
import { isSpare, type LeftOut, type SystemMount, systemMounts } from '../guests/system-mounts';
import { treeUsage } from '../guests/tree-usage';
import { hibernatedLinux, uncleanNtfs } from '../guests/unclean';
import { isMissed, leftOutError, mountError } from '../guests/unmounted';
import { mountedUsage, type Usage } from '../guests/usage';
import type { Package } from '../packages/package';
import type { CheckedInspectOptions } from './options';

const operation = 'inspect';

/** A system while it is mounted, with what the database of its packages says. */
export interface MountedSystem {
  readonly g: Guestfs;
  readonly system: OperatingSystemReport;
  readonly packages: readonly Package[];
  /** Lines of its table of mounts of which nothing is mounted. */
  readonly leftOut: readonly LeftOut[];
  /** Devices of the guest, by which names in its tables are resolved. */
  readonly known: KnownDevices;
  readonly problems: Problems;
}

/** Takes a look at a system while it is mounted. */
export type Visit = (mounted: MountedSystem) => Promise<void>;

export class Systems {
  readonly #g: Guestfs;
  readonly #report: InspectionReport;
  readonly #problems: Problems;
  readonly #devices: Devices;
  readonly #subvolumes: SubvolumeLists;
  readonly #options: CheckedInspectOptions;
  readonly #visit: Visit | undefined;
  readonly #unknownRoots = new Set<string>();
  /** Filesystems that could not be mounted, which has been told. */
  readonly failed = new Set<string>();

  constructor(
    g: Guestfs,
    report: InspectionReport,
    problems: Problems,
    devices: Devices,
    subvolumes: SubvolumeLists,
    options: CheckedInspectOptions,
    visit?: Visit,
  ) {
    this.#g = g;
    this.#report = report;
    this.#problems = problems;
    this.#devices = devices;
    this.#subvolumes = subvolumes;
    this.#options = options;
    this.#visit = visit;
  }

  async examine(): Promise<void> {
    const { operatingSystems } = this.#report;
    operatingSystems.push(...(await this.#find()));
    for (const [index, system] of operatingSystems.entries()) {
      if (index > 0) await this.#problems.attempt(null, () => this.#g.umountAll());
      await this.#examineMounted(system);
    }
  }

  /** Walks the trees of the systems, and of the filesystems that belong to none. */
  async usage(filesystems: readonly FilesystemReport[]): Promise<UsageReport[]> {
    const { operatingSystems } = this.#report;
    const owned = new Set(
      operatingSystems.flatMap(({ mountpoints }) => mountpoints.map(({ device }) => device)),
    );
    const others = filesystems.filter(({ device, size }) => size !== null && !owned.has(device));
    const mounts = [
      ...operatingSystems
        .filter(({ mountpoints }) => mountpoints.length > 0)
        .map(({ root, mountpoints }) => ({ device: root, mountpoints })),
      ...others.map(({ device }) => ({ device, mountpoints: [{ path: '/', device }] })),
    ];
    const reports: UsageReport[] = [];
    for (const { device, mountpoints } of mounts) {
      const tree = await this.#problems.attempt(device, () => this.#walk(mountpoints));
      if (tree) reports.push({ device, tree });
    }
    return reports;
  }

  async #walk(mountpoints: OperatingSystemReport['mountpoints']): Promise<UsageNode> {
    await this.#g.umountAll();
    for (const { path, device } of mountpoints) {
      if (this.failed.has(device)) continue;
      await this.#g.mountRo(device, path === '/' ? path : await this.#g.realpath(path));
    }
    return await treeUsage(this.#g, this.#options.signal);
  }

  async #find(): Promise<OperatingSystemReport[]> {
    const { systems, unknown, refusal } = await findRoots(this.#g, async () => this.#devices.mountable);
    if (refusal) this.#problems.noteError(null, refusal);
    const found: OperatingSystemReport[] = [];
    for (const root of systems) found.push(await describeSystem(this.#g, root, this.#problems));
    return [...found, ...unknown.map((root) => this.#unknown(root))];
  }

  #unknown(root: string): OperatingSystemReport {
    const message = `libguestfs does not recognise the system on ${root}: what it says of itself is reported, and no more`;
    this.#problems.note(root, 'ERR_GUESTFS_NOT_RECOGNISED', message);
    this.#unknownRoots.add(root);
    return unknownSystem(root);
  }

  /** Mounts a system, once for the sizes and the applications. */
  async #examineMounted(system: OperatingSystemReport): Promise<void> {
    const { root, type } = system;
    // Without its root there is nothing to be seen.
    if (!(await this.#mount(root, { path: '/', device: root }))) return;
    const isUnknown = this.#unknownRoots.has(root);
    const again = (path: string) => this.#g.mountRo(root, path);
    const found = await systemMounts(root, {
      ...{ g: this.#g, type, subvolumes: this.#subvolumes },
      entered: isUnknown ? await enterDeployment(this.#g, again) : undefined,
      known: async () => this.#devices.known,
    });
    const { mounts, swaps, leftOut } = found;
    system.mountpoints = mounts.map(({ path, device }) => ({ path, device }));
    system.filesystems = [...new Set([...mounts.map(({ device }) => device), ...swaps])];
    for (const left of leftOut.filter(isMissed)) {
      this.#problems.noteError(root, leftOutError(operation, left));
    }
    for (const each of mounts) {
      if (each.path !== '/' && !each.isMounted) await this.#mount(root, each);
    }
    this.#noteHibernation(root, swaps);
    await this.#describeContent(system, leftOut);
  }

  async #describeContent(system: OperatingSystemReport, leftOut: readonly LeftOut[]): Promise<void> {
    const { root } = system;
    const { applications = true, icon = false } = this.#options;
    await addOwnWords(this.#g, system, this.#problems);
    addFamily(system);
    const packages = applications ? await addApplications(this.#g, system, this.#problems) : [];
    if (icon && !this.#unknownRoots.has(root)) {
      const png = await this.#problems.attempt(root, () => this.#g.inspectGetIcon(root));
      system.icon = png && png.length > 0 ? png.toString('base64') : null;
    }
    const { known } = this.#devices;
    await this.#visit?.({ g: this.#g, system, packages, leftOut, known, problems: this.#problems });
  }

  async #mount(root: string, part: SystemMount): Promise<boolean> {
    const { path, device } = part;
    const filesystem = this.#report.filesystems.find((each) => each.device === device);
    try {
      // A link leads to another place of the guest, and must not lead to one of the appliance.
      const place = path === '/' ? path : await this.#g.realpath(path);
      const usage = await mountedUsage(this.#g, device, place);
      if (filesystem) noteUsage(filesystem, usage);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (path === '/' || !isSpare(part)) {
        this.failed.add(device);
        this.#problems.noteError(device, mountError(operation, error, part, root));
      }
      return false;
    }
  }

  #noteHibernation(root: string, swaps: readonly string[]): void {
    const image = this.#report.filesystems.find(
      ({ device, type }) => swaps.includes(device) && type === 'swsuspend',
    );
    if (image) this.#problems.noteError(image.device, hibernatedLinux(operation, image.device, root));
  }
}

/** Tells of filesystems that their Windows has not left. */
export async function noteUnclean(
  g: Guestfs,
  filesystems: readonly FilesystemReport[],
  problems: Problems,
): Promise<void> {
  for (const { device, type } of filesystems) {
    const unclean = type === 'ntfs' ? await uncleanNtfs(g, device, operation) : undefined;
    if (unclean) problems.noteError(device, unclean);
  }
}

/** Lists the subvolumes beside the filesystems in which they are: systems are on them, and mount them. */
export async function addSubvolumes(
  report: InspectionReport,
  filesystems: readonly FilesystemReport[],
  subvolumes: SubvolumeLists,
): Promise<void> {
  for (const filesystem of filesystems.filter(({ type }) => type === 'btrfs')) {
    const found = await subvolumes.of(filesystem.device);
    const names = found ? volumesOf(filesystem.device, found) : [];
    report.filesystems.push(...names.map((device) => ({ ...filesystem, device })));
  }
}

/** Subvolumes share the space of the filesystem in which they are. */
export function shareUsage(filesystems: readonly FilesystemReport[]): void {
  const wholes = filesystems.filter(({ device, size }) => size !== null && !device.startsWith('btrfsvol:'));
  for (const each of filesystems) {
    const whole = wholes.find(({ device }) => each.device.startsWith(`btrfsvol:${device}/`));
    if (whole) Object.assign(each, { size: whole.size, used: whole.used, free: whole.free });
  }
}

/** Blocks of filesystems have 512 bytes at least, so that a double holds their sizes exactly up to 2^62 bytes. */
export function noteUsage(filesystem: FilesystemReport, { size, used, free }: Usage): void {
  Object.assign(filesystem, { size: Number(size), used: Number(used), free: Number(free) });
}
