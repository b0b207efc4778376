// Finds out what is to be seen of a guest, and mounts it.
import { errorFor, type Failed, type GuestfsError, type OptionNames } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import type { ImageFacts } from '../host/image-facts';
import { bind } from './bind';
import { beginReport, Devices } from './devices';
import type { FstabLine } from './fstab';
import type { VolumeKey } from './keys';
import { enterDeployment } from './ostree';
import { isRefusal, orNull, Problems } from './problems';
import { mountReadOnly } from './read-only';
import type { InspectionReport } from './report';
import { findRoots } from './roots';
import { partsOf, SubvolumeLists, volumesOf } from './subvolumes';
import { isSpare, type SystemMount, systemMounts } from './system-mounts';
import { hibernatedLinux, uncleanNtfs } from './unclean';
import { mounting } from './unmountable';
import { isMissed, leftOutError, mountError, unboundError } from './unmounted';

/** Choices of the program: what to mount of a guest, and how. */
export interface MountPlan {
  readonly root?: string | undefined;
  readonly mountable?: string | undefined;
  readonly keys: readonly VolumeKey[];
  /** Method or command in whose name errors are told. */
  readonly operation: string;
  /** Whether the guest is to be changed; default false. */
  readonly writable?: boolean | undefined;
  /**
   * Hears of a volume that no key opens, with its device, and of a filesystem that cannot be mounted, with its path, unless
   * that is the root; without it the first of these filesystems ends all.
   */
  readonly onError?: ((error: Error, place: string) => void) | undefined;
  /** Hears of what the system's table of mounts names and is left out, and why. */
  readonly onLeftOut?: ((error: GuestfsError) => void) | undefined;
}

/** Mounts a guest at `/`, with all that belongs to it. */
export async function mountGuest(g: Guestfs, images: readonly ImageFacts[], plan: MountPlan): Promise<void> {
  const { root, mountable, keys, operation } = plan;
  const devices = new LazyDevices(g, images, plan);
  if (keys.length > 0) await devices.volumes();
  if (mountable !== undefined) return await mount(g, mountable, '/', plan);
  const roots = await rootsOf(g, devices, root);
  const volumes = roots.length === 0 ? await devices.volumes() : undefined;
  const name = images.map(({ path }) => path).join(', ');
  const { system, filesystem } = choose(operation, name, root, roots, volumes);
  if (system !== undefined) await mountSystem(g, system, devices, plan);
  else await mount(g, filesystem, '/', plan);
}

/** Roots to choose from. A copy of a system is one only for who asks for it. */
async function rootsOf(g: Guestfs, devices: LazyDevices, root: string | undefined): Promise<string[]> {
  const mountable = async () => (await devices.examined()).mountable;
  const { systems, copies, unknown, refusal } = await findRoots(g, mountable);
  const roots = [...systems, ...unknown];
  if (refusal && roots.length === 0) throw refusal;
  if (root === undefined || roots.includes(root)) return roots;
  return copies.includes(root) || (await isSubvolume(g, root, await mountable())) ? [root] : roots;
}

/** Whether a name is that of a subvolume: newer libguestfs leaves copies of a system out by itself. */
async function isSubvolume(
  g: Guestfs,
  name: string,
  filesystems: readonly { device: string; type: string }[],
): Promise<boolean> {
  const btrfs = filesystems.filter(({ type }) => type === 'btrfs');
  const device = partsOf(
    name,
    btrfs.map(({ device }) => device),
  )?.device;
  if (device === undefined || !btrfs.some((each) => each.device === device)) return false;
  const subvolumes = await new SubvolumeLists(g).of(device);
  return subvolumes !== null && volumesOf(device, subvolumes).includes(name);
}

async function mount(g: Guestfs, device: string, path: string, plan: MountPlan): Promise<void> {
  if (!plan.writable) return await mountReadOnly(g, device, path);
  if ((await orNull(g.vfsType(device))) === 'ntfs') {
    const unclean = await uncleanNtfs(g, device, plan.operation);
    if (unclean) throw unclean;
  }
  await mounting(g, device, () => g.mount(device, path));
}

type Choice =
  | { readonly system: string; readonly filesystem?: undefined }
  | { readonly system?: undefined; readonly filesystem: string };

/** Volumes on the disks. */
interface Volumes {
  /** Devices of filesystems that can be mounted. */
  readonly filesystems: readonly string[];
  /** Encrypted volumes that no key has opened. */
  readonly closed: readonly string[];
  /** What else could not be looked at, in words. */
  readonly unseen?: readonly string[];
}

/** The system that is asked for, or the only one, or else the only filesystem, where nothing is hidden beside it. */
export function choose(
  operation: string,
  name: string,
  root: string | undefined,
  roots: readonly string[],
  { filesystems, closed, unseen = [] }: Volumes = { filesystems: [], closed: [] },
): Choice {
  const [system, otherSystem] = root === undefined ? roots : roots.filter((each) => each === root);
  if (system !== undefined && otherSystem === undefined) return { system };
  const [filesystem] = root === undefined && roots.length === 0 ? filesystems : [];
  if (filesystem !== undefined && filesystems.length + closed.length + unseen.length === 1)
    return { filesystem };
  throw errorFor({
    ...{ code: 'ERR_GUESTFS_NO_ROOT', operation },
    ...undecided(name, root, roots, { filesystems, closed, unseen }),
  });
}

function undecided(
  name: string,
  root: string | undefined,
  roots: readonly string[],
  { filesystems, closed, unseen = [] }: Volumes,
): Pick<Failed, 'problem' | 'joint' | 'hint'> {
  if (roots.length > 0) {
    const problem = `${name} has operating systems on ${roots.join(', ')}`;
    return root === undefined
      ? { problem, hint: (names) => `say which by ${names('root')}` }
      : { problem: `${problem}, and none on ${root}` };
  }
  const unlock = (names: OptionNames) => `what is on ${closed.join(', ')} needs its key, by ${names('keys')}`;
  if (filesystems.length === 0) {
    const problem = [`${name} has no filesystem that can be mounted`, ...unseen].join('; ');
    return closed.length > 0 ? { problem, joint: '; ', hint: unlock } : { problem };
  }
  const choose = (names: OptionNames) => `say which by ${names('mountable')}`;
  return {
    problem: [
      `${name} has no operating system, but filesystems on ${filesystems.join(', ')}`,
      ...unseen,
    ].join('; '),
    hint: closed.length > 0 ? (names) => `${choose(names)}; ${unlock(names)}` : choose,
  };
}

/** The disks of a guest, examined when that is needed: most guests are mounted without. */
class LazyDevices {
  readonly #g: Guestfs;
  readonly #images: readonly ImageFacts[];
  readonly #plan: MountPlan;
  #examined: Promise<ExaminedDevices> | undefined;

  constructor(g: Guestfs, images: readonly ImageFacts[], plan: MountPlan) {
    this.#g = g;
    this.#images = images;
    this.#plan = plan;
  }

  /** Opens the encrypted volumes that a key fits, too. */
  examined(): Promise<ExaminedDevices> {
    this.#examined ??= this.#examine();
    return this.#examined;
  }

  async #examine(): Promise<ExaminedDevices> {
    const { keys, writable, onError } = this.#plan;
    const examined = await examineDevices(this.#g, this.#images, keys, writable);
    const closed = closedOf(examined.report);
    for (const { device, error } of examined.errors) {
      if (device !== null && closed.includes(device)) onError?.(error, device);
    }
    return examined;
  }

  async volumes(): Promise<Volumes> {
    const { mountable, report } = await this.examined();
    const closed = closedOf(report);
    const unseen = report.problems
      .filter(({ device }) => device === null || !closed.includes(device))
      .map(({ message }) => message);
    return { filesystems: mountable.map(({ device }) => device), closed, unseen };
  }
}

const closedOf = ({ encrypted }: InspectionReport) =>
  encrypted.filter(({ opened }) => !opened).map(({ device }) => device);

/** What has been found out of the disks of a guest without a look into filesystems. */
export interface ExaminedDevices
  extends Pick<Devices, 'members' | 'known' | 'mountable' | 'physicalVolumes' | 'logicalVolumes'>,
    Pick<Problems, 'errors'> {
  readonly report: InspectionReport;
}

/** Examines the disks, without a look into filesystems, and opens the encrypted volumes that a key fits. */
export async function examineDevices(
  g: Guestfs,
  images: readonly ImageFacts[],
  keys: readonly VolumeKey[],
  writable = false,
): Promise<ExaminedDevices> {
  const report = beginReport(images, await g.listDevices());
  const problems = new Problems(report.problems);
  const devices = new Devices(g, report, problems, keys, writable);
  await devices.examine();
  const { members, known, mountable, physicalVolumes, logicalVolumes } = devices;
  const { errors } = problems;
  return { report, members, known, mountable, physicalVolumes, logicalVolumes, errors };
}

/** Folders that are shown at a second path: each may hold the whole guest once more. */
const mostBound = 32;

/** Mounts a system: its root, and what its own table of mounts names. */
async function mountSystem(g: Guestfs, root: string, devices: LazyDevices, plan: MountPlan): Promise<void> {
  await mount(g, root, '/', plan);
  const type = await orNull(g.inspectGetType(root));
  const { mounts, swaps, leftOut, bound } = await systemMounts(root, {
    ...{ g, type },
    entered: type === null ? await enterDeployment(g, (path) => mount(g, root, path, plan)) : undefined,
    known: async () => (await devices.examined()).known,
    subvolumes: new SubvolumeLists(g),
  });
  if (plan.writable) await refuseHibernated(swaps, root, devices, plan);
  for (const left of leftOut) tellLeftOut(left, plan);
  for (const each of mounts) {
    if (each.path !== '/' && !each.isMounted) await mountPart(g, root, each, plan);
  }
  for (const [index, line] of bound.entries()) {
    if (index < mostBound) await bindPart(g, root, line, plan);
    else plan.onLeftOut?.(unboundError(plan.operation, line, 'many'));
  }
}

async function refuseHibernated(
  swaps: readonly string[],
  root: string,
  devices: LazyDevices,
  { operation }: MountPlan,
): Promise<void> {
  if (swaps.length === 0) return;
  const { filesystems } = (await devices.examined()).known;
  const image = filesystems.find(({ device, type }) => swaps.includes(device) && type === 'swsuspend');
  if (image) throw hibernatedLinux(operation, image.device, root);
}

/** What is closed would look empty, and what is written there would be elsewhere. What is not there stops nothing. */
function tellLeftOut(left: Parameters<typeof leftOutError>[1], plan: MountPlan): void {
  const { operation, writable = false, onError, onLeftOut } = plan;
  const error = leftOutError(operation, left);
  if (left.why !== 'closed') {
    if (isMissed(left) || writable) onLeftOut?.(error);
  } else if (onError) onError(error, left.line.path);
  else if (isMissed(left)) throw error;
  else onLeftOut?.(error);
}

/** A filesystem that cannot be mounted is missing, as to the system itself. */
async function mountPart(g: Guestfs, root: string, part: SystemMount, plan: MountPlan): Promise<void> {
  try {
    // A link leads to another place of the guest, and must not lead to one of the appliance.
    await mount(g, part.device, await g.realpath(part.path), plan);
  } catch (error) {
    tellMissing(error, root, part, plan);
  }
}

function tellMissing(error: unknown, root: string, part: SystemMount, plan: MountPlan): void {
  const { operation, onError, onLeftOut } = plan;
  if (!isRefusal(error)) throw error;
  const told = mountError(operation, error, part, root);
  if (onError) onError(told, part.path);
  else if (isSpare(part)) onLeftOut?.(told);
  else throw told;
}

/** Where one of the two is not there, nothing is hidden by what is not done. */
async function bindPart(g: Guestfs, root: string, line: FstabLine, plan: MountPlan): Promise<void> {
  const source = await orNull(g.realpath(line.spec));
  const place = await orNull(g.realpath(line.path));
  if (source === null || place === null)
    return plan.onLeftOut?.(unboundError(plan.operation, line, 'absent'));
  try {
    await bind(g, source, place);
  } catch (error) {
    tellMissing(error, root, { path: line.path, device: line.spec, line }, plan);
  }
}
