// From what the user has named to what libguestfs is told of it, and what is known of it before the launch.
import { diskCut, otherSectors } from '../faults/image-faults';
import { headOfDiskIn, headOfFile } from '../host/heads';
import { readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { inTheNameOf, UnusableImage } from '../host/unusable-image';
import type { Opening, Source } from './opening';
import { openPacked } from './packed';
import { openRemote } from './remote';
import { headOfDisk, leastSizeOfDisk, sectorSizeOf, sectorSizeOfMbr } from './sector-size';
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
  for (const disk of disks) sources.push(await examined(disk, file.blocksize, opening));
  return sources;
}

/** A disk with what its own partition table says of it. */
async function examined(disk: Source, given: number | undefined, opening: Opening): Promise<Source> {
  const { path, virtualSize } = disk;
  const read = (at: number, length: number) => partOf(disk, { at, length }, opening);
  const head = virtualSize < headOfDisk ? undefined : await read(0, headOfDisk);
  if (!head) return { ...disk, blocksize: given };
  const ofGpt = sectorSizeOf(head);
  const ofMbr = ofGpt === undefined ? await sectorSizeOfMbr(head, virtualSize, read) : undefined;
  const found = ofGpt ?? ofMbr;
  const notes = [...disk.notes];
  const least = leastSizeOfDisk(head);
  if (least > virtualSize) notes.push(diskCut(path, virtualSize, least));
  if (given !== undefined && found !== undefined && given !== found)
    notes.push(otherSectors(path, given, found));
  // Disks have sectors of 512 bytes where nothing else is said.
  return { ...disk, notes, blocksize: given ?? ofGpt ?? (ofMbr === 4096 ? ofMbr : undefined) };
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

/** Bytes of a disk. What cannot be read now fails, with its reason, when the disk is added. */
async function partOf(
  { absolutePath: name, format, drive: { protocol } }: Source,
  { at, length }: { readonly at: number; readonly length: number },
  { signal, workspace }: Opening,
): Promise<Buffer | undefined> {
  try {
    return format === 'raw' && protocol === undefined
      ? await headOfFile(name, length, signal, at)
      : await headOfDiskIn(
          { name, format },
          { at, length },
          await workspace.path('head'),
          signal,
          patienceMs,
        );
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}
