// What the facts that qemu-img tells of an image mean for those who want to read it.
import type { Fault } from '../faults/faults';
import { imageCorrupt, imageDirty, imageEmpty, imageEncrypted, oddSize } from '../faults/image-faults';
import type { ImageInfo } from './image-info';

const sectorSize = 512;

/** The fault for which an image cannot be read at all. */
export function faultOfInfo(path: string, { format, isEncrypted }: ImageInfo): Fault | undefined {
  return isEncrypted ? imageEncrypted(path, format) : undefined;
}

/**
 * What people should know of an image that can be read.
 *
 * @param fileSize size of its file; undefined for a block device
 */
export function notesOf(
  path: string,
  { format, virtualSize, isCorrupt, isDirty }: ImageInfo,
  fileSize: number | undefined,
): Fault[] {
  const notes: Fault[] = [];
  if (format === 'raw' && fileSize !== undefined && fileSize % sectorSize !== 0) {
    notes.push(oddSize(path, fileSize));
  }
  if (virtualSize === 0) notes.push(imageEmpty(path));
  if (isCorrupt) notes.push(imageCorrupt(path));
  if (isDirty) notes.push(imageDirty(path, 'its reference counts may not be up to date'));
  return notes;
}
