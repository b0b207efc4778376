// Filesystems that their system has not left: hibernated, or cut off while it wrote.
import { errorFor, type GuestfsError, type OptionNames } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import { orNull } from './problems';

/** What ntfs-3g.probe(8) says of a filesystem that could not be written to. */
const states: ReadonlyMap<number, 'hibernated' | 'unclean'> = new Map([
  [14, 'hibernated'],
  [15, 'unclean'],
]);

/** Why the NTFS on a device is not to be written to; undefined where it may be, or where that cannot be known. */
export async function uncleanNtfs(
  g: Pick<Guestfs, 'ntfs3gProbe'>,
  device: string,
  operation: string,
): Promise<GuestfsError | undefined> {
  const state = states.get((await orNull(g.ntfs3gProbe(true, device))) ?? 0);
  if (state === undefined) return undefined;
  return state === 'hibernated'
    ? errorFor({
        ...{ code: 'ERR_GUESTFS_HIBERNATED', operation, unnamed: true },
        problem: `Windows is hibernated on ${device}, or was shut down with its fast startup: what it has kept in memory is not on the disk`,
        ...{
          joint: '; ',
          hint: `start it and shut it down by \`shutdown /s /t 0\`; until then ${device} can be read, not written`,
        },
      })
    : errorFor({
        ...{ code: 'ERR_GUESTFS_UNCLEAN', operation, unnamed: true },
        problem: `the NTFS on ${device} was not unmounted by its Windows`,
        ...{
          joint: '; ',
          hint: 'start that and shut it down, or let ntfsfix(8) mend it; until then it can be read, not written',
        },
      });
}

/** Error of writing to a Linux that will go on from its swap space, and knows its filesystems as they were. */
export function hibernatedLinux(operation: string, swap: string, root: string): GuestfsError {
  return errorFor({
    ...{ code: 'ERR_GUESTFS_HIBERNATED', operation, unnamed: true },
    problem: `the system on ${root} is hibernated on ${swap}: it would go on with its filesystems as they were`,
    joint: '; ',
    hint: (names: OptionNames) =>
      `start it and shut it down; or write to it by ${names('mountable')} ${root}, and let it start without \`resume\``,
  });
}
