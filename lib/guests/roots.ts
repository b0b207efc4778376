// The operating systems of a guest: what libguestfs finds, under the names that the report has, and also where it gives
// the whole guest up for one line of one file.
import { type GuestfsError, wordsOf } from '../faults/errors';
import { unparsedFileIn } from '../faults/words';
import type { Guestfs } from '../guestfs';
import { inspectedFiles } from '../templates/lenses';
import { parseFstab } from './fstab';
import { deploymentOf } from './ostree';
import { isRefusal, orNull } from './problems';
import type { FilesystemReport } from './report';
import { partsOf, SubvolumeLists, subvolumeFor, volumesOf } from './subvolumes';
import { fstab, readTable } from './system-mounts';

type Calls = Pick<
  Guestfs,
  | 'btrfsSubvolumeGetDefault'
  | 'btrfsSubvolumeList'
  | 'debug'
  | 'inspectGetDistro'
  | 'inspectGetMajorVersion'
  | 'inspectGetMinorVersion'
  | 'inspectGetProductName'
  | 'inspectGetType'
  | 'inspectOs'
  | 'isDir'
  | 'isFile'
  | 'ls'
  | 'mountRo'
  | 'pread'
  | 'realpath'
  | 'statns'
  | 'umountAll'
>;

export interface Roots {
  /** Roots of systems, as libguestfs knows them. */
  readonly systems: readonly string[];
  /** Roots that are copies of one of the systems, made by snapshots of btrfs: they boot it, and not themselves. */
  readonly copies: readonly string[];
  /** Roots of which libguestfs knows nothing: it finds no system, or fails. */
  readonly unknown: readonly string[];
  /** Why libguestfs could not look for systems. */
  readonly refusal?: GuestfsError;
}

type Filesystem = Pick<FilesystemReport, 'device' | 'type' | 'uuid'>;

/**
 * Finds the operating systems. Nothing is mounted afterwards.
 *
 * @param mountable filesystems in the report's order
 */
export async function findRoots(g: Calls, mountable: () => Promise<readonly Filesystem[]>): Promise<Roots> {
  let refusal: GuestfsError | undefined;
  const found = await inspectOs(g).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    refusal = error;
    return [];
  });
  if (found.length === 0) {
    const unknown = await lookForRoots(g, await mountable());
    return { systems: [], copies: [], unknown, ...(refusal && { refusal }) };
  }
  const all = await mountable();
  const btrfs = all.filter(({ type }) => type === 'btrfs');
  const isPlain = found.length === 1 && !found[0]?.startsWith('btrfsvol:');
  const roots = isPlain ? found : await renamed(g, found, btrfs);
  const copies: string[] = [];
  if (!isPlain) for (const root of roots) if (await isCopy(g, root, roots, btrfs)) copies.push(root);
  const unknown = await lookForRoots(g, withoutRoots(all, roots));
  return { systems: roots.filter((root) => !copies.includes(root)), copies, unknown };
}

/** Filesystems of which the root of a Linux is usual. */
const ofLinux: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'f2fs',
  'jfs',
  'reiserfs',
]);

/** Filesystems of Linux on which none of these roots is. */
function withoutRoots(filesystems: readonly Filesystem[], roots: readonly string[]): Filesystem[] {
  const isRoot = ({ device }: Filesystem) =>
    roots.some((root) => root === device || root.startsWith(`btrfsvol:${device}/`));
  const uuids = filesystems.filter(isRoot).map(({ uuid }) => uuid);
  return filesystems.filter(
    (each) => ofLinux.has(each.type) && !isRoot(each) && (each.uuid === null || !uuids.includes(each.uuid)),
  );
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
async function isCopy(
  g: Calls,
  root: string,
  roots: readonly string[],
  btrfs: readonly Pick<FilesystemReport, 'device'>[],
): Promise<boolean> {
  const device = partsOf(
    root,
    btrfs.map((each) => each.device),
  )?.device;
  if (device === undefined) return false;
  if (roots.includes(device)) return (await identity(g, root)) === (await identity(g, device));
  if (!roots.some((each) => each !== root && each.startsWith(`btrfsvol:${device}/`))) return false;
  const mounted = await mountedRoot(g, root, device);
  return mounted !== undefined && mounted !== root && roots.includes(mounted);
}

/** Subvolume that a system mounts as its root, by its own fstab. Nothing is mounted afterwards. */
async function mountedRoot(g: Calls, root: string, device: string): Promise<string | undefined> {
  if ((await orNull(g.mountRo(root, '/'))) === null) return undefined;
  const line = parseFstab(await readTable(g, fstab)).lines.find(({ path }) => path === '/');
  await orNull(g.umountAll());
  return line && subvolumeFor(device, line.options, await new SubvolumeLists(g).of(device));
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

/**
 * Filesystems, and subvolumes, that look like the root of a Linux or have one of ostree in them, for where libguestfs tells
 * of none. Nothing is mounted afterwards.
 */
async function lookForRoots(g: Calls, filesystems: readonly Filesystem[]): Promise<string[]> {
  const roots: string[] = [];
  const subvolumes = new SubvolumeLists(g);
  for (const { device, type } of filesystems) {
    const found = type === 'btrfs' ? await subvolumes.of(device) : null;
    for (const each of [device, ...(found ? volumesOf(device, found) : [])]) {
      if ((await orNull(g.umountAll())) === null || (await orNull(g.mountRo(each, '/'))) === null) continue;
      if ((await looksLikeRoot(g)) || (await deploymentOf(g))) roots.push(each);
    }
  }
  await orNull(g.umountAll());
  return roots;
}

async function looksLikeRoot(g: Calls): Promise<boolean> {
  const isFolder = (path: string) => orNull(g.isDir(path, { followsymlinks: true }));
  const isFile = (path: string) => orNull(g.isFile(path, { followsymlinks: true }));
  if (!(await isFolder('/etc')) || !(await isFolder('/usr'))) return false;
  for (const path of ['/etc/os-release', '/usr/lib/os-release', fstab]) if (await isFile(path)) return true;
  return false;
}
