import { invalidType, invalidValue } from '../faults/arguments';
import type { ImageFile, ImageSource } from '../host/image-types';
import { checkEach, isArray, isObject, reading } from '../options/read';

/** The disks of one guest, as {@link inspect} takes them: the only one, or a list of all. */
export type Inspectable = ImageSource | readonly ImageSource[];

/** Checks the disks of a guest; errors are told in the name of `operation`. */
export function checkImages(images: Inspectable, operation = 'inspect'): ImageFile[] {
  if (!isArray(images)) return [checkImage(operation, images)];
  const checked = checkEach(operation, 'images', images, (image) => checkImage(operation, image));
  if (checked.length === 0) throw invalidValue(operation, 'images', 'must name at least one image');
  return checked;
}

function checkImage(operation: string, image: unknown): ImageFile {
  const { path, format } = readImage(operation, image);
  if (typeof path !== 'string') throw invalidType(operation, 'images.path', 'string', path);
  if (path === '' || path.includes('\0')) {
    throw invalidValue(operation, 'images.path', 'must be a path: not empty, without NUL');
  }
  if (format === undefined) return { path };
  if (typeof format !== 'string') throw invalidType(operation, 'images.format', 'string', format);
  if (!/^\w+$/.test(format)) {
    throw invalidValue(operation, 'images.format', "must be a format of qemu, as 'raw' or 'qcow2'");
  }
  return { path, format };
}

function readImage(operation: string, image: unknown): { path: unknown; format?: unknown } {
  if (typeof image === 'string') return { path: image };
  if (isObject(image))
    return reading(operation, 'images', () => ({ path: image.path, format: image.format }));
  throw invalidType(operation, 'images', 'string, { path, format } or an array of these', image);
}
