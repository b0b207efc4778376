// What is on the disks of a guest that a command works with.
import type { Volume, VolumeKind } from '../guests/volumes';
import type { Guest } from './session';

/** Lists volumes of these kinds; nothing is asked of the guest that concerns the others only. */
export async function volumesOf(guest: DevicesOfGuest, kinds?: readonly VolumeKind[]): Promise<Volume[]> {
  const { Volumes } = require('../guests/volumes') as typeof import('../guests/volumes');
  return await new Volumes(guest.g, await examine(guest), guest.failed).list(kinds);
}

export type DevicesOfGuest = Pick<Guest, 'g' | 'images' | 'keys' | 'failed' | 'note'>;

/** Examines the disks of a guest. What could not be found out is told, and what is encrypted and stays closed. */
export async function examine({ g, images, keys, failed, note }: DevicesOfGuest) {
  const { examineDevices } = require('../guests/mount') as typeof import('../guests/mount');
  const examined = await examineDevices(g, images, keys);
  const { problems, encrypted } = examined.report;
  for (const { device, ...problem } of problems) failed(problem, device ?? undefined);
  for (const { device, type, opened } of encrypted) {
    const isTold = problems.some((problem) => problem.device === device);
    if (!opened && !isTold) note(`${device} is encrypted (${type}): what is in it takes a --key`);
  }
  return examined;
}
