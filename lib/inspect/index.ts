import type { Inspectable } from '../guests/images';
import type { InspectionReport, InspectionResult } from '../guests/report';
import type { InspectAllOptions, InspectOptions } from './options';

export type { Inspectable } from '../guests/images';
export type { VolumeKey } from '../guests/keys';
export type * from '../guests/report';
export type { BackingFile, ImageFile, ImageReport, ImageSource } from '../host/image-types';
export type { InspectAllOptions, InspectAllProgress, InspectOptions } from './options';

/**
 * Finds out what is in the disk images of one guest. The images are opened read-only; nothing is written to them.
 *
 * ```ts
 * const report = await inspect('disk.qcow2');
 * console.log(report.operatingSystems[0]?.productName);
 * ```
 *
 * Give the `format` of raw images that a guest could write to: see {@link ImageFile}.
 *
 * @param images - the disk of the guest, or all its disks in their order
 * @throws GuestfsError `ENOENT`, `EACCES`, `EISDIR`, … for an image, or a backing file, that cannot be read, before
 * anything is launched; what `launch()` throws; AbortError when `signal` is aborted. What fails later does not reject:
 * it is among the report's `problems`.
 */
export function inspect(images: Inspectable, options?: InspectOptions): Promise<InspectionReport> {
  // Loaded when it is needed: most programs that import the package never call it.
  const implementation: typeof import('./inspect') = require('./inspect');
  return implementation.inspect(images, options);
}

/**
 * Inspects many images, several at a time, each in an appliance of its own; yields the results in the order in which
 * the inspections end.
 *
 * ```ts
 * for await (const { image, report, error } of inspectAll(['a.qcow2', 'b.qcow2'])) {
 *   console.log(image, error ? error.message : report.operatingSystems[0]?.productName);
 * }
 * ```
 *
 * An image that fails is a result with an `error`, and changes nothing for the others. Nothing is launched before the
 * first result is asked for; from then on images are inspected ahead of the loop, until as many results wait as
 * appliances may run. Leaving the loop kills the appliances that still run, and waits until they are gone.
 *
 * @param images - each an image, or the list of all images of one guest; they are taken from an iterable, also an
 * endless or asynchronous one, when there is room for another appliance
 * @throws TypeError, RangeError for bad options. The iteration rejects with an AbortError when `signal` is aborted, and
 * with the error of an iterable that fails, once what had begun has been given
 */
export function inspectAll<T extends Inspectable>(
  images: (Iterable<T> | AsyncIterable<T>) & object,
  options?: InspectAllOptions<T>,
): AsyncIterableIterator<InspectionResult<T>> {
  const implementation: typeof import('./inspect-all') = require('./inspect-all');
  return implementation.inspectAll(images, options);
}
