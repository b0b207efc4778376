// From what the user has named to what libguestfs is told of it, and what is known of it before the launch.
import type { Fault } from '../faults/faults';
import { diskCut } from '../faults/image-faults';
import { headOfDiskIn, headOfFile } from '../host/heads';
import { readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { inTheNameOf, UnusableImage } from '../host/unusable-image';
import { leastSizeOfDisk } from './disk-end';
import type { Opening, Source } from './opening';
import { openPacked } from './packed';
import { openRemote } from './remote';
import { headOfDisk, sectorSizeOf } from './sector-size';
import { patienceMs } from './server-faults';
import { BadUri, type Location, locationOf } from './uri';

/** Name of the guest of libvirt that is named in the place of an image. */
export function domainIn(path: string): string | undefined {
  return /^domain:([\s\S]+)$/.exec(path)?.[1];
}

/** Checks an image, and reads what the host can tell of it: of one that is packed, of all disks in it. @throws as `readImage()` */
export async function openSource(file: ImageFile, opening: Opening): Promise<Source[]> {
  const { operation, signal } = opening;
  const disks = await inTheNameOf(operation, signal, () => openLocation(file, opening));
  const sources: Source[] = [];
  for (const disk of disks) {
    const head = await headIn(disk, opening);
    const sector = head && sectorSizeOf(head);
    const notes = head ? [...disk.notes, ...cutOf(disk, leastSizeOfDisk(head, sector))] : disk.notes;
    sources.push({ ...disk, notes, blocksize: file.blocksize ?? sector });
  }
  return sources;
}

function cutOf({ path, virtualSize }: Source, least: number | undefined): Fault[] {
  return least !== undefined && least > virtualSize ? [diskCut(path, virtualSize, least)] : [];
}

async function openLocation(file: ImageFile, opening: Opening): Promise<Source[]> {
  const location = readLocation(file.path);
  if (location.kind !== 'file') return [await openRemote(file, location, opening)];
  const packed = await openPacked({ ...file, path: location.path }, opening);
  if (packed) return packed;
  const facts = await readImage({ ...file, path: location.path }, opening.signal, opening.operation);
  return [{ ...facts, path: file.path, drive: { filename: facts.absolutePath } }];
}

function readLocation(text: string): Location {
  try {
    return locationOf(text);
  } catch (error) {
    if (!(error instanceof BadUri)) throw error;
    throw new UnusableImage('EINVAL', error.message, undefined, undefined, error.hint);
  }
}

/** The beginning of the disk, where it has one. What cannot be read now fails, with its reason, when it is added. */
async function headIn(
  { absolutePath: name, format, virtualSize, drive: { protocol } }: Source,
  { signal, workspace }: Opening,
): Promise<Buffer | undefined> {
  if (virtualSize < headOfDisk) return undefined;
  const blocks = headOfDisk / 4096;
  try {
    return format === 'raw' && protocol === undefined
      ? await headOfFile(name, headOfDisk, signal)
      : await headOfDiskIn({ name, format }, blocks, await workspace.path('head'), signal, patienceMs);
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}
