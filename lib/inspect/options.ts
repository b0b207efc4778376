import { invalidType, invalidValue, unknownOption } from '../errors';
import type { Guestfs, GuestfsOptions } from '../guestfs';
import { type Accelerator, checkLaunchOptions } from '../launch';
import type { ProgressEvent } from '../types';

/** A disk image: its path, or its path and format. */
export type ImageSource = string | ImageFile;

export interface ImageFile {
  readonly path: string;
  /**
   * `'raw'`, `'qcow2'`, …; default: detected. Always give it for raw images that a guest could write to: a guest may
   * put the header of another format into its disk and so make the detection open any file of the host.
   */
  readonly format?: string | undefined;
}

export interface VolumeKey {
  /** Device or UUID of the one volume that this key is for; default: it is tried on all. */
  readonly device?: string | undefined;
  /** The passphrase, or the recovery key of BitLocker. */
  readonly key: string;
}

export interface InspectOptions {
  /** Gives the inspection up: kills the appliance and rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /** Progress of each libguestfs call, `launch` included. */
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Keys to try on encrypted volumes. */
  readonly keys?: readonly (string | VolumeKey)[] | undefined;
  /** Milliseconds that the launch may take; default: no limit. Limit the whole by `signal: AbortSignal.timeout(…)`. */
  readonly timeout?: number | undefined;
  /** As in `launch()`; default `'auto'`. */
  readonly accel?: Accelerator | undefined;
  /** List the installed packages; default true. */
  readonly applications?: boolean | undefined;
  /** Include the icons of the operating systems; default false. */
  readonly icon?: boolean | undefined;
  /** For the handle that the inspection makes. */
  readonly handleOptions?: GuestfsOptions | undefined;
  /** Receives that handle before it is launched, so that a ProgressReporter can be attached to it. */
  readonly onHandle?: ((handle: Guestfs) => void) | undefined;
}

/** All but `keys`. */
const optionTypes: ReadonlyMap<string, string> = new Map([
  ['signal', 'object'],
  ['onProgress', 'function'],
  ['timeout', 'number'],
  ['accel', 'string'],
  ['applications', 'boolean'],
  ['icon', 'boolean'],
  ['handleOptions', 'object'],
  ['onHandle', 'function'],
] satisfies [keyof InspectOptions, string][]);

export function checkImages(images: ImageSource | readonly ImageSource[]): ImageFile[] {
  const list: readonly unknown[] = Array.isArray(images) ? images : [images];
  if (list.length === 0) throw invalidValue('inspect', 'images', 'must name at least one image');
  return list.map(checkImage);
}

function checkImage(image: unknown): ImageFile {
  const file = typeof image === 'string' ? { path: image } : image;
  if (!isObject(file)) {
    throw invalidType('inspect', 'images', 'string, { path, format } or an array of these', image);
  }
  const { path, format } = file;
  if (typeof path !== 'string') throw invalidType('inspect', 'images.path', 'string', path);
  if (path === '' || path.includes('\0')) {
    throw invalidValue('inspect', 'images.path', 'must be a path: not empty, without NUL');
  }
  if (format === undefined) return { path };
  if (typeof format !== 'string') throw invalidType('inspect', 'images.format', 'string', format);
  if (!/^\w+$/.test(format)) {
    throw invalidValue('inspect', 'images.format', "must be a format of qemu, as 'raw' or 'qcow2'");
  }
  return { path, format };
}

export function checkOptions(options: InspectOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidType('inspect', 'options', 'object', options);
  }
  const { keys, ...others } = options;
  if (keys !== undefined) checkKeys(keys);
  for (const [name, value] of Object.entries(others)) {
    const expected = optionTypes.get(name);
    if (expected === undefined) throw unknownOption('inspect', name, ['keys', ...optionTypes.keys()]);
    const matches = expected === 'object' ? isObject(value) : typeof value === expected;
    if (value !== undefined && !matches) throw invalidType('inspect', `options.${name}`, expected, value);
  }
  const { signal, timeout, accel } = options;
  if (signal && !('aborted' in signal && 'addEventListener' in signal)) {
    throw invalidType('inspect', 'options.signal', 'AbortSignal', signal);
  }
  checkLaunchOptions({ timeout, accel });
}

/** Keys are secrets: errors say of what type something is, not what it is. */
function checkKeys(keys: unknown): void {
  const expected = 'array of strings or { device, key }';
  if (!Array.isArray(keys)) throw invalidType('inspect', 'options.keys', expected, typeof keys);
  for (const each of keys) {
    const { device, key }: Record<string, unknown> = isObject(each) ? each : { key: each };
    if (typeof key !== 'string') throw invalidType('inspect', 'options.keys', expected, typeof key);
    if (key.includes('\0')) throw invalidValue('inspect', 'options.keys', 'must not contain a NUL character');
    if (device !== undefined && typeof device !== 'string') {
      throw invalidType('inspect', 'options.keys.device', 'string', device);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
