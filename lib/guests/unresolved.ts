// Lines of a table of mounts that inspection does not need, and a system cannot come up without: its root and its swap.
import type { Guestfs } from '../guestfs';
import { type FstabLine, isOptional, parseFstab } from './fstab';
import { GuestNames, type KnownDevices } from './guest-names';
import { partsOf } from './subvolumes';
import { fstab, moreNames, readTable } from './system-mounts';

/** Names that say which volume is meant, whatever hardware the guest has. */
const certain = /^(?:(?:UUID|LABEL|PARTUUID|PARTLABEL)=|\/dev\/disk\/by-(?:uuid|label|partuuid|partlabel)\/)/;

/** A line, and where it leads; undefined where that is nowhere. */
export interface Unresolved {
  readonly line: FstabLine;
  readonly device: string | undefined;
}

/** Lines for the root that name another volume, or none, and lines for swap spaces that are not there. */
export async function unresolvedLines(g: Guestfs, root: string, known: KnownDevices): Promise<Unresolved[]> {
  const { lines } = parseFstab(await readTable(g, fstab));
  const wanted = lines.filter(
    ({ path, type, spec }) => certain.test(spec) && (path === '/' || type === 'swap'),
  );
  if (wanted.length === 0) return [];
  const devices = known.filesystems.map(({ device }) => device);
  const block = partsOf(root, devices)?.device ?? root;
  const names = new GuestNames(known, await moreNames(g, lines, known), block);
  return wanted
    .filter((line) => !isOptional(line))
    .map((line) => ({ line, ...names.find(line) }))
    .filter(({ line, device, closed }) => closed === undefined && isWrong(line, device, block, known))
    .map(({ line, device }) => ({ line, device }));
}

function isWrong(
  { path }: FstabLine,
  device: string | undefined,
  root: string,
  { filesystems }: KnownDevices,
): boolean {
  if (device === undefined) return true;
  if (path !== '/' || device === root) return false;
  // A filesystem may be on several devices, as btrfs and mirrors are.
  const uuids = [device, root].map((each) => filesystems.find((one) => one.device === each)?.uuid ?? null);
  return uuids[0] === null || uuids[0] !== uuids[1];
}
