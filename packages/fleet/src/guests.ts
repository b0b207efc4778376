// From the images that a program names to what a job says of them.
import { resolve } from 'node:path';
import { checkImages, type Inspectable, locationOf } from 'guestfs/internal';
import { FleetError } from './errors';
import type { WireImage } from './wire/schema';

/**
 * The disks of each guest as they travel: paths from the root, without what is a secret or the worker's to say.
 *
 * @throws TypeError, RangeError as `inspect()`; FleetError ERR_GUESTFS_FLEET_OPTION
 */
export function guestsOf(operation: string, item: unknown, number: number): WireImage[][] {
  const guests = number === 1 ? [item] : item;
  if (!Array.isArray(guests) || guests.length !== number)
    throw new FleetError(
      'ERR_GUESTFS_FLEET_OPTION',
      `${operation}: it takes ${number} guests at a time, as an array`,
    );
  return guests.map((guest) =>
    checkImages(guest as Inspectable, operation).map((file) => travelling(operation, file)),
  );
}

function travelling(operation: string, file: ReturnType<typeof checkImages>[number]): WireImage {
  const { path, format, blocksize, secret, followUris, libvirturi, within } = file;
  const staying = Object.entries({ secret, followUris, libvirturi, within }).find(
    ([, value]) => value !== undefined,
  );
  if (staying)
    throw new FleetError(
      'ERR_GUESTFS_FLEET_OPTION',
      `${operation}: ${staying[0]} of an image cannot travel: what a worker opens, and how, is said there`,
    );
  return {
    path: isUri(path) ? path : resolve(path),
    ...(format !== undefined && { format }),
    ...(blocksize !== undefined && { blocksize: blocksize as 512 | 4096 }),
  };
}

/** What is no good URI is the worker's to refuse. */
function isUri(path: string): boolean {
  if (/^domain:/.test(path)) return true;
  try {
    return locationOf(path).kind !== 'file' || /^file:/i.test(path);
  } catch {
    return true;
  }
}

/** The path of an image as the program has named it, in the place of that which has travelled. */
export function namedAsGiven(report: { images?: unknown }, item: unknown): void {
  const given = new Map(
    (Array.isArray(item) ? item : [item]).map((each) => {
      const path = typeof each === 'string' ? each : (each as { path: string }).path;
      return [isUri(path) ? path : resolve(path), path];
    }),
  );
  if (!Array.isArray(report.images)) return;
  for (const image of report.images as { path?: string }[])
    if (typeof image?.path === 'string') image.path = given.get(image.path) ?? image.path;
}
