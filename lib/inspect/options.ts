import { invalidType, outOfRange, unknownOption } from '../faults/arguments';
import type { Guestfs } from '../guestfs';
import type { Inspectable } from '../guests/images';
import { checkKeys, type VolumeKey } from '../guests/keys';
import type { GuestfsOptions } from '../launch/handle-options';
import { type Accelerator, checkLaunchOptions, type TemplateMode } from '../launch/options';
import { checkSignal, isObject, readOptions } from '../options/read';
import type { ProgressEvent } from '../options/types';

/** Options of {@link inspect}. */
export interface InspectOptions {
  /** Aborts the inspection: the appliance is killed, and the promise rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the progress of each libguestfs call, `launch` included, and before them of `'unpack'` where an image is packed. */
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Keys to try on encrypted volumes; a string is tried on all of them. Default: none, and they stay closed. */
  readonly keys?: readonly (string | VolumeKey)[] | undefined;
  /** Milliseconds that the launch may take; default: no limit. Limit the whole by `signal: AbortSignal.timeout(…)`. */
  readonly timeout?: number | undefined;
  /** Accelerator of the appliance, as in {@link LaunchOptions.accel}; default `'auto'`. */
  readonly accel?: Accelerator | undefined;
  /** Use of templates, as in {@link LaunchOptions.template}; default: that of the handle. */
  readonly template?: TemplateMode | undefined;
  /** List the installed packages; default true. */
  readonly applications?: boolean | undefined;
  /** Include the icons of the operating systems; default false. */
  readonly icon?: boolean | undefined;
  /** List the volumes, and what each lies on, LVM and RAID included; default false. */
  readonly volumes?: boolean | undefined;
  /** Find out where the space goes, which takes a walk over all files; default false. */
  readonly usage?: boolean | undefined;
  /** Tell how long the launch and the whole took; default false. */
  readonly times?: boolean | undefined;
  /** Options of the handle that the inspection makes. */
  readonly handleOptions?: GuestfsOptions | undefined;
  /** Receives the handle before it is launched, so that a ProgressReporter can be attached to it. */
  readonly onHandle?: ((handle: Guestfs) => void) | undefined;
}

/** The options, each read once and checked. */
export interface CheckedInspectOptions extends Omit<InspectOptions, 'keys'> {
  readonly keys: readonly VolumeKey[];
}

/** Options of {@link inspectAll}: those of {@link inspect}, which hold for each image, and those of the whole. */
export interface InspectAllOptions<T extends Inspectable = Inspectable>
  extends Omit<InspectOptions, 'onProgress' | 'onHandle'> {
  /**
   * Number of appliances that run side by side, 1 or more; default: as many as have a core each and fit into the memory
   * that is available when the iteration begins.
   */
  readonly concurrency?: number | undefined;
  /** Receives the progress of the whole and of each image. */
  readonly onProgress?: ((event: InspectAllProgress<T>) => void) | undefined;
  /** Receives the handle of each image before it is launched, so that a ProgressReporter can be attached to it. */
  readonly onHandle?: ((handle: Guestfs, image: T, index: number) => void) | undefined;
  /** Aborts all inspections: their appliances are killed, and the iteration rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Progress of {@link inspectAll}: what has happened with one image, and how far the whole is. */
export interface InspectAllProgress<T extends Inspectable = Inspectable> {
  /** Kind of news: the inspection of the image begins, makes progress, or has ended. */
  readonly type: 'start' | 'progress' | 'end';
  /** Image, as it was given. */
  readonly image: T;
  /** Place of the image among the images, from 0. */
  readonly index: number;
  /** Progress of a libguestfs call, `launch` included; only with `'progress'`. */
  readonly event?: ProgressEvent | undefined;
  /** Reason why the image could not be inspected; only with `'end'`. */
  readonly error?: Error | undefined;
  /** Number of images that are being inspected. */
  readonly running: number;
  /** Number of images whose inspection has ended, well or not. */
  readonly done: number;
  /** Number of images that could not be inspected. */
  readonly failed: number;
  /** Number of images; undefined until the iterable that they come from has ended. */
  readonly total: number | undefined;
}

/** Types of the options, but for `keys` and `signal`. */
const optionTypes: ReadonlyMap<string, string> = new Map([
  ['onProgress', 'function'],
  ['timeout', 'number'],
  ['accel', 'string'],
  ['template', 'string'],
  ['applications', 'boolean'],
  ['icon', 'boolean'],
  ['volumes', 'boolean'],
  ['usage', 'boolean'],
  ['times', 'boolean'],
  ['handleOptions', 'object'],
  ['onHandle', 'function'],
] satisfies [keyof InspectOptions, string][]);

export function checkOptions(options: InspectOptions): CheckedInspectOptions {
  return checkRead('inspect', readOptions('inspect', options));
}

/** The options of `inspectAll()`, each read once and checked. */
export interface CheckedInspectAllOptions<T extends Inspectable>
  extends Omit<InspectAllOptions<T>, 'keys'>,
    Pick<CheckedInspectOptions, 'keys'> {}

export function checkAllOptions<T extends Inspectable>(
  options: InspectAllOptions<T>,
): CheckedInspectAllOptions<T> {
  const { concurrency, ...others } = readOptions('inspectAll', options);
  if (concurrency !== undefined) {
    if (typeof concurrency !== 'number') {
      throw invalidType('inspectAll', 'options.concurrency', 'number', concurrency);
    }
    if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
      throw outOfRange('inspectAll', 'options.concurrency', 'an integer >= 1', concurrency);
    }
  }
  const { onProgress, onHandle, ...checked } = checkRead('inspectAll', others, ['concurrency']);
  // Both have been found to be functions; they take more arguments than those of inspect().
  const functions = { onProgress, onHandle } as Pick<InspectAllOptions<T>, 'onProgress' | 'onHandle'>;
  return { ...checked, ...functions, concurrency };
}

/** The options of an operation that inspects, each read once and checked. */
export function checkRead(
  operation: string,
  { keys, signal, ...others }: Record<string, unknown>,
  moreNames: readonly string[] = [],
): CheckedInspectOptions {
  for (const [name, value] of Object.entries(others)) {
    const expected = optionTypes.get(name);
    if (expected === undefined) {
      throw unknownOption(operation, name, ['signal', 'keys', ...optionTypes.keys(), ...moreNames]);
    }
    const matches = expected === 'object' ? isObject(value) : typeof value === expected;
    if (!matches) throw invalidType(operation, `options.${name}`, expected, value);
  }
  const checked = {
    ...(others as Omit<InspectOptions, 'keys' | 'signal'>),
    keys: keys === undefined ? [] : checkKeys(operation, keys),
    signal: checkSignal(operation, signal),
  };
  const { timeout, accel, template } = checked;
  checkLaunchOptions({ timeout, accel, template });
  return checked;
}
