// Builds the appliance that launches use, without launching it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortError, GuestfsError } from '../faults/errors';
import type { GuestfsMethods } from '../generated/methods';
import { applianceFolder } from '../host/appliance-cache';
import { checkSignal, readOptions } from '../options/read';
import type { GuestfsOptions } from './handle-options';
import type { LaunchOptions } from './options';

/** Options of {@link Guestfs.warm}: those of the handles to be launched later, and a signal. */
export interface WarmOptions extends GuestfsOptions {
  /** Aborts the building, and the promise rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@link Guestfs.warm}. */
export interface WarmResult {
  /** True when the appliance was built, by this or another process; false when it was there and up to date. */
  readonly built: boolean;
  /** Duration of the call, in milliseconds. */
  readonly ms: number;
  /** Folder in which the appliance is kept. */
  readonly cachedir: string;
}

/** The part of a handle that builds the appliance. */
type Builder = Pick<GuestfsMethods, 'addDrive' | 'getCachedir' | 'setBackend' | 'setHv'> & {
  launch(options: LaunchOptions): Promise<void>;
  close(): Promise<void>;
};

/** Cannot exist: libguestfs turns to the hypervisor once the appliance is there, and gets no further. */
const noHypervisor = '/dev/null/no-hypervisor';

/** `Guestfs.warm()`. */
export async function warm(
  makeHandle: (options: GuestfsOptions) => Builder,
  options: WarmOptions | undefined,
): Promise<WarmResult> {
  const { signal: given, ...settings } = readOptions('warm', options);
  const signal = checkSignal('warm', given);
  if (signal?.aborted) throw new AbortError('warm', signal.reason);
  const began = performance.now();
  const g = makeHandle(settings);
  try {
    // The same appliance serves all backends that need one; this one builds it by itself.
    await g.setBackend('direct');
    await g.setHv(noHypervisor);
    await g.addDrive('/dev/null', { format: 'raw' });
    const cachedir = await g.getCachedir();
    const before = await applianceIn(cachedir);
    await buildBy(g, signal);
    const built = (await applianceIn(cachedir)) !== before;
    return { built, ms: Math.round(performance.now() - began), cachedir };
  } finally {
    await g.close();
  }
}

async function buildBy(g: Builder, signal: AbortSignal | undefined): Promise<void> {
  try {
    // Emulation: there is no KVM to be tried and given up.
    await g.launch({ accel: 'tcg', signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortError('warm', signal.reason);
    if (!(error instanceof GuestfsError)) throw error;
    if (error.code === 'ERR_GUESTFS_NO_HYPERVISOR') return;
    const { code, errno, message, shortMessage, hint } = error;
    throw new GuestfsError(message, { code, errno, operation: 'warm', cause: error, shortMessage, hint });
  }
}

/** Another number than before: supermin has put a new appliance in its place. Undefined where there is none. */
async function applianceIn(cachedir: string): Promise<bigint | undefined> {
  return stat(join(applianceFolder(cachedir), 'appliance.d'), { bigint: true }).then(
    ({ ino }) => ino,
    () => undefined,
  );
}
