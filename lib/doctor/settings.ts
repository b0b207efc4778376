// What libguestfs on this machine says of itself: the library, and what a handle would use.
import type { Guestfs } from '../guestfs';
import { checkHandleOptions, type GuestfsOptions } from '../launch/handle-options';
import type { TemplateMode } from '../launch/options';

/** Settings that a handle with given options would use. */
export interface Settings {
  /** Version of libguestfs: `'1.48.6'`. */
  readonly version: string;
  /** Functions that this package knows and the library lacks, by their method's name. */
  readonly missing: readonly string[];
  readonly backend: string;
  readonly backendSettings: readonly string[];
  /** The hypervisor, since 1.60 also one to be looked for in PATH; undefined where the backend chooses it. */
  readonly hv: string | undefined;
  /** Folders in which the appliance is looked for, with colons between them. */
  readonly path: string;
  /** Memory of an appliance, MiB. */
  readonly memsize: number;
  readonly tmpdir: string;
  readonly cachedir: string;
  readonly sockdir: string;
  /** Use of templates; undefined where nobody has said anything. */
  readonly template: TemplateMode | undefined;
}

/** The methods for which the library has no function. */
function missingMethods(): string[] {
  const { Guestfs }: typeof import('../guestfs') = require('../guestfs');
  const { GuestfsMethods }: typeof import('../generated/methods') = require('../generated/methods');
  const names = Object.getOwnPropertyNames(GuestfsMethods.prototype).filter((name) => name !== 'constructor');
  return names.filter((name) => !Guestfs.supports(name));
}

/** Makes a handle. The addon is loaded only now: where it cannot be, that is what there is to be told. */
export function makeHandle(options: GuestfsOptions | undefined): Guestfs {
  const { Guestfs }: typeof import('../guestfs') = require('../guestfs');
  return new Guestfs(options);
}

/** @throws Error with the code `ERR_GUESTFS_NOT_LOADED`; what the handle throws for bad options */
export async function readSettings(options: GuestfsOptions | undefined): Promise<Settings> {
  const g = makeHandle(options);
  try {
    const { major, minor, release } = await g.version();
    const backend = await g.getBackend();
    return {
      version: [major, minor, release].join('.'),
      missing: missingMethods(),
      backend,
      backendSettings: await g.getBackendSettings(),
      hv: backend === 'direct' ? await g.getHv() : undefined,
      path: await g.getPath(),
      memsize: await g.getMemsize(),
      tmpdir: await g.getTmpdir(),
      cachedir: await g.getCachedir(),
      sockdir: await g.getSockdir(),
      template: checkHandleOptions(options ?? {}).template,
    };
  } finally {
    await g.close();
  }
}
