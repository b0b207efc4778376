// launch() that cannot hang: on KVM, by emulation or from a template, whatever works on this machine.
import type { Hold } from '../calls/hold';
import type { MakeCall } from '../calls/make-call';
import { errorFor, type GuestfsError } from '../faults/errors';
import { kvmIsKnownToFail, kvmState, rememberThatKvmFails, verdictFile } from '../host/kvm';
import { requireDescriptors } from '../host/limits';
import type { NativeHandle } from '../native/addon';
import { type AttemptFailure, Attempts, type LaunchParts } from './attempt';
import { FromTemplate, type LaunchWay } from './from-template';
import type { CheckedLaunchOptions } from './options';

function kvmUnavailable({ why, error }: AttemptFailure): GuestfsError {
  return errorFor({
    ...{ code: 'ERR_GUESTFS_KVM_UNAVAILABLE', operation: 'launch', cause: error },
    problem: `KVM on this machine does not run the appliance: ${why}`,
    hint: "Use accel: 'auto' or 'tcg'.",
  });
}

function kvmWarning({ why, remember }: AttemptFailure): string {
  const file = verdictFile();
  const memory =
    remember && file ? ` This is remembered in ${file} for a day, or until the machine reboots.` : '';
  return (
    `KVM on this machine does not run the appliance: ${why}. ` +
    `Going on with TCG (software emulation), which is slower but works.${memory} ` +
    "Set LIBGUESTFS_BACKEND_SETTINGS=force_tcg or use launch({ accel: 'tcg' }) to skip the attempt."
  );
}

/** Handles whose qemu tells the guest of disk errors; libguestfs keeps the parameter. */
const reportsDiskErrors = new WeakSet<NativeHandle>();

/** One launch of one handle, while the handle's queue waits for it. */
export class Launch {
  readonly #parts: LaunchParts;
  readonly #hold: Hold;
  readonly #options: CheckedLaunchOptions;

  constructor(parts: LaunchParts, hold: Hold, options: CheckedLaunchOptions) {
    this.#parts = parts;
    this.#hold = hold;
    this.#options = options;
  }

  /** Returns how the appliance came up; undefined where it is not known, for nothing was started. */
  async run(): Promise<LaunchWay | undefined> {
    if (this.#options.accel === 'kvm') requireKvm();
    // A handle that is up already refuses a launch in its own words, and new settings in words that would mislead.
    if (!(await this.#call<boolean>('isConfig'))) return this.#call('launch');
    requireDescriptors('launch');
    const backend = await this.#call<string>('getBackend');
    const settings = this.#parts.backendSettings.original(await this.#call<string[]>('getBackendSettings'));
    await this.#reportDiskErrors(backend);
    this.#parts.drives.owe();
    const attempts = new Attempts(this.#parts, this.#hold, {
      ...{ options: this.#options, original: settings, needsAppliance: bringsAppliance(backend) },
    });
    const template = new FromTemplate(attempts, this.#call, {
      ...{
        options: this.#options,
        backend,
        qemu: this.#parts.hypervisor.original(await this.#call<string>('getHv')),
      },
    });
    try {
      await this.#launchOn(backend, settings, template);
      this.#parts.drives.settle();
      return template.way;
    } catch (error) {
      if (!this.#hold.stuck) await this.#resetAfterFailure(settings);
      throw error;
    }
  }

  /** When this machine's disk is full, qemu by itself stops without a word until somebody tells it to go on: for ever. */
  async #reportDiskErrors(backend: string): Promise<void> {
    const { native } = this.#parts;
    if (reportsDiskErrors.has(native) || !bringsAppliance(backend)) return;
    await this.#call('config', ['-global', 'scsi-hd.werror=report']);
    reportsDiskErrors.add(native);
  }

  /** So that the handle is as it was before, whatever the launch has tried. The drives come back when they are needed. */
  async #resetAfterFailure(settings: readonly string[]): Promise<void> {
    await this.#call('setBackendSettings', [settings]).catch(() => undefined);
    const current = await this.#call<string>('getHv').catch(() => undefined);
    const original = current && this.#parts.hypervisor.original(current);
    if (original !== current) await this.#call('setHv', [original]).catch(() => undefined);
    const path = await this.#call<string>('getPath').catch(() => undefined);
    const ownPath = path && this.#parts.path.original(path);
    if (ownPath !== path) await this.#call('setPath', [ownPath]).catch(() => undefined);
  }

  async #launchOn(backend: string, settings: readonly string[], template: FromTemplate): Promise<void> {
    const unforced = settings.filter((setting) => !isForced(setting));
    const emulate = (by: readonly string[]) => template.launch({ settings: by }, true);
    if (this.#options.accel === 'tcg') return void (await emulate([...unforced, 'force_tcg']));
    if (this.#options.accel === 'kvm') {
      const way = { settings: [...unforced, 'force_kvm'], doubtsKvm: backend === 'direct' };
      const failure = await template.launch(way, false);
      if (failure) throw failure.remember || failure.silent ? kvmUnavailable(failure) : failure.error;
      return;
    }
    const kvm = kvmState();
    if (settings.some(isForced) || backend !== 'direct' || kvm !== 'usable') {
      const isEmulated = settings.some((setting) => /^force_tcg\b/.test(setting)) || kvm !== 'usable';
      await template.launch({ settings }, isEmulated);
    } else if (kvmIsKnownToFail()) {
      await emulate([...settings, 'force_tcg']);
    } else {
      const failure = await template.launch({ settings, doubtsKvm: true }, false);
      if (failure) await this.#fallBack(settings, failure, emulate);
    }
  }

  /** KVM is to blame only when the same launch works without it, and when the failure looks like KVM's. */
  async #fallBack(
    settings: readonly string[],
    failure: AttemptFailure,
    emulate: (settings: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    await emulate([...settings, 'force_tcg']);
    if (failure.remember) rememberThatKvmFails();
    this.#parts.warn(kvmWarning(failure), { code: 'KVM_FAILS', why: failure.why });
  }

  readonly #call: MakeCall = (method, args = [], options) =>
    this.#parts.calls.call(method, args, options, this.#hold.operation);
}

/** Other backends connect to an appliance that is up already. */
function bringsAppliance(backend: string): boolean {
  return /^(direct|libvirt)\b/.test(backend);
}

function isForced(setting: string): boolean {
  return /^force_(tcg|kvm)(=|$)/.test(setting);
}

function requireKvm(): void {
  const state = kvmState();
  // Where this process may not look, qemu does.
  if (state === 'usable' || state === 'unknown') return;
  const [problem, remedy] = {
    missing: [
      'there is no /dev/kvm',
      'enable virtualisation in the firmware, or nested virtualisation in the host',
    ],
    forbidden: ['/dev/kvm may not be opened', 'add the user to the group `kvm` and log in again'],
  }[state] as [string, string];
  throw errorFor({
    ...{ code: 'ERR_GUESTFS_KVM_UNAVAILABLE', operation: 'launch' },
    problem: `KVM was asked for, but ${problem}`,
    hint: `${remedy}. Or use accel: 'auto'.`,
  });
}
