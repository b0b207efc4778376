import { isMissed } from '../../guests/unmounted';
import { printable } from '../../text/printable';
import type { Sighting, TreeRule } from '../rule';

const path = '/etc/fstab';

export const fstabEntries: TreeRule = {
  id: 'fstab-unresolved',
  severity: 'error',
  title: 'A line of fstab that leads nowhere',
  advice:
    'Correct the line, or remove it; a volume that may be missing takes the option nofail. If it is on another disk of the guest, add that',
  help: 'A system waits for what its table of mounts names, and stops when it does not come. Looked at are lines that name volumes (UUID, LABEL, devices, LVM, RAID), the root and swap among them, and lines that mount does not understand; not those with nofail, noauto or _netdev.',
  trees: ['linux', 'unix'],
  check: async (tree) => {
    const { left, lines } = await tree.unresolved();
    const told: Sighting[] = left.filter(isMissed).flatMap((each): Sighting[] => {
      if (each.why === 'unreadable')
        return [{ path, line: each.line, seen: 'a line that mount does not understand' }];
      // A volume that is closed is there.
      if (each.why === 'closed') return [];
      const { spec, path: place, line } = each.line;
      return [{ path, line, seen: `${cut(spec)}, mounted at ${cut(place)}, is on none of the disks` }];
    });
    const roots = lines.map(({ line: { line, spec, path: place, type }, device }): Sighting => {
      const what = type === 'swap' ? 'used for swap' : `mounted at ${cut(place)}`;
      const where =
        device === undefined ? 'is on none of the disks' : `is ${device}, and not the root ${tree.device}`;
      return { path, line, seen: `${cut(spec)}, ${what}, ${where}` };
    });
    return [...told, ...roots].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  },
};

const cut = (text: string) => printable(text).slice(0, 200);
