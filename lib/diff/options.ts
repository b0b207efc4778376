import type { ApplicationReport } from '../guests/report';
import type { InspectOptions } from '../inspect/options';
import type { PackageChange } from '../packages/compare';
import type { CompareOptions } from './compare';

/** Options of {@link diff}. */
export interface DiffOptions
  extends CompareOptions,
    Pick<
      InspectOptions,
      'onProgress' | 'keys' | 'timeout' | 'accel' | 'template' | 'handleOptions' | 'onHandle'
    > {
  /**
   * Root filesystem of the operating system to compare, where a guest has several: `'/dev/sda2'`, as {@link inspect}
   * reports.
   */
  readonly root?: string | undefined;
  /** Filesystem to compare instead of an operating system: a device or another mountable, such as a btrfs subvolume. */
  readonly mountable?: string | undefined;
}

/** Options of {@link diffPackages}. */
export interface DiffPackagesOptions extends Omit<InspectOptions, 'applications' | 'icon'> {
  /** Root filesystem of the operating system whose packages are compared, where a guest has several. */
  readonly root?: string | undefined;
}

/** A package that one of two guests has only, or both in other versions. */
export type PackageDifference = PackageChange<ApplicationReport>;
