// Finds out what is to be seen of a guest, and mounts it.
import { errorFor, type Failed, type OptionNames } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import type { ImageFacts } from '../host/image-facts';
import { beginReport, Devices } from './devices';
import type { VolumeKey } from './keys';
import { inMountOrder } from './operating-system';
import { isRefusal, Problems } from './problems';
import type { InspectionReport } from './report';

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
}

/** Mounts a guest at `/`, with all that belongs to it. */
export async function mountGuest(g: Guestfs, images: readonly ImageFacts[], plan: MountPlan): Promise<void> {
  const { root, mountable, keys } = plan;
  let volumes = keys.length > 0 ? await openVolumes(g, images, plan) : undefined;
  if (mountable !== undefined) return await mount(g, mountable, '/', plan);
  const roots = await g.inspectOs();
  if (roots.length === 0) volumes ??= await openVolumes(g, images, plan);
  const name = images.map(({ path }) => path).join(', ');
  const { system, filesystem } = choose(plan.operation, name, root, roots, volumes);
  if (system !== undefined) await mountSystem(g, system, plan);
  else await mount(g, filesystem, '/', plan);
}

function mount(g: Guestfs, device: string, path: string, { writable }: MountPlan): Promise<void> {
  return writable ? g.mount(device, path) : g.mountRo(device, path);
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
}

/** The system that is asked for, or the only one, or else the only filesystem, where nothing is hidden beside it. */
export function choose(
  operation: string,
  name: string,
  root: string | undefined,
  roots: readonly string[],
  { filesystems, closed }: Volumes = { filesystems: [], closed: [] },
): Choice {
  const [system, otherSystem] = root === undefined ? roots : roots.filter((each) => each === root);
  if (system !== undefined && otherSystem === undefined) return { system };
  const [filesystem] = root === undefined && roots.length === 0 ? filesystems : [];
  if (filesystem !== undefined && filesystems.length + closed.length === 1) return { filesystem };
  throw errorFor({
    ...{ code: 'ERR_GUESTFS_NO_ROOT', operation },
    ...undecided(name, root, roots, { filesystems, closed }),
  });
}

function undecided(
  name: string,
  root: string | undefined,
  roots: readonly string[],
  { filesystems, closed }: Volumes,
): Pick<Failed, 'problem' | 'joint' | 'hint'> {
  if (roots.length > 0) {
    const problem = `${name} has operating systems on ${roots.join(', ')}`;
    return root === undefined
      ? { problem, hint: (names) => `say which by ${names('root')}` }
      : { problem: `${problem}, and none on ${root}` };
  }
  const unlock = (names: OptionNames) => `what is on ${closed.join(', ')} needs its key, by ${names('keys')}`;
  if (filesystems.length === 0) {
    const problem = `${name} has no filesystem that can be mounted`;
    return closed.length > 0 ? { problem, joint: '; ', hint: unlock } : { problem };
  }
  const choose = (names: OptionNames) => `say which by ${names('mountable')}`;
  return {
    problem: `${name} has no operating system, but filesystems on ${filesystems.join(', ')}`,
    hint: closed.length > 0 ? (names) => `${choose(names)}; ${unlock(names)}` : choose,
  };
}

/** Opens the encrypted volumes that a key fits. */
async function openVolumes(
  g: Guestfs,
  images: readonly ImageFacts[],
  { keys, writable, onError }: MountPlan,
): Promise<Volumes> {
  const { mountable, report, errors } = await examineDevices(g, images, keys, writable);
  const closed = report.encrypted.filter(({ opened }) => !opened).map(({ device }) => device);
  for (const { device, error } of errors) {
    if (device !== null && closed.includes(device)) onError?.(error, device);
  }
  return { filesystems: mountable.map(({ device }) => device), closed };
}

/** What has been found out of the disks of a guest without a look into filesystems. */
export interface ExaminedDevices
  extends Pick<Devices, 'mountable' | 'physicalVolumes' | 'logicalVolumes'>,
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
  const { mountable, physicalVolumes, logicalVolumes } = devices;
  return { report, mountable, physicalVolumes, logicalVolumes, errors: problems.errors };
}

/** A filesystem that cannot be mounted is missing, as to the system itself. */
async function mountSystem(g: Guestfs, root: string, plan: MountPlan): Promise<void> {
  const { onError } = plan;
  for (const { path, device } of inMountOrder(await g.inspectGetMountpoints(root))) {
    try {
      await mount(g, device, path, plan);
    } catch (error) {
      if (!onError || path === '/' || !isRefusal(error)) throw error;
      onError(error, path);
    }
  }
}
