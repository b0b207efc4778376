import type { LibvirtAuthHandler } from '../calls/libvirt-auth';
import { invalidType, invalidValue, unknownOption } from '../faults/arguments';
import { readSettings } from '../options/read';
import { checkTemplateMode, isTemplateMode, type TemplateMode } from './options';

/** Options of the handle. All but `libvirtAuth` and `template` have a method that sets them later, before the launch. */
export interface GuestfsOptions {
  /** Read the environment variables `LIBGUESTFS_*` and `TMPDIR`; default true. C: `guestfs_parse_environment`. */
  readonly environment?: boolean | undefined;
  /**
   * Name of the handle in trace messages, to tell handles apart: ASCII letters, digits, `_` and `-`; default: none.
   * C: `guestfs_set_identifier`.
   */
  readonly identifier?: string | undefined;
  /**
   * Memory of the appliance in MiB, at least 256; default as libguestfs was built, mostly 1280. C:
   * `guestfs_set_memsize`.
   */
  readonly memsize?: number | undefined;
  /** Number of virtual processors of the appliance, 1 to 255; default 1. C: `guestfs_set_smp`. */
  readonly smp?: number | undefined;
  /**
   * Backend that runs the appliance: `'direct'`, `'libvirt'` or `'libvirt:URI'`; default as libguestfs was built.
   * C: `guestfs_set_backend`.
   */
  readonly backend?: string | undefined;
  /** Settings of the backend, such as `'force_tcg'`; default: none. C: `guestfs_set_backend_settings`. */
  readonly backendSettings?: readonly string[] | undefined;
  /** Folders in which libguestfs looks for the appliance, separated by colons. C: `guestfs_set_path`. */
  readonly path?: string | undefined;
  /** Folder in which the built appliance is kept; default `/var/tmp`. C: `guestfs_set_cachedir`. */
  readonly cachedir?: string | undefined;
  /**
   * Use of templates by launches of the handle that do not say: see `template` of {@link LaunchOptions}. Default: the
   * environment variable `GUESTFS_TEMPLATE`, if the environment is read.
   */
  readonly template?: TemplateMode | undefined;
  /** Folder for temporary files, such as overlays; default `/tmp`. C: `guestfs_set_tmpdir`. */
  readonly tmpdir?: string | undefined;
  /**
   * Answers libvirt when it wants credentials, for `addDomain` and a launch by libvirt; the call waits for the answer, and
   * the handler runs in the asynchronous context of that call. Without a handler libvirt asks on the terminal. When the
   * handler throws, the call fails with that error as its `cause`.
   * C: `GUESTFS_EVENT_LIBVIRT_AUTH`.
   */
  readonly libvirtAuth?: LibvirtAuthHandler | undefined;
}

/** Each of these options is one call. */
const setters: ReadonlyMap<string, string> = new Map([
  ['identifier', 'setIdentifier'],
  ['memsize', 'setMemsize'],
  ['smp', 'setSmp'],
  ['backend', 'setBackend'],
  ['backendSettings', 'setBackendSettings'],
  ['path', 'setPath'],
  ['cachedir', 'setCachedir'],
  ['tmpdir', 'setTmpdir'],
]);

/** The options of a handle, each read once and checked. */
export interface CheckedGuestfsOptions {
  readonly environment: boolean;
  readonly libvirtAuth: LibvirtAuthHandler | undefined;
  readonly template: TemplateMode | undefined;
  /** The calls that apply the rest. */
  readonly settings: readonly (readonly [setter: string, value: unknown])[];
}

export function checkHandleOptions(options: GuestfsOptions): CheckedGuestfsOptions {
  const { environment = true, libvirtAuth, template, ...others } = readSettings('Guestfs', options);
  if (typeof environment !== 'boolean') {
    throw invalidType('Guestfs', 'options.environment', 'boolean', environment);
  }
  if (libvirtAuth !== undefined && typeof libvirtAuth !== 'function') {
    throw invalidType('Guestfs', 'options.libvirtAuth', 'function', libvirtAuth);
  }
  const settings = Object.entries(others).map(([name, value]) => {
    const setter = setters.get(name);
    if (setter === undefined)
      throw unknownOption('Guestfs', name, ['environment', ...setters.keys(), 'template', 'libvirtAuth']);
    return [setter, value] as const;
  });
  return {
    ...{ environment, libvirtAuth: libvirtAuth as LibvirtAuthHandler | undefined, settings },
    template: checkTemplateMode('Guestfs', template) ?? (environment ? templateOfEnvironment() : undefined),
  };
}

/** libguestfs, too, refuses values of its variables that it does not know. */
function templateOfEnvironment(): TemplateMode | undefined {
  const mode = process.env.GUESTFS_TEMPLATE;
  if (mode === undefined || mode === '') return undefined;
  if (!isTemplateMode(mode)) {
    throw invalidValue('Guestfs', 'GUESTFS_TEMPLATE', "must be 'auto', 'never' or 'only' in the environment");
  }
  return mode;
}
