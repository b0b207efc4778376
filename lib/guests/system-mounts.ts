// Which of the devices a system mounts where, by its own tables: libguestfs resolves fewer names, and calls some as the
// appliance's kernel does.
import type { Guestfs } from '../guestfs';
import { nameOf } from '../text/bytes';
import {
  type Fstab,
  type FstabLine,
  isBound,
  isOptional,
  parseCrypttab,
  parseFstab,
  parseMdadmConf,
  plainArrayUuid,
} from './fstab';
import { GuestNames, type KnownDevices, type MoreNames, noMoreNames } from './guest-names';
import { orNull } from './problems';
import { partsOf, type SubvolumeLists, subvolumeFor } from './subvolumes';

/** Table of the mounts. */
export const fstab = '/etc/fstab';

/** A table of a guest has some lines; what is longer is none. */
const mostBytes = 1 << 20;

export interface SystemMount {
  readonly path: string;
  readonly device: string;
  /** Line of fstab that says so; undefined for the root, and where libguestfs knows it without. */
  readonly line?: FstabLine | undefined;
  /** Whether that has been done, with the root. */
  readonly isMounted?: true;
}

/** A line of fstab of which nothing is mounted. */
export type LeftOut =
  | { readonly why: 'unreadable'; readonly line: number }
  | { readonly why: 'absent'; readonly line: FstabLine }
  | { readonly why: 'closed'; readonly line: FstabLine; readonly volume: string };

export interface SystemMounts {
  /** Mounts in the order in which they can be made, the root first. */
  readonly mounts: readonly SystemMount[];
  readonly swaps: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Lines by which a folder, or a file, is seen at a second path, too: `spec` is the first. */
  readonly bound: readonly FstabLine[];
}

type Calls = Pick<
  Guestfs,
  'inspectGetMountpoints' | 'isFile' | 'listMdDevices' | 'lvuuid' | 'mdDetail' | 'pread' | 'vguuid'
>;

export interface Surroundings {
  readonly g: Calls;
  /** Kind of system, as libguestfs calls it; null where it does not know it. */
  readonly type: string | null;
  /** Devices of the report. */
  known(): Promise<KnownDevices>;
  readonly subvolumes: SubvolumeLists;
  /** Where the root filesystem of a system of ostree is mounted beside `/`; undefined for others. */
  readonly entered?: readonly string[] | undefined;
}

/** Systems whose names of devices libguestfs translates: they are not those of Linux. */
const foreign: ReadonlySet<string> = new Set(['freebsd', 'hurd', 'minix', 'netbsd', 'openbsd']);

/** Finds out what a system mounts. Its root has to be mounted at `/`. */
export async function systemMounts(root: string, around: Surroundings): Promise<SystemMounts> {
  const { g, type, entered } = around;
  const table = type === 'windows' ? { lines: [], bad: [] } : parseFstab(await readTable(g, fstab));
  const found = { ...(await tableMounts(root, table, around)), bound: table.lines.filter(isOfFolder) };
  if (entered === undefined) return found;
  const inside = entered.map((path): SystemMount => ({ path, device: root, isMounted: true }));
  const boot = found.mounts.some(({ path }) => path === '/boot') ? [] : bootOf(await around.known());
  return { ...found, mounts: inMountOrder([...found.mounts, ...inside, ...boot]) };
}

/** Systems of ostree need no line for what their loader mounts: CoreOS finds it by its label. */
function bootOf({ filesystems }: KnownDevices): SystemMount[] {
  const [boot, another] = filesystems.filter(({ label, type }) => label === 'boot' && type !== 'swap');
  return boot === undefined || another !== undefined ? [] : [{ path: '/boot', device: boot.device }];
}

async function tableMounts(
  root: string,
  { lines, bad }: Fstab,
  around: Surroundings,
): Promise<Omit<SystemMounts, 'bound'>> {
  const { g, type } = around;
  const found = (await orNull(g.inspectGetMountpoints(root))) ?? new Map<string, string>();
  const unreadable = bad.map((line): LeftOut => ({ why: 'unreadable', line }));
  const own = firsts(lines.filter(isOfDisk));
  const others = [...found].filter(([path]) => path !== '/' && !own.some((line) => line.path === path));
  if (own.length + others.length === 0) return inOrder(root, [], [], unreadable);
  const known = await around.known();
  const listed = others.filter(([, device]) => isListed(known, device));
  const more = listed.map(([path, device]): SystemMount => ({ path, device }));
  if (type !== null && foreign.has(type)) {
    const { mounts, leftOut } = translated(own, found, known);
    return inOrder(root, [...mounts, ...more], [], [...unreadable, ...leftOut]);
  }
  const { mounts, swaps, leftOut } = await resolved(root, lines, own, known, around);
  return inOrder(root, [...mounts, ...more], swaps, [...unreadable, ...leftOut]);
}

function inOrder(
  root: string,
  mounts: readonly SystemMount[],
  swaps: readonly string[],
  leftOut: readonly LeftOut[],
): Omit<SystemMounts, 'bound'> {
  return { mounts: inMountOrder([{ path: '/', device: root }, ...mounts]), swaps, leftOut };
}

/** A filesystem before those that are mounted inside it. */
export function inMountOrder(mounts: readonly SystemMount[]): SystemMount[] {
  return [...mounts].sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
}

/** Of lines for one mount point the first, as systemd takes it. */
function firsts(lines: readonly FstabLine[]): FstabLine[] {
  const seen = new Set<string>();
  return lines.filter(({ path, type, spec }) => {
    const key = type === 'swap' ? `swap ${spec}` : path;
    return !seen.has(key) && seen.add(key);
  });
}

/** Whether a line takes a filesystem or a swap space from the guest's disks, beside the root. */
function isOfDisk(line: FstabLine): boolean {
  const { spec, path, type, options } = line;
  if (!/^(?:\/dev\/|(?:UUID|LABEL|PARTUUID|PARTLABEL)=)/.test(spec)) return false;
  if (/^\/dev\/(?:fd\d|cd|sr\d|scd\d|acd\d|floppy|dvd|iso9660\/|shm|zram|loop)/.test(spec)) return false;
  if (type === 'swap') return true;
  if (path === '/' || !path.startsWith('/') || isBound(line)) return false;
  if (/^\/(?:dev|proc|sys|selinux)(?:\/|$)/.test(path)) return false;
  return !(options.has('noauto') && /^\/media\//.test(path));
}

/** Whether a line shows what is in the guest's filesystems, and not in those that a running kernel makes, at a second path. */
function isOfFolder(line: FstabLine): boolean {
  const { spec, path, options } = line;
  if (!isBound(line) || options.has('noauto') || !spec.startsWith('/') || !path.startsWith('/')) return false;
  return path !== '/' && [spec, path].every((each) => !/^\/(?:dev|proc|sys|run)(?:\/|$)/.test(each));
}

const isListed = ({ filesystems }: KnownDevices, mountable: string) =>
  filesystems.some(({ device }) => device === mountable);

type Found = Omit<SystemMounts, 'leftOut' | 'bound'> & { readonly leftOut: LeftOut[] };

/** Mounts of a system of which libguestfs translates the names. */
function translated(
  lines: readonly FstabLine[],
  found: ReadonlyMap<string, string>,
  known: KnownDevices,
): Found {
  const mounts: SystemMount[] = [];
  const leftOut: LeftOut[] = [];
  for (const line of lines) {
    const device = found.get(line.path);
    if (device !== undefined && isListed(known, device)) mounts.push({ path: line.path, device, line });
    else if (line.type !== 'swap') leftOut.push({ why: 'absent', line });
  }
  return { mounts, swaps: [], leftOut };
}

async function resolved(
  root: string,
  lines: readonly FstabLine[],
  wanted: readonly FstabLine[],
  known: KnownDevices,
  { g, subvolumes }: Surroundings,
): Promise<Found> {
  const devices = known.filesystems.map(({ device }) => device);
  const block = partsOf(root, devices)?.device ?? root;
  const rootLine = lines.find(({ path }) => path === '/');
  const names = new GuestNames(known, await moreNames(g, lines, known), block, rootLine);
  const result = { mounts: [] as SystemMount[], swaps: [] as string[], leftOut: [] as LeftOut[] };
  for (const line of wanted) {
    const { device: found, closed } = names.find(line);
    const type = known.filesystems.find(({ device }) => device === found)?.type;
    const device =
      found !== undefined && type === 'btrfs'
        ? subvolumeFor(found, line.options, await subvolumes.of(found))
        : found;
    if (line.type === 'swap') result.swaps.push(...(device === undefined ? [] : [device]));
    else if (device !== undefined) result.mounts.push({ path: line.path, device, line });
    else if (closed !== undefined) result.leftOut.push({ why: 'closed', line, volume: closed });
    else result.leftOut.push({ why: 'absent', line });
  }
  return result;
}

/** Asks for what the names in these lines need, and for nothing else. */
export async function moreNames(
  g: Calls,
  lines: readonly FstabLine[],
  known: KnownDevices,
): Promise<MoreNames> {
  const specs = lines.map(({ spec }) => spec);
  const isMapped = specs.some((spec) => /^\/dev\/(?:mapper\/|disk\/by-id\/dm-name-)/.test(spec));
  const crypttab = isMapped ? parseCrypttab(await readTable(g, '/etc/crypttab')) : noMoreNames.crypttab;
  const all = [...specs, ...crypttab.values()];
  const hasArrays = all.some((spec) => /^\/dev\/(?:md|disk\/by-id\/md-)/.test(spec));
  const hasVolumeIds = all.some((spec) => spec.startsWith('/dev/disk/by-id/dm-uuid-LVM-'));
  const mdadm = hasArrays
    ? [await readTable(g, '/etc/mdadm.conf'), await readTable(g, '/etc/mdadm/mdadm.conf')]
    : [];
  return {
    crypttab,
    mdadm: parseMdadmConf(mdadm.join('\n')),
    arrays: hasArrays ? await arraysOf(g) : [],
    volumeIds: hasVolumeIds ? await volumeIdsOf(g, known.logicalVolumes) : noMoreNames.volumeIds,
  };
}

async function arraysOf(g: Calls): Promise<MoreNames['arrays']> {
  const arrays: { device: string; uuid: string; name: string }[] = [];
  for (const device of (await orNull(g.listMdDevices())) ?? []) {
    const detail = await orNull(g.mdDetail(device));
    const [uuid, name] = [detail?.get('uuid') ?? '', detail?.get('name') ?? detail?.get('devname') ?? ''];
    arrays.push({ device, uuid: plainArrayUuid(uuid), name });
  }
  return arrays;
}

async function volumeIdsOf(g: Calls, volumes: readonly string[]): Promise<MoreNames['volumeIds']> {
  const ids = new Map<string, string>();
  for (const volume of volumes) {
    const group = await orNull(g.vguuid(volume.split('/')[2] ?? ''));
    const own = await orNull(g.lvuuid(volume));
    if (group !== null && own !== null) ids.set(`${group}${own}`.replaceAll('-', ''), volume);
  }
  return ids;
}

/** Text of a table; empty where there is none that can be read. Only plain files are opened: others may never end. */
export async function readTable(g: Pick<Calls, 'isFile' | 'pread'>, path: string): Promise<string> {
  if (!(await orNull(g.isFile(path, { followsymlinks: true })))) return '';
  const bytes = (await orNull(g.pread(path, mostBytes, 0))) ?? Buffer.alloc(0);
  // A line that is cut would say something else.
  return nameOf(bytes.length < mostBytes ? bytes : bytes.subarray(0, bytes.lastIndexOf('\n') + 1));
}

/** Whether the system comes up without this mount. */
export function isSpare({ line }: { readonly line?: FstabLine | undefined }): boolean {
  return line !== undefined && isOptional(line);
}
