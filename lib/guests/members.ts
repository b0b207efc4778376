// Disks that are only a part of something: what lies on a RAID array or a volume group is to be seen when all are there.
import { codeOf } from '../faults/kinds';
import type { Guestfs } from '../guestfs';
import { type BlkidOutput, plainUuid, valueIn } from './blkid';
import { isRefusal, type Problems } from './problems';
import type { FilesystemReport } from './report';

/** A disk, partition or volume that is a part of something larger. */
export interface Member {
  readonly device: string;
  /** Type in the words of blkid(8): `'linux_raid_member'`, `'LVM2_member'`, `'zfs_member'`, … */
  readonly type: string;
  /** UUID: of a RAID array its own, the same for all its members; of a physical volume that of the volume. */
  readonly uuid: string;
}

/** Member that a device is; undefined when it is none. */
export function memberOf(device: string, output: BlkidOutput): Member | undefined {
  const type = valueIn(output, 'TYPE');
  if (type === null || (output.get('USAGE') !== 'raid' && !/_member$|^bcache$/.test(type))) return undefined;
  return { device, type, uuid: valueIn(output, 'UUID') ?? '' };
}

/** Members of the RAID array with this UUID. */
export function membersOf(members: readonly Member[], uuid: string): Member[] {
  return members.filter(
    (member) => member.type === 'linux_raid_member' && hexOf(member.uuid) === hexOf(uuid),
  );
}

const code = 'ERR_GUESTFS_MEMBERS_MISSING';
const remedy = 'give all disks of the guest (a list of images, or --add)';

/** Notes where the others are missing, or where the appliance makes nothing of all of them. */
export async function noteLoneMembers(
  g: Guestfs,
  { members, filesystems }: { members: readonly Member[]; filesystems: readonly FilesystemReport[] },
  problems: Problems,
): Promise<void> {
  const of = (type: string) => members.filter((member) => member.type === type);
  await noteVolumeGroups(g, of('LVM2_member'), problems);
  await noteArrays(g, of('linux_raid_member'), problems);
  for (const { device, type } of filesystems) if (type === 'btrfs') await noteBtrfs(g, device, problems);
  for (const { device, type } of members) {
    if (type === 'LVM2_member' || type === 'linux_raid_member') continue;
    const message = `${device} is a part of something larger (${type}), of which libguestfs's appliance makes nothing: what is on it could not be looked at`;
    problems.note(device, 'ERR_GUESTFS_NOT_RECOGNISED', message);
  }
}

/** Place of the mark in the attributes of a volume group that it is partial. */
const partialAt = 3;

async function noteVolumeGroups(g: Guestfs, volumes: readonly Member[], problems: Problems): Promise<void> {
  if (volumes.length === 0) return;
  for (const { vgName, vgAttr } of (await problems.attempt(null, () => g.vgsFull())) ?? []) {
    if (vgAttr[partialAt] !== 'p') continue;
    const all = (await problems.attempt(null, () => g.vgpvuuids(vgName))) ?? [];
    const found = volumes.filter(({ uuid }) => all.some((each) => plainUuid(each) === plainUuid(uuid)));
    const missing = all.length - found.length;
    const which =
      missing > 0 ? `${missing} of its ${all.length} physical volumes` : 'some of its physical volumes';
    const message = `the volume group ${vgName} is not whole, ${which} are missing: ${remedy}`;
    problems.note(found[0]?.device ?? null, code, message);
  }
}

async function noteArrays(g: Guestfs, members: readonly Member[], problems: Problems): Promise<void> {
  if (members.length === 0) return;
  const wanted = new Map<string, number>();
  for (const array of (await problems.attempt(null, () => g.listMdDevices())) ?? []) {
    const detail = await problems.attempt(array, () => g.mdDetail(array));
    if (detail) wanted.set(hexOf(detail.get('uuid') ?? ''), Number(detail.get('devices')));
  }
  for (const uuid of new Set(members.map((member) => hexOf(member.uuid)))) {
    const found = members.filter((member) => hexOf(member.uuid) === uuid);
    const count = wanted.get(uuid);
    if (count !== undefined && !(found.length < count)) continue;
    const devices = found.map(({ device }) => device).join(', ');
    const state =
      count === undefined
        ? 'the array could not be assembled: members are missing, or do not fit'
        : `only ${found.length} of its ${count} members are there, and what is read may be out of date`;
    problems.note(
      found[0]?.device ?? null,
      code,
      `${devices} belongs to a RAID array, and ${state}: ${remedy}`,
    );
  }
}

/** A btrfs of several devices is mounted only when all are there. */
async function noteBtrfs(g: Guestfs, device: string, problems: Problems): Promise<void> {
  try {
    await g.btrfsFilesystemShow(device);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (codeOf(error) !== 'ENODEV') return; // the mount will tell
    problems.note(device, code, `the btrfs on ${device} lies on more devices, which are missing: ${remedy}`);
  }
}

/** UUID without the signs between its digits: mdadm and blkid put others. */
function hexOf(uuid: string): string {
  return uuid.replace(/[^\da-f]/gi, '').toLowerCase();
}
