import type { ImageFacts } from '../host/image-facts';
import type { Protocol } from './uri';
import type { Workspace } from './workspace';

/** Circumstances in which images are opened. */
export interface Opening {
  /** Method or command in whose name errors are told. */
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  readonly workspace: Workspace;
  /** Whether the images are to be changed. */
  readonly writable: boolean;
  /** Hears, first with 0 bytes, of an image that has to be unpacked. */
  readonly onUnpack?: ((shown: string, read: number, size: number) => void) | undefined;
}

/** What libguestfs is told of a drive, beside its format and what concerns all of them. */
export interface Drive {
  readonly filename: string;
  readonly protocol?: Protocol | undefined;
  readonly server?: readonly string[] | undefined;
  readonly username?: string | undefined;
}

/** A disk, as the host knows it before the launch. */
export interface Source extends ImageFacts {
  readonly drive: Drive;
}
