import { invalidType, invalidValue, outOfRange } from '../faults/arguments';
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
  const { path, format, blocksize } = readImage(operation, image);
  if (typeof path !== 'string') throw invalidType(operation, 'images.path', 'string', path);
  if (path === '' || path.includes('\0')) {
    throw invalidValue(operation, 'images.path', 'must be a path: not empty, without NUL');
  }
  return { path, ...checkFormat(operation, format), ...checkBlocksize(operation, blocksize) };
}

function checkFormat(operation: string, format: unknown): Pick<ImageFile, 'format'> {
  if (format === undefined) return {};
  if (typeof format !== 'string') throw invalidType(operation, 'images.format', 'string', format);
  if (!/^\w+$/.test(format)) {
    throw invalidValue(operation, 'images.format', "must be a format of qemu, as 'raw' or 'qcow2'");
  }
  return { format };
}

function checkBlocksize(operation: string, blocksize: unknown): Pick<ImageFile, 'blocksize'> {
  if (blocksize === undefined) return {};
  if (typeof blocksize !== 'number') throw invalidType(operation, 'images.blocksize', 'number', blocksize);
  if (blocksize !== 512 && blocksize !== 4096) {
    throw outOfRange(operation, 'images.blocksize', '512 or 4096', blocksize);
  }
  return { blocksize };
}

function readImage(operation: string, image: unknown): Record<keyof ImageFile, unknown> {
  if (typeof image === 'string') return { path: image, format: undefined, blocksize: undefined };
  if (isObject(image)) {
    return reading(operation, 'images', () => {
      const { path, format, blocksize } = image;
      return { path, format, blocksize };
    });
  }
  throw invalidType(operation, 'images', 'string, { path, format } or an array of these', image);
}
