// The operating systems of a guest: what libguestfs finds, under the names that the report has, and also where it gives
// the whole guest up for one line of one file.
import { wordsOf } from '../faults/errors';
import { unparsedFileIn } from '../faults/words';
import type { Guestfs } from '../guestfs';
import { inspectedFiles } from '../templates/lenses';
import { isRefusal, orNull } from './problems';
import type { FilesystemReport } from './report';
import { partsOf } from './subvolumes';

type Calls = Pick<
  Guestfs,
  | 'debug'
  | 'inspectGetDistro'
  | 'inspectGetMajorVersion'
  | 'inspectGetMinorVersion'
  | 'inspectGetMountpoints'
  | 'inspectGetProductName'
  | 'inspectGetType'
  | 'inspectOs'
  | 'isDir'
  | 'isFile'
  | 'mountRo'
  | 'umountAll'
>;

export interface Roots {
  /** Roots of systems, as libguestfs knows them. */
  readonly systems: readonly string[];
  /** Roots that are copies of one of the systems, made by snapshots of btrfs: they boot it, and not themselves. */
  readonly copies: readonly string[];
}

/**
 * Finds the operating systems. Nothing is mounted afterwards.
 *
 * @param btrfs filesystems of that type, in the report's order
 */
export async function findRoots(
  g: Calls,
  btrfs: () => Promise<readonly Pick<FilesystemReport, 'device' | 'uuid'>[]>,
): Promise<Roots> {
  const found = await inspectOs(g);
  if (found.length < 2 && !found[0]?.startsWith('btrfsvol:')) return { systems: found, copies: [] };
  const roots = await renamed(g, found, await btrfs());
  const copies: string[] = [];
  for (const root of roots) if (await isCopy(g, root, roots)) copies.push(root);
  return { systems: roots.filter((root) => !copies.includes(root)), copies };
}

/** libguestfs gives up when augeas cannot read one file of one guest: without the lens it goes on without that file. */
async function inspectOs(g: Calls): Promise<string[]> {
  const left = new Set(Object.values(inspectedFiles));
  const away: string[] = [];
  try {
    for (;;) {
      try {
        return await g.inspectOs();
      } catch (error) {
        const file = isRefusal(error) ? unparsedFileIn(wordsOf(error)) : undefined;
        const lens = file === undefined ? undefined : inspectedFiles[file];
        if (lens === undefined || !left.delete(lens) || !(await moveLens(g, lens, `${lens}.away`)))
          throw error;
        away.push(lens);
      }
    }
  } finally {
    for (const lens of away) await moveLens(g, `${lens}.away`, lens);
  }
}

const lensFolder = '/usr/share/augeas/lenses/dist';

async function moveLens(g: Calls, from: string, to: string): Promise<boolean> {
  const name = (lens: string) => (lens.endsWith('.away') ? lens : `${lens}.aug`);
  return (await orNull(g.debug('sh', [`cd ${lensFolder} && mv ${name(from)} ${name(to)}`]))) !== null;
}

/**
 * Roots by names of the report: those of subvolumes have names of the appliance's kernel before libguestfs 1.58, and a
 * filesystem on several devices is found once for each.
 */
async function renamed(
  g: Calls,
  roots: readonly string[],
  btrfs: readonly Pick<FilesystemReport, 'device' | 'uuid'>[],
): Promise<string[]> {
  const names = new Set<string>();
  for (const root of roots) {
    const parts = partsOf(
      root,
      btrfs.map(({ device }) => device),
    );
    const isOfKernel = parts && /^\/dev\/[a-z]{1,2}d[a-z]+\d*$/.test(parts.device);
    const filesystems = isOfKernel ? await holders(g, parts.path, btrfs) : [];
    for (const { device } of filesystems) names.add(`btrfsvol:${device}/${parts?.path}`);
    if (filesystems.length === 0) names.add(firstOf(root, roots, btrfs));
  }
  return [...names];
}

/** Device that stands for a filesystem on several: the first on which it was found. */
function firstOf(
  root: string,
  roots: readonly string[],
  btrfs: readonly Pick<FilesystemReport, 'device' | 'uuid'>[],
): string {
  const uuid = btrfs.find(({ device }) => device === root)?.uuid ?? null;
  if (uuid === null) return root;
  return btrfs.find((each) => each.uuid === uuid && roots.includes(each.device))?.device ?? root;
}

/** Filesystems on which libguestfs has found a system in this subvolume. */
async function holders<T extends Pick<FilesystemReport, 'device' | 'uuid'>>(
  g: Calls,
  path: string,
  btrfs: readonly T[],
): Promise<T[]> {
  const found: T[] = [];
  for (const each of btrfs) {
    if (found.some(({ uuid }) => uuid !== null && uuid === each.uuid)) continue;
    if ((await orNull(g.inspectGetType(`btrfsvol:${each.device}/${path}`))) !== null) found.push(each);
  }
  return found;
}

/** Whether the root is a snapshot of another: of the same system in the whole, or of that which its fstab mounts. */
async function isCopy(g: Calls, root: string, roots: readonly string[]): Promise<boolean> {
  const devices = roots.filter((each) => !each.startsWith('btrfsvol:'));
  const whole = partsOf(root, devices)?.device;
  if (whole !== undefined && devices.includes(whole)) {
    const [own, others] = [await identity(g, root), await identity(g, whole)];
    return own === others;
  }
  const parts = partsOf(root, []);
  const mounted = (await orNull(g.inspectGetMountpoints(root)))?.get('/');
  const path = mounted === undefined ? undefined : partsOf(mounted, [])?.path;
  if (parts === undefined || path === undefined || path === parts.path) return false;
  return roots.includes(`btrfsvol:${parts.device}/${path}`);
}

async function identity(g: Calls, root: string): Promise<string> {
  return JSON.stringify([
    await orNull(g.inspectGetType(root)),
    await orNull(g.inspectGetDistro(root)),
    await orNull(g.inspectGetProductName(root)),
    await orNull(g.inspectGetMajorVersion(root)),
    await orNull(g.inspectGetMinorVersion(root)),
  ]);
}

/** Filesystems that look like the root of a Linux, for where libguestfs tells of none. Nothing is mounted afterwards. */
export async function lookForRoots(
  g: Calls,
  filesystems: readonly Pick<FilesystemReport, 'device'>[],
): Promise<string[]> {
  const roots: string[] = [];
  for (const { device } of filesystems) {
    if ((await orNull(g.umountAll())) === null || (await orNull(g.mountRo(device, '/'))) === null) continue;
    if (await looksLikeRoot(g)) roots.push(device);
  }
  await orNull(g.umountAll());
  return roots;
}

async function looksLikeRoot(g: Calls): Promise<boolean> {
  const isFolder = (path: string) => orNull(g.isDir(path, { followsymlinks: true }));
  const isFile = (path: string) => orNull(g.isFile(path, { followsymlinks: true }));
  if (!(await isFolder('/etc')) || !(await isFolder('/usr'))) return false;
  return Boolean((await isFile('/etc/os-release')) || (await isFile('/usr/lib/os-release')));
}
