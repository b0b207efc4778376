import type { InspectOptions } from '../inspect/options';
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
