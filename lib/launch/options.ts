import { invalidType, invalidValue, outOfRange, unknownOption } from '../faults/arguments';
import { facadeOptions, splitOptions } from '../options/read';
import type { CallOptions } from '../options/types';

/** Accelerator of the appliance's processor: KVM, emulation (`'tcg'`), or KVM where guests run on it (`'auto'`). */
export type Accelerator = 'auto' | 'kvm' | 'tcg';

/**
 * Use of templates, appliances that were booted before and saved: where one can be used or made (`'auto'`), not at all
 * (`'never'`), or not without (`'only'`).
 */
export type TemplateMode = 'auto' | 'never' | 'only';

/** Options of {@link Guestfs.launch}. */
export interface LaunchOptions extends Omit<CallOptions, 'killOnAbort'> {
  /**
   * Milliseconds after which the launch is given up and rejects with `ERR_GUESTFS_TIMEOUT`, not counted while it waits in
   * the queue: more than 0, up to 2147483647; default: no limit.
   */
  readonly timeout?: number | undefined;
  /**
   * Accelerator: `'kvm'` or `'tcg'` (emulation: works everywhere, several times slower) to insist on one; `'auto'`, the
   * default, takes KVM where guests run on it, and finds that out.
   */
  readonly accel?: Accelerator | undefined;
  /**
   * Whether the launch goes on from a template, which takes a second or two where emulated booting takes 15 and more:
   * `'auto'` where one can be used, made on the way where there is none, else it boots; `'never'`; `'only'` rejects with
   * `ERR_GUESTFS_TEMPLATE` where it would have to boot. Default: the handle's, else `'auto'` under emulation on x86-64 and
   * `'never'` elsewhere.
   */
  readonly template?: TemplateMode | undefined;
}

const maxTimeout = 2 ** 31 - 1;

/** The options of a launch, each read once and checked. */
export interface CheckedLaunchOptions {
  readonly timeout: number | undefined;
  readonly accel: Accelerator;
  /** Undefined: what is usual for the accelerator. */
  readonly template: TemplateMode | undefined;
  /** Set of augeas's lenses in the appliance. */
  readonly lenses: 'all' | 'inspection';
  readonly signal: AbortSignal | undefined;
  readonly onProgress: CallOptions['onProgress'];
}

/** `handle` is what a launch takes from its handle. */
export function checkLaunchOptions(
  options: LaunchOptions | undefined,
  handle: Partial<Pick<CheckedLaunchOptions, 'template' | 'lenses'>> = {},
): CheckedLaunchOptions {
  const { names, values, signal, onProgress } = splitOptions('launch', options);
  const known = ['timeout', 'accel', 'template'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownOption('launch', unknown, [...known, ...facadeOptions()]);
  const [timeout, accel = 'auto', template] = known.map((name) => values[names.indexOf(name)]);
  if (timeout !== undefined && typeof timeout !== 'number') {
    throw invalidType('launch', 'options.timeout', 'number', timeout);
  }
  if (timeout !== undefined && !(timeout > 0 && timeout <= maxTimeout)) {
    throw outOfRange('launch', 'options.timeout', `> 0 and <= ${maxTimeout} (milliseconds)`, timeout);
  }
  if (typeof accel !== 'string') throw invalidType('launch', 'options.accel', 'string', accel);
  if (!isAccelerator(accel)) throw invalidValue('launch', 'options.accel', "must be 'auto', 'kvm' or 'tcg'");
  const mode = checkTemplateMode('launch', template) ?? handle.template;
  return { timeout, accel, template: mode, lenses: handle.lenses ?? 'all', signal, onProgress };
}

function isAccelerator(text: string): text is Accelerator {
  return text === 'auto' || text === 'kvm' || text === 'tcg';
}

/** Checks the option `template` of an operation. */
export function checkTemplateMode(operation: string, mode: unknown): TemplateMode | undefined {
  if (mode === undefined) return undefined;
  if (typeof mode !== 'string') throw invalidType(operation, 'options.template', 'string', mode);
  if (!isTemplateMode(mode)) {
    throw invalidValue(operation, 'options.template', "must be 'auto', 'never' or 'only'");
  }
  return mode;
}

export function isTemplateMode(text: string): text is TemplateMode {
  return text === 'auto' || text === 'never' || text === 'only';
}
