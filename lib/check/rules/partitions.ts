import type { PartitionReport } from '../../guests/report';
import type { GuestRule, Sighting } from '../rule';

/** Blocks of disks of today, and of what lies below them in clouds. */
const block = 4096;
const stripe = 64 * 1024;

/** Partitions in which nothing is read while the system runs: of BIOS boot loaders, and those that hold others. */
const unread = new Set(['21686148-6449-6E6F-744E-656564454649']);
const holders = new Set([0x05, 0x0f, 0x85]);

export const partitionAlignment: GuestRule = {
  id: 'partition-alignment',
  severity: 'warning',
  title: 'A partition that is not aligned',
  advice:
    'Make the partitions anew, at multiples of 1 MiB, as all tools of today do: virt-resize or parted --align optimal',
  help: 'Each write to a partition that does not begin at a multiple of 4 KiB touches two blocks of the disk, which makes it slow. Partitions that begin at no multiple of 64 KiB are told as notes: storage in stripes is slowed down by them.',
  checkGuest: async ({ report: { partitions } }) =>
    partitions.length === 0 ? undefined : partitions.flatMap(sightingOf),
};

function sightingOf({ device, start, gptType, mbrId }: PartitionReport): Sighting[] {
  if (unread.has(gptType ?? '') || holders.has(mbrId ?? 0) || start % stripe === 0) return [];
  const seen = `${device} begins at byte ${start}, which is no multiple of`;
  if (start % block !== 0) return [{ device, seen: `${seen} ${block}` }];
  return [{ device, severity: 'note', seen: `${seen} ${stripe}` }];
}
