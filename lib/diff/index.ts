import type { ImageSource } from '../host/image-types';
import type { Difference } from './differences';
import type { DiffOptions, DiffPackagesOptions, PackageDifference } from './options';

export type { PackageChange } from '../packages/compare';
export { type CompareOptions, compare } from './compare';
export type { Added, Change, Changed, Changes, Compared, Difference, Removed } from './differences';
export type { DiffOptions, DiffPackagesOptions, PackageDifference } from './options';

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

/**
 * Compares the packages of two guests: which came, which went, which have a newer or an older version, as their package
 * manager orders versions. Both are inspected side by side, read-only.
 *
 * ```ts
 * for (const { change, name } of await diffPackages('before.qcow2', 'after.qcow2')) console.log(change, name);
 * ```
 *
 * @param before - the disk of the first guest, or all its disks in their order
 * @param after - the disk of the second guest, or all its disks in their order
 * @throws what {@link inspect} throws; GuestfsError `ERR_GUESTFS_NO_ROOT` where a guest has no operating system, or
 * several and `root` is not given; `ERR_GUESTFS_NO_PACKAGE_LIST` where its packages are not known
 */
export function diffPackages(
  before: ImageSource | readonly ImageSource[],
  after: ImageSource | readonly ImageSource[],
  options?: DiffPackagesOptions,
): Promise<PackageDifference[]> {
  const implementation: typeof import('./packages') = require('./packages');
  return implementation.diffPackages(before, after, options);
}
