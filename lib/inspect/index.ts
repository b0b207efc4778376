import type { ImageSource, InspectOptions } from './options';
import type { InspectionReport } from './report';

export type { ImageFile, ImageSource, InspectOptions, VolumeKey } from './options';
export type * from './report';

/**
 * Finds out what is in the disk images of one guest. They are opened read-only; nothing is written to them.
 *
 * ```ts
 * const report = await inspect('disk.qcow2');
 * console.log(report.operatingSystems[0]?.productName);
 * ```
 *
 * Give the `format` of raw images that a guest could write to: see {@link ImageFile}.
 *
 * @param images - the one disk, or all disks of the guest in their order
 * @throws GuestfsError `ENOENT`, `EACCES`, `EISDIR`, … for an image, or a backing file, that cannot be read, before
 * anything is launched; what `launch()` throws; AbortError when `signal` is aborted. What fails later does not reject:
 * it is among the report's `problems`.
 */
export function inspect(
  images: ImageSource | readonly ImageSource[],
  options?: InspectOptions,
): Promise<InspectionReport> {
  // Loaded when it is needed: most programs that import the package never call it.
  const implementation: typeof import('./inspect') = require('./inspect');
  return implementation.inspect(images, options);
}
