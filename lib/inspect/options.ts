import { invalidType, invalidValue, unknownOption } from '../errors';
import type { Guestfs, GuestfsOptions } from '../guestfs';
import { type Accelerator, checkLaunchOptions } from '../launch';
import { checkSignal, isArray, reading, readOptions } from '../options';
import type { ProgressEvent } from '../types';

/** A disk image: its path, or its path and format. */
export type ImageSource = string | ImageFile;

/** A disk image and its format. */
export interface ImageFile {
  /** On the host. */
  readonly path: string;
  /**
   * `'raw'`, `'qcow2'`, …; default: detected. Always give it for raw images that a guest could write to: a guest may
   * put the header of another format into its disk and so make the detection open any file of the host.
   */
  readonly format?: string | undefined;
}

/** A key, and for which volume it is. */
export interface VolumeKey {
  /** Device or UUID of the one volume that this key is for; default: it is tried on all. */
  readonly device?: string | undefined;
  /** The passphrase, or the recovery key of BitLocker. */
  readonly key: string;
}

/** Options of {@link inspect}. */
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

/** The options, each read once and checked. */
export interface CheckedInspectOptions extends Omit<InspectOptions, 'keys'> {
  readonly keys: readonly VolumeKey[];
}

/** All but `keys` and `signal`. */
const optionTypes: ReadonlyMap<string, string> = new Map([
  ['onProgress', 'function'],
  ['timeout', 'number'],
  ['accel', 'string'],
  ['applications', 'boolean'],
  ['icon', 'boolean'],
  ['handleOptions', 'object'],
  ['onHandle', 'function'],
] satisfies [keyof InspectOptions, string][]);

export function checkImages(images: ImageSource | readonly ImageSource[]): ImageFile[] {
  if (!isArray(images)) return [checkImage(images)];
  const checked = checkEach('images', images, checkImage);
  if (checked.length === 0) throw invalidValue('inspect', 'images', 'must name at least one image');
  return checked;
}

function checkImage(image: unknown): ImageFile {
  const { path, format } = readImage(image);
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

function readImage(image: unknown): { path: unknown; format?: unknown } {
  if (typeof image === 'string') return { path: image };
  if (isObject(image))
    return reading('inspect', 'images', () => ({ path: image.path, format: image.format }));
  throw invalidType('inspect', 'images', 'string, { path, format } or an array of these', image);
}

export function checkOptions(options: InspectOptions): CheckedInspectOptions {
  const { keys, signal, ...others } = readOptions('inspect', options);
  for (const [name, value] of Object.entries(others)) {
    const expected = optionTypes.get(name);
    if (expected === undefined) {
      throw unknownOption('inspect', name, ['signal', 'keys', ...optionTypes.keys()]);
    }
    const matches = expected === 'object' ? isObject(value) : typeof value === expected;
    if (!matches) throw invalidType('inspect', `options.${name}`, expected, value);
  }
  const checked = {
    ...(others as Omit<InspectOptions, 'keys' | 'signal'>),
    keys: keys === undefined ? [] : checkKeys(keys),
    signal: checkSignal('inspect', signal),
  };
  checkLaunchOptions({ timeout: checked.timeout, accel: checked.accel });
  return checked;
}

const keysExpected = 'array of strings or { device, key }';

function checkKeys(keys: unknown): VolumeKey[] {
  if (!isArray(keys)) throw invalidType('inspect', 'options.keys', keysExpected, typeof keys);
  return checkEach('options.keys', keys, checkKey);
}

/** Keys are secrets: errors say of what type something is, not what it is. */
function checkKey(each: unknown): VolumeKey {
  const { device, key } = readKey(each);
  if (typeof key !== 'string') throw invalidType('inspect', 'options.keys', keysExpected, typeof key);
  if (key.includes('\0')) throw invalidValue('inspect', 'options.keys', 'must not contain a NUL character');
  if (device !== undefined && typeof device !== 'string') {
    throw invalidType('inspect', 'options.keys.device', 'string', device);
  }
  return { device, key };
}

function readKey(each: unknown): { device?: unknown; key: unknown } {
  if (!isObject(each)) return { key: each };
  return reading('inspect', 'options.keys', () => ({ device: each.device, key: each.key }));
}

/** Reads and checks the elements one by one: nothing behind a bad one is read. */
function checkEach<T>(argument: string, list: readonly unknown[], check: (element: unknown) => T): T[] {
  const read = <V>(what: () => V) => reading('inspect', argument, what);
  const checked: T[] = [];
  for (let i = 0; i < read(() => list.length); i++) checked.push(check(read(() => list[i])));
  return checked;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
