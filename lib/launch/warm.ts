// Builds the appliance that launches use, and makes the template that they go on from.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortError, GuestfsError } from '../faults/errors';
import type { GuestfsMethods } from '../generated/methods';
import { applianceFolder } from '../host/appliance-cache';
import { isEmulated } from '../host/kvm';
import { checkSignal, readOptions } from '../options/read';
import { type Refusal, type RefusalReason, refusal } from '../templates/refusal';
import { shareAppliance } from '../templates/shared-appliance';
import { TemplateStore } from '../templates/store';
import { type LaunchWay, refusalOf, usualMode } from './from-template';
import { checkHandleOptions, type GuestfsOptions } from './handle-options';
import type { LaunchOptions, TemplateMode } from './options';

/**
 * Options of {@link Guestfs.warm}: those of the handles to be launched later, and a signal. What shapes the machine, as
 * `memsize` and `smp`, makes a template of its own. With `template: 'only'` it rejects where there can be no template, with
 * `'never'` it makes none.
 */
export interface WarmOptions extends GuestfsOptions {
  /** Aborts the work, and the promise rejects with an `AbortError`. */
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
  /** Template from which launches go on. */
  readonly template: WarmTemplate;
}

/** A template as {@link Guestfs.warm} leaves it. */
export interface WarmTemplate {
  /** `'made'` by this call, `'ready'`, for it was there, or `'none'`: launches boot. */
  readonly state: 'made' | 'ready' | 'none';
  /** Key of the template, as {@link Guestfs.listTemplates} names it. */
  readonly key?: string | undefined;
  /** Folder of the template. */
  readonly folder?: string | undefined;
  /** Size on the disk, bytes, with its part of the appliance's root, which templates share. */
  readonly bytes?: number | undefined;
  /** Whether it is for all users: root has made it. */
  readonly shared?: boolean | undefined;
  /** Reason why there is none. */
  readonly reason?: RefusalReason | undefined;
  /** Reason in words: part of a sentence. */
  readonly why?: string | undefined;
}

/** The part of a handle that builds the appliance, and makes its template. */
type Builder = Pick<
  GuestfsMethods,
  'addDrive' | 'getBackendSettings' | 'getCachedir' | 'getPath' | 'setBackend' | 'setHv'
> & {
  readonly launchWay: LaunchWay | undefined;
  launch(options: LaunchOptions): Promise<void>;
  kill(): Promise<void>;
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
  const { built, cachedir } = await buildAppliance(makeHandle(settings), signal);
  const { template: mode } = checkHandleOptions(settings);
  const before = await applianceIn(cachedir);
  let template = await makeTemplate(makeHandle(settings), mode, signal);
  // Where others build it too, supermin may put another appliance in the place of the one that was to be the template.
  const mayBeAnother = built || (await applianceIn(cachedir)) !== before;
  if (template.reason === 'making' && mayBeAnother) {
    template = await makeTemplate(makeHandle(settings), mode, signal);
  }
  return { built, ms: Math.round(performance.now() - began), cachedir, template };
}

async function buildAppliance(
  g: Builder,
  signal: AbortSignal | undefined,
): Promise<Pick<WarmResult, 'built' | 'cachedir'>> {
  try {
    // The same appliance serves all backends that need one; this one builds it by itself.
    await g.setBackend('direct');
    await g.setHv(noHypervisor);
    await g.addDrive('/dev/null', { format: 'raw' });
    const cachedir = await g.getCachedir();
    const before = await applianceIn(cachedir);
    await buildBy(g, signal);
    return { built: (await applianceIn(cachedir)) !== before, cachedir };
  } finally {
    await g.close();
  }
}

async function buildBy(g: Builder, signal: AbortSignal | undefined): Promise<void> {
  try {
    // Emulation, and a boot: there is neither KVM nor a template to be tried and given up.
    await g.launch({ accel: 'tcg', template: 'never', signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortError('warm', signal.reason);
    if (!(error instanceof GuestfsError)) throw error;
    if (error.code === 'ERR_GUESTFS_NO_HYPERVISOR') return;
    throw ofWarm(error);
  }
}

const isRoot = process.geteuid?.() === 0;

/** Launches from the template, which makes it where there is none and shows that it works. */
async function makeTemplate(
  g: Builder,
  given: TemplateMode | undefined,
  signal: AbortSignal | undefined,
): Promise<WarmTemplate> {
  try {
    const mode = given ?? usualMode(isEmulated(await g.getBackendSettings()));
    if (typeof mode === 'object') return noTemplate(mode);
    if (mode === 'never') return noTemplate(refusal('off', 'templates are switched off'));
    await g.addDrive('/dev/null', { format: 'raw' });
    await g.launch({ template: 'only', signal });
    const { key = '', made = false } = g.launchWay ?? {};
    const cachedir = await g.getCachedir();
    const found = await new TemplateStore(cachedir).find(key);
    const shared = isRoot ? await shareAppliance({ path: await g.getPath(), cachedir }) : found?.shared;
    return { state: made ? 'made' : 'ready', key, folder: found?.folder, bytes: found?.bytes, shared };
  } catch (error) {
    if (signal?.aborted) throw new AbortError('warm', signal.reason);
    if (!(error instanceof GuestfsError)) throw error;
    if (given === 'only') throw ofWarm(error);
    // The appliance is there: with launches that boot, all is as it would be without templates.
    return noTemplate(refusalOf(error) ?? refusal('making', error.shortMessage));
  } finally {
    await g.kill().catch(() => undefined);
    await g.close();
  }
}

function noTemplate({ refused, why }: Refusal): WarmTemplate {
  return { state: 'none', reason: refused, why };
}

function ofWarm(error: GuestfsError): GuestfsError {
  const { code, errno, message, shortMessage, hint } = error;
  return new GuestfsError(message, { code, errno, operation: 'warm', cause: error, shortMessage, hint });
}

/** Another number than before: supermin has put a new appliance in its place. Undefined where there is none. */
async function applianceIn(cachedir: string): Promise<bigint | undefined> {
  return stat(join(applianceFolder(cachedir), 'appliance.d'), { bigint: true }).then(
    ({ ino }) => ino,
    () => undefined,
  );
}
