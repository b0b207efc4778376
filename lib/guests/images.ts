import { isAbsolute } from 'node:path';
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
  const { path, format, blocksize, secret, followUris, within, libvirturi } = readImage(operation, image);
  if (typeof path !== 'string') throw invalidType(operation, 'images.path', 'string', path);
  if (path === '' || path.includes('\0')) {
    throw invalidValue(operation, 'images.path', 'must be a path: not empty, without NUL');
  }
  return {
    path,
    ...checkFormat(operation, format),
    ...checkBlocksize(operation, blocksize),
    ...checkSecret(operation, secret),
    ...checkFollowUris(operation, followUris),
    ...checkWithin(operation, within),
    ...checkLibvirtUri(operation, libvirturi),
  };
}

/** Errors say of what type it is, not what it is. */
function checkSecret(operation: string, secret: unknown): Pick<ImageFile, 'secret'> {
  if (secret === undefined) return {};
  if (typeof secret !== 'string') throw invalidType(operation, 'images.secret', 'string', typeof secret);
  if (secret.includes('\0'))
    throw invalidValue(operation, 'images.secret', 'must not contain a NUL character');
  return { secret };
}

function checkLibvirtUri(operation: string, libvirturi: unknown): Pick<ImageFile, 'libvirturi'> {
  if (libvirturi === undefined) return {};
  if (typeof libvirturi !== 'string') throw invalidType(operation, 'images.libvirturi', 'string', libvirturi);
  if (libvirturi.includes('\0'))
    throw invalidValue(operation, 'images.libvirturi', 'must not contain a NUL character');
  return { libvirturi };
}

function checkFollowUris(operation: string, followUris: unknown): Pick<ImageFile, 'followUris'> {
  if (followUris === undefined) return {};
  if (typeof followUris === 'boolean') return { followUris };
  throw invalidType(operation, 'images.followUris', 'boolean', followUris);
}

function checkWithin(operation: string, within: unknown): Pick<ImageFile, 'within'> {
  if (within === undefined) return {};
  if (!isArray(within)) throw invalidType(operation, 'images.within', 'array of strings', within);
  return {
    within: checkEach(operation, 'images.within', within, (folder) => {
      if (typeof folder !== 'string')
        throw invalidType(operation, 'images.within', 'array of strings', folder);
      if (!isAbsolute(folder) || folder.includes('\0'))
        throw invalidValue(operation, 'images.within', 'must be absolute paths of folders');
      return folder;
    }),
  };
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

function readImage(operation: string, image: unknown): Partial<Record<keyof ImageFile, unknown>> {
  if (typeof image === 'string') return { path: image };
  if (isObject(image)) {
    return reading(operation, 'images', () => {
      const { path, format, blocksize, secret, followUris, within, libvirturi } = image;
      return { path, format, blocksize, secret, followUris, within, libvirturi };
    });
  }
  throw invalidType(operation, 'images', 'string, { path, format } or an array of these', image);
}
