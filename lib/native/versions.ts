import { inspect } from 'node:util';
import { nodeApiVersion, packageVersion } from '../text/generated/package';
import { functions, openNativeHandle } from './addon';

/** Versions of what works together here. */
export interface Versions {
  /** Version of this package: `'1.2.3'`. */
  readonly guestfs: string;
  /** Version of the libguestfs that is loaded: `'1.48.6'`. C: `guestfs_version`. */
  readonly libguestfs: string;
  /** Version of Node-API that the addon needs; `process.versions.napi` is the one that Node.js has. */
  readonly napi: string;
}

let libguestfs: string | undefined;

/**
 * Versions of the package, of the libguestfs that is loaded, and of Node-API.
 *
 * ```ts
 * console.log(versions); // { guestfs: '1.2.3', libguestfs: '1.48.6', napi: '9' }
 * ```
 */
export const versions: Versions = {
  guestfs: packageVersion,
  get libguestfs(): string {
    libguestfs ??= askLibrary();
    return libguestfs;
  },
  napi: nodeApiVersion,
};
// So that console.log() shows what there is, and no getter.
Object.freeze(Object.defineProperty(versions, inspect.custom, { value: () => ({ ...versions }) }));

function askLibrary(): string {
  // Whoever receives messages is asked to say when a turn of the event loop is over, and all handles wait for that: this one
  // receives none, and is left to the collector.
  const handle = openNativeHandle();
  const answer = handle.callInstantly(functions.get('version')?.number ?? -1, [], [], []);
  const { major, minor, release } = (answer as { value: Record<string, bigint> }).value;
  return [major, minor, release].join('.');
}
