import type { ImageSource } from '../host/image-types';
import type { Difference } from './differences';
import type { DiffOptions } from './options';

export { type CompareOptions, compare } from './compare';
export type { Added, Change, Changed, Changes, Compared, Difference, Removed } from './differences';
export type { DiffOptions } from './options';

/**
 * Compares two guests: yields what has changed from the one to the other, in the order of {@link Guestfs.walk}. The
 * disks of each are opened read-only, in an appliance of their own, and the operating system is mounted with all its
 * filesystems, or the only filesystem there is.
 *
 * ```ts
 * for await (const { path, change } of diff('before.qcow2', 'after.qcow2')) console.log(change, path);
 * ```
 *
 * Give the `format` of raw images that a guest could write to: see {@link ImageFile}.
 *
 * @param before - the disk of the first guest, or all its disks in their order
 * @param after - the disk of the second guest, or all its disks in their order
 * @throws TypeError, RangeError for bad options. The loop rejects with what {@link inspect} rejects with, and with a
 * GuestfsError `ERR_GUESTFS_NO_ROOT` when it is not clear what to mount: `message` names what there is
 */
export function diff(
  before: ImageSource | readonly ImageSource[],
  after: ImageSource | readonly ImageSource[],
  options?: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  // Loaded when it is needed: most programs that import the package never call it.
  const implementation: typeof import('./diff') = require('./diff');
  return implementation.diff(before, after, options);
}
