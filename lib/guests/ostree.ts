// Systems of ostree(1), as CoreOS and Silverblue: each lies in a folder of the root filesystem, which it mounts in the
// place of the filesystem's own root.
import type { Guestfs } from '../guestfs';
import { bind } from './bind';
import { orNull } from './problems';

/** A system that was put on a filesystem; folders are those of the filesystem. */
export interface Deployment {
  /** Folder that is the system's root. */
  readonly folder: string;
  /** Folder of what all deployments of that system share, its `/var`. */
  readonly shared: string;
}

const top = '/ostree/deploy';

type Calls = Pick<Guestfs, 'isDir' | 'ls' | 'realpath' | 'statns'>;

/**
 * The deployment on the mounted filesystem that its loader starts: of several the one that was made last. Undefined where
 * there is none.
 */
export async function deploymentOf(g: Calls): Promise<Deployment | undefined> {
  if (!(await orNull(g.isDir(top)))) return undefined;
  let newest: (Deployment & { readonly time: bigint }) | undefined;
  for (const name of await namesIn(g, top, /^\w[\w.-]*$/)) {
    const folder = `${top}/${name}/deploy`;
    for (const deployment of await namesIn(g, folder, /^[0-9a-f]{64}\.\d+$/)) {
      const found = { folder: `${folder}/${deployment}`, shared: `${top}/${name}/var` };
      // A link on the way could lead out of the guest where it is mounted.
      if ((await orNull(g.realpath(`${found.folder}/usr`))) !== `${found.folder}/usr`) continue;
      const time = (await timeOf(g, `${found.folder}.origin`)) ?? (await timeOf(g, found.folder)) ?? 0n;
      if (newest === undefined || time > newest.time) newest = { ...found, time };
    }
  }
  return newest;
}

async function namesIn(g: Calls, folder: string, pattern: RegExp): Promise<string[]> {
  return ((await orNull(g.ls(folder))) ?? []).filter((name) => pattern.test(name));
}

async function timeOf(g: Calls, path: string): Promise<bigint | undefined> {
  const stat = await orNull(g.statns(path));
  return stat === null ? undefined : stat.stMtimeSec;
}

/**
 * Makes the deployment on the filesystem that is mounted at `/`, and is all that is mounted, the root of what is to be
 * seen, with what it shares at `/var` and the whole filesystem at `/sysroot`, as the system itself does.
 *
 * @param mount mounts the filesystem a second time
 * @returns where the filesystem is mounted beside `/`; undefined where there is no deployment, or the appliance cannot
 * @throws GuestfsError where it is mounted in part only
 */
export async function enterDeployment(
  g: Calls & Pick<Guestfs, 'debug'>,
  mount: (path: string) => Promise<void>,
): Promise<readonly string[] | undefined> {
  const deployment = await deploymentOf(g);
  if (deployment === undefined) return undefined;
  const { folder, shared } = deployment;
  if ((await orNull(bind(g, folder, '/'))) === null) return undefined;
  const paths: string[] = [];
  if (await orNull(g.isDir('/sysroot'))) {
    await mount('/sysroot');
    paths.push('/sysroot');
    const isShared = (await orNull(g.realpath(`/sysroot${shared}`))) === `/sysroot${shared}`;
    if (isShared && (await orNull(g.isDir('/var'))) && (await orNull(g.realpath('/var'))) === '/var') {
      await bind(g, `/sysroot${shared}`, '/var');
      paths.push('/var');
    }
  }
  return paths;
}
