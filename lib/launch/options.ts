import { invalidType, invalidValue, outOfRange, unknownOption } from '../faults/arguments';
import { facadeOptions, splitOptions } from '../options/read';
import type { CallOptions } from '../options/types';

/** Accelerator of the appliance's processor: KVM, emulation (`'tcg'`), or KVM where guests run on it (`'auto'`). */
export type Accelerator = 'auto' | 'kvm' | 'tcg';

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
}

const maxTimeout = 2 ** 31 - 1;

/** The options of a launch, each read once and checked. */
export interface CheckedLaunchOptions {
  readonly timeout: number | undefined;
  readonly accel: Accelerator;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: CallOptions['onProgress'];
}

export function checkLaunchOptions(options: LaunchOptions | undefined): CheckedLaunchOptions {
  const { names, values, signal, onProgress } = splitOptions('launch', options);
  const known = ['timeout', 'accel'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownOption('launch', unknown, [...known, ...facadeOptions()]);
  const [timeout, accel = 'auto'] = known.map((name) => values[names.indexOf(name)]);
  if (timeout !== undefined && typeof timeout !== 'number') {
    throw invalidType('launch', 'options.timeout', 'number', timeout);
  }
  if (timeout !== undefined && !(timeout > 0 && timeout <= maxTimeout)) {
    throw outOfRange('launch', 'options.timeout', `> 0 and <= ${maxTimeout} (milliseconds)`, timeout);
  }
  if (typeof accel !== 'string') throw invalidType('launch', 'options.accel', 'string', accel);
  if (!isAccelerator(accel)) throw invalidValue('launch', 'options.accel', "must be 'auto', 'kvm' or 'tcg'");
  return { timeout, accel, signal, onProgress };
}

function isAccelerator(text: string): text is Accelerator {
  return text === 'auto' || text === 'kvm' || text === 'tcg';
}
