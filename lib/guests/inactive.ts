// Logical volumes that LVM lists and cannot activate, as those of a thin pool whose metadata is damaged: they have no device.
import type { Guestfs } from '../guestfs';
import { orNull } from './problems';

/** What is the matter with a volume that has no device, in LVM's words. */
export async function whyInactive(g: Pick<Guestfs, 'debug'>, volume: string): Promise<string> {
  // LVM's names have no sign that a shell would not take as it is; what has one is none of them.
  const [name] = /(?<=^\/dev\/)[\w+.-]+\/[\w+.-]+$/.exec(volume) ?? [];
  const told = name && (await orNull(g.debug('sh', [`lvm lvchange -ay -- '${name}' 2>&1; true`])));
  const lines = (told || '').split('\n').map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && !/^WARNING:|: execvp failed/.test(line)).join(' ');
  const why = words === '' ? 'it does not say why' : words.slice(0, 300);
  return `LVM cannot activate the logical volume ${volume} (${why}): a disk is missing, the metadata of its thin pool or cache is damaged, or the appliance lacks what it needs. What is on it could not be looked at`;
}
