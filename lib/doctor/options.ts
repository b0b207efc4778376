import { invalidType, unknownOption } from '../faults/arguments';
import type { Guestfs } from '../guestfs';
import { checkImages } from '../guests/images';
import type { ImageFile, ImageSource } from '../host/image-types';
import type { GuestfsOptions } from '../launch/handle-options';
import { checkLaunchOptions } from '../launch/options';
import { checkSignal, isArray, reading, readOptions } from '../options/read';
import type { Finding } from './finding';

/** Options of {@link diagnose}. */
export interface DiagnoseOptions {
  /** Images to check, too: whether they can be opened, and whether another program has them open; default: none. */
  readonly images?: ImageSource | readonly ImageSource[] | undefined;
  /** Launch an appliance to see whether that works; default true. */
  readonly launch?: boolean | undefined;
  /** Milliseconds that the launch may take; default: three minutes. */
  readonly timeout?: number | undefined;
  /** Options of the handles that the program is going to make, so that their settings are checked. */
  readonly handleOptions?: GuestfsOptions | undefined;
  /** Receives each finding as soon as there is one. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  /** Receives the handle that is to be launched, so that a ProgressReporter can be attached to it. */
  readonly onHandle?: ((handle: Guestfs) => void) | undefined;
  /** Aborts the diagnosis, which rejects with an `AbortError`; nothing is left of the launch. */
  readonly signal?: AbortSignal | undefined;
}

/** The options, each read once and checked. */
export interface CheckedDiagnoseOptions extends Omit<DiagnoseOptions, 'images'> {
  readonly images: readonly ImageFile[];
}

/** Types of the options, but for `images` and `signal`. */
const optionTypes: ReadonlyMap<string, string> = new Map([
  ['launch', 'boolean'],
  ['timeout', 'number'],
  ['handleOptions', 'object'],
  ['onFinding', 'function'],
  ['onHandle', 'function'],
] satisfies [keyof DiagnoseOptions, string][]);

export function checkDiagnoseOptions(options: DiagnoseOptions | undefined): CheckedDiagnoseOptions {
  const { images, signal, ...others } = readOptions('diagnose', options);
  for (const [name, value] of Object.entries(others)) {
    const expected = optionTypes.get(name);
    if (expected === undefined) {
      throw unknownOption('diagnose', name, ['images', ...optionTypes.keys(), 'signal']);
    }
    if (typeof value !== expected || value === null) {
      throw invalidType('diagnose', `options.${name}`, expected, value);
    }
  }
  const checked = others as Omit<DiagnoseOptions, 'images' | 'signal'>;
  checkLaunchOptions({ timeout: checked.timeout });
  return {
    ...checked,
    images: images === undefined || isEmpty(images) ? [] : checkImages(images as ImageSource, 'diagnose'),
    signal: checkSignal('diagnose', signal),
  };
}

/** Whether a list of images is empty: for the doctor no image is as good as some. */
function isEmpty(images: unknown): boolean {
  return isArray(images) && reading('diagnose', 'options.images', () => images.length) === 0;
}
