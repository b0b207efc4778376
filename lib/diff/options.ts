import type { InspectOptions } from '../inspect/options';
import type { CompareOptions } from './compare';

/** Options of {@link diff}. */
export interface DiffOptions
  extends CompareOptions,
    Pick<InspectOptions, 'onProgress' | 'keys' | 'timeout' | 'accel' | 'handleOptions' | 'onHandle'> {
  /** Device of the operating system to compare, of several, as {@link inspect} names it: `'/dev/sda2'`. */
  readonly root?: string | undefined;
  /** Device of a filesystem to compare instead of an operating system, or what else can be mounted. */
  readonly mountable?: string | undefined;
}
