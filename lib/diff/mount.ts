// Finds out what is to be seen of a guest, and mounts it.
import { GuestfsError } from '../errors';
import type { Guestfs } from '../guestfs';
import { Devices } from '../inspect/devices';
import type { ImageFacts } from '../inspect/image';
import { beginReport } from '../inspect/inspect';
import { inMountOrder } from '../inspect/operating-system';
import type { VolumeKey } from '../inspect/options';
import { Problems } from '../inspect/problems';

/** What the program says of a guest. */
export interface MountPlan {
  readonly root?: string | undefined;
  readonly mountable?: string | undefined;
  readonly keys: readonly VolumeKey[];
  readonly onError?: ((error: Error, path: string) => void) | undefined;
}

/** Mounts it read-only at `/`, with all that belongs to it. */
export async function mountGuest(g: Guestfs, images: readonly ImageFacts[], plan: MountPlan): Promise<void> {
  const { root, mountable, keys } = plan;
  let filesystems = keys.length > 0 ? await openVolumes(g, images, keys) : undefined;
  if (mountable !== undefined) return await g.mountRo(mountable, '/');
  const roots = await g.inspectOs();
  if (roots.length === 0) filesystems ??= await openVolumes(g, images, keys);
  const name = images.map(({ path }) => path).join(', ');
  const { system, filesystem } = choose(name, root, roots, filesystems ?? []);
  if (system !== undefined) await mountSystem(g, system, plan.onError);
  else await g.mountRo(filesystem, '/');
}

type Choice =
  | { readonly system: string; readonly filesystem?: undefined }
  | { readonly system?: undefined; readonly filesystem: string };

/** The system that is asked for, or the only one, or else the only filesystem. */
export function choose(
  name: string,
  root: string | undefined,
  roots: readonly string[],
  filesystems: readonly string[],
): Choice {
  const [system, otherSystem] = root === undefined ? roots : roots.filter((each) => each === root);
  if (system !== undefined && otherSystem === undefined) return { system };
  const [filesystem, otherFilesystem] = root === undefined && roots.length === 0 ? filesystems : [];
  if (filesystem !== undefined && otherFilesystem === undefined) return { filesystem };
  throw new GuestfsError(`diff: ${problem(name, root, roots, filesystems)}`, {
    code: 'ERR_GUESTFS_NO_ROOT',
    operation: 'diff',
  });
}

function problem(
  name: string,
  root: string | undefined,
  roots: readonly string[],
  filesystems: readonly string[],
): string {
  if (roots.length > 0) {
    const found = `${name} has operating systems on ${roots.join(', ')}`;
    return root === undefined ? `${found}: say which by the option root` : `${found}, and none on ${root}`;
  }
  return filesystems.length > 0
    ? `${name} has no operating system, but filesystems on ${filesystems.join(', ')}: say which by the option mountable`
    : `${name} has no filesystem that can be mounted; encrypted volumes need the option keys`;
}

/** Opens what is encrypted, and returns the filesystems that can be mounted. */
async function openVolumes(
  g: Guestfs,
  images: readonly ImageFacts[],
  keys: readonly VolumeKey[],
): Promise<string[]> {
  const report = beginReport(images, await g.listDevices());
  const devices = new Devices(g, report, new Problems(report.problems), keys);
  await devices.examine();
  return devices.mountable.map(({ device }) => device);
}

/** A filesystem that cannot be mounted is missing, as to the system itself. */
async function mountSystem(g: Guestfs, root: string, onError: MountPlan['onError']): Promise<void> {
  for (const { path, device } of inMountOrder(await g.inspectGetMountpoints(root))) {
    await g.mountRo(device, path).catch((error: Error) => {
      if (path === '/' || !onError) throw error;
      onError(error, path);
    });
  }
}
