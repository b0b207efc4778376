// launch() that cannot hang: with a deadline, a signal, and a fallback for a KVM on which guests do not run.
import type { Calls } from '../calls/calls';
import type { Hold } from '../calls/hold';
import {
  AbortError,
  consoleOf,
  errorFor,
  faultError,
  GuestfsError,
  launchFailed,
  terminatedError,
} from '../faults/errors';
import { ownBackingFile } from '../faults/faults';
import { isStateCode } from '../faults/states';
import { blamesKvm } from '../faults/words';
import { noteBuild } from '../host/appliance-cache';
import { activityOf, isAppliance } from '../host/appliance-process';
import { watchForLoops } from '../host/backing-loops';
import { faultOfAppliance } from '../host/built-appliance';
import { kvmIsKnownToFail, kvmState, rememberThatKvmFails, verdictFile } from '../host/kvm';
import { requireDescriptors } from '../host/limits';
import { onceAnswering } from '../host/storage';
import type { NativeHandle } from '../native/addon';
import { signals } from '../options/abort-signals';
import type { CallOptions, LaunchPhase } from '../options/types';
import { printableLines } from '../text/lines';
import type { ApplianceSocket } from './appliance-socket';
import type { BackendSettings } from './backend-settings';
import type { Drives } from './drives';
import type { CheckedLaunchOptions } from './options';
import { launchTotal, Phases, positions } from './phases';
import { longestSilenceMs, Silence, silenceMs, type Verdict } from './silence';
import type { WarningDetails } from './warned';

const pollMs = 250;

/** Why the appliance did not run under KVM. */
interface KvmFailure {
  readonly why: string;
  /** Whether KVM is to blame, should the appliance run without it. */
  readonly remember: boolean;
  /** The guest was silent, and would have been for ever. */
  readonly silent: boolean;
  /** What the launch said itself. */
  readonly error: Error;
}

function kvmUnavailable({ why, error }: KvmFailure): GuestfsError {
  return errorFor({
    ...{ code: 'ERR_GUESTFS_KVM_UNAVAILABLE', operation: 'launch', cause: error },
    problem: `KVM on this machine does not run the appliance: ${why}`,
    hint: "Use accel: 'auto' or 'tcg'.",
  });
}

function kvmWarning({ why, remember }: KvmFailure): string {
  const file = verdictFile();
  const memory =
    remember && file ? ` This is remembered in ${file} for a day, or until the machine reboots.` : '';
  return (
    `KVM on this machine does not run the appliance: ${why}. ` +
    `Going on with TCG (software emulation), which is slower but works.${memory} ` +
    "Set LIBGUESTFS_BACKEND_SETTINGS=force_tcg or use launch({ accel: 'tcg' }) to skip the attempt."
  );
}

type Interruption = 'timeout' | 'abort' | 'kill' | 'loop' | Verdict;

const isSilence = (why: Interruption | undefined): why is Verdict => why === 'hangs' || why === 'starves';

/** What a launch works on. */
export interface LaunchParts {
  readonly calls: Calls;
  readonly native: NativeHandle;
  readonly drives: Drives;
  readonly backendSettings: BackendSettings;
  readonly socket: ApplianceSocket;
  warn(text: string, about: WarningDetails): void;
}

/** Handles whose qemu tells the guest of them; libguestfs keeps the parameter. */
const reportsDiskErrors = new WeakSet<NativeHandle>();

/** One launch of one handle, while the handle's queue waits for it. */
export class Launch {
  readonly #parts: LaunchParts;
  readonly #hold: Hold;
  readonly #options: CheckedLaunchOptions;
  readonly #started = Date.now();
  /** Whether libguestfs brings an appliance of its own, which has not been looked at yet. */
  #needsAppliance = true;
  /** The image that turned out to be its own backing file. */
  #loop = '';

  constructor(parts: LaunchParts, hold: Hold, options: CheckedLaunchOptions) {
    this.#parts = parts;
    this.#hold = hold;
    this.#options = options;
  }

  async run(): Promise<void> {
    if (this.#options.accel === 'kvm') requireKvm();
    // A handle that is up already refuses a launch in its own words, and new settings in words that would mislead.
    if (!(await this.#call<boolean>('isConfig'))) return this.#call('launch');
    requireDescriptors('launch');
    const backend = await this.#call<string>('getBackend');
    const settings = this.#parts.backendSettings.original(await this.#call<string[]>('getBackendSettings'));
    this.#needsAppliance = bringsAppliance(backend);
    await this.#reportDiskErrors(backend);
    this.#parts.drives.owe();
    try {
      await this.#launchOn(backend, settings);
      this.#parts.drives.settle();
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
  }

  async #launchOn(backend: string, settings: readonly string[]): Promise<void> {
    const unforced = settings.filter((setting) => !isForced(setting));
    if (this.#options.accel === 'tcg')
      return void (await this.#attempt(settings, [...unforced, 'force_tcg'], false));
    if (this.#options.accel === 'kvm') {
      const failure = await this.#attempt(settings, [...unforced, 'force_kvm'], backend === 'direct');
      if (failure) throw failure.remember || failure.silent ? kvmUnavailable(failure) : failure.error;
      return;
    }
    const decided = settings.some(isForced);
    const doubtful = !decided && backend === 'direct' && kvmState() === 'usable';
    if (doubtful && kvmIsKnownToFail()) {
      await this.#attempt(settings, [...settings, 'force_tcg'], false);
    } else {
      const failure = await this.#attempt(settings, settings, doubtful);
      if (failure) await this.#fallBack(settings, failure);
    }
  }

  /** KVM is to blame only when the same launch works without it, and when the failure looks like KVM's. */
  async #fallBack(settings: readonly string[], failure: KvmFailure): Promise<void> {
    await this.#attempt(settings, [...settings, 'force_tcg'], false);
    if (failure.remember) rememberThatKvmFails();
    this.#parts.warn(kvmWarning(failure), { code: 'KVM_FAILS', why: failure.why });
  }

  /**
   * Launches with these settings. When KVM is doubtful and the guest gave no sign of life, the reason is returned
   * instead of an error thrown; nothing is left of that launch.
   */
  async #attempt(
    original: readonly string[],
    settings: readonly string[],
    doubtful: boolean,
  ): Promise<KvmFailure | undefined> {
    this.#checkInterrupted();
    const { calls } = this.#parts;
    const cachedir = await this.#call<string>('getCachedir');
    this.#checkInterrupted(); // from here on it is watched

    let ended = false;
    const giveUp = new AbortController();
    let prepared = false;
    let interruption: Interruption | undefined;
    let removeUnfinished: (() => Promise<void>) | undefined;
    const interrupt = (why: Interruption) => {
      if (interruption || ended) return;
      interruption = why;
      removeUnfinished = noteBuild(cachedir);
      giveUp.abort();
      void calls.killUntil(() => ended).then((gone) => gone || calls.letGo(this.#hold));
    };
    const isWanted = () => interruption === undefined && !this.#hold.terminated;
    const watch = this.#watch(interrupt, doubtful);
    try {
      await this.#prepare(original, settings, giveUp.signal);
      if (!isWanted()) throw new Error('the launch was given up before it began');
      prepared = true;
      await this.#callLaunch(isWanted);
      if (isWanted()) this.#enter('ready'); // whoever hears it may think otherwise
      if (isWanted()) return undefined;
      // It came up in the very moment in which it was given up.
      await this.#call('shutdown').catch(() => undefined);
      throw new Error('the appliance was up when it was killed');
    } catch (error) {
      const isOutOfPlace = error instanceof GuestfsError && isStateCode(error.code);
      if (this.#hold.terminated || isOutOfPlace) throw this.#explain(interruption, error as Error);
      if (isSilence(interruption) && !this.#hold.stuck) {
        const remember = interruption === 'hangs';
        const why = remember
          ? `its kernel showed no sign of life within ${silenceMs / 1000} s`
          : `its kernel showed no sign of life within ${longestSilenceMs / 1000} s, in which this busy machine left it hardly any time`;
        return { why, remember, silent: true, error: this.#explain(undefined, error as Error) };
      }
      if (interruption === undefined && !prepared) throw error;
      if (interruption === undefined && doubtful && !watch.phases.alive) {
        const tail = this.#parts.native.consoleTail();
        const remember = blamesKvm(tail);
        return {
          why: `it ended at once (${lastLine(tail)})`,
          remember,
          silent: false,
          error: this.#explain(undefined, error as Error),
        };
      }
      throw this.#explain(interruption, error as Error);
    } finally {
      ended = true;
      watch.stop();
      await removeUnfinished?.().catch(() => undefined);
    }
  }

  /** Whatever may take its time, on storage that need not answer, before libguestfs launches. */
  async #prepare(
    original: readonly string[],
    settings: readonly string[],
    giveUp: AbortSignal,
  ): Promise<void> {
    if (this.#needsAppliance) await this.#checkAppliance(giveUp);
    await this.#restoreDrives(giveUp);
    await this.#call('setBackendSettings', [settings]);
    this.#parts.backendSettings.replace(original, settings);
  }

  async #checkAppliance(giveUp: AbortSignal): Promise<void> {
    const path = await this.#call<string>('getPath');
    const cachedir = await this.#call<string>('getCachedir');
    const tmpdir = await this.#call<string>('getTmpdir');
    const fault = await faultOfAppliance({ path, cachedir, tmpdir }, giveUp);
    if (fault) throw faultError('launch', fault);
    this.#needsAppliance = false;
  }

  async #callLaunch(wanted: () => boolean): Promise<void> {
    const { socket } = this.#parts;
    const folder = await this.#call<string>('getSockdir');
    const options = { onProgress: this.#options.onProgress };
    const launch = () => socket.during(folder, () => this.#call<void>('launch', [], options));
    try {
      await launch();
    } catch (error) {
      // A qemu that ended before it connected left its socket behind, and libguestfs stumbles over it.
      if ((error as GuestfsError).code !== 'EADDRINUSE' || !wanted()) throw error;
      if (!socket.removeStale(folder)) throw error;
      await launch();
    }
  }

  /** Watches clock, signal, console and processes. */
  #watch(
    interrupt: (why: Interruption) => void,
    silenceIsVerdict: boolean,
  ): { phases: Phases; stop(): void } {
    const { calls, native } = this.#parts;
    const { signal } = this.#options;
    const phases = new Phases((phase) => this.#enter(phase));
    const stopListening = calls.listenToConsole((text) => phases.read(text));
    const silence = new Silence();
    let isBooting = false;
    const poll = setInterval(() => {
      if (this.#hold.terminated) interrupt('kill');
      const qemu = native.children().find(isAppliance);
      if (qemu !== undefined && !isBooting) {
        isBooting = true;
        phases.enter('boot');
      }
      if (!isBooting || !silenceIsVerdict || phases.alive) return;
      const verdict = silence.observe(performance.now(), qemu === undefined ? undefined : activityOf(qemu));
      if (verdict) interrupt(verdict);
    }, pollMs);
    const left =
      this.#options.timeout === undefined ? undefined : this.#options.timeout - (Date.now() - this.#started);
    const clock = left === undefined ? undefined : setTimeout(() => interrupt('timeout'), Math.max(0, left));
    const onAbort = () => interrupt('abort');
    const unfollow = signal && signals.follow(signal, onAbort);
    phases.enter('appliance');
    const stopWatching = watchForLoops(this.#parts.drives.images(), (path) => {
      this.#loop = path;
      interrupt('loop');
    });
    const stop = () => {
      stopListening();
      stopWatching();
      clearInterval(poll);
      clearTimeout(clock);
      unfollow?.();
    };
    return { phases, stop };
  }

  #enter(phase: LaunchPhase): void {
    const stage = { phase, position: positions[phase], total: launchTotal, began: this.#started };
    this.#parts.calls.enter(this.#hold, stage, this.#options.onProgress);
  }

  /** libguestfs forgets its drives when an appliance dies. It would not let go of storage that does not answer. */
  #restoreDrives(giveUp: AbortSignal): Promise<void> {
    const { drives } = this.#parts;
    const paths = drives.images().map(({ path }) => path);
    return drives.restore(
      (method, args, options) => this.#call(method, args, options),
      () => onceAnswering(paths, giveUp, async () => undefined),
    );
  }

  #call<T>(method: string, args: readonly unknown[] = [], options?: CallOptions): Promise<T> {
    return this.#parts.calls.call<T>(method, args, options, this.#hold.operation);
  }

  #checkInterrupted(): void {
    const { signal } = this.#options;
    if (this.#hold.terminated) throw terminatedError('launch', '');
    if (signal?.aborted) throw new AbortError('launch', signal.reason);
  }

  #explain(interruption: Interruption | undefined, error: Error): Error {
    const tail = this.#parts.native.consoleTail();
    if (this.#hold.terminated) return terminatedError('launch', tail, error);
    if (interruption === 'abort') return new AbortError('launch', this.#options.signal?.reason);
    if (interruption === 'timeout') return this.#timedOut(tail, error);
    if (interruption === 'loop') return faultError('launch', ownBackingFile(this.#loop));
    if (!(error instanceof GuestfsError)) return error;
    return launchFailed(error, tail);
  }

  #timedOut(tail: string, cause: Error): GuestfsError {
    const advice =
      this.#options.accel === 'kvm'
        ? "KVM may not work on this machine: try accel: 'auto' or 'tcg'."
        : 'Emulation can take half a minute and more on a busy machine: try a longer timeout.';
    return errorFor({
      ...{ code: 'ERR_GUESTFS_TIMEOUT', operation: 'launch', cause },
      problem: `the appliance was not up after ${this.#options.timeout} ms`,
      hint: advice,
      said: consoleOf(tail),
    });
  }
}

/** Other backends connect to an appliance that is up already. */
function bringsAppliance(backend: string): boolean {
  return /^(direct|libvirt)\b/.test(backend);
}

function lastLine(console: string): string {
  return printableLines(console).at(-1) ?? 'without a word';
}

function isForced(setting: string): boolean {
  return /^force_(tcg|kvm)(=|$)/.test(setting);
}

function requireKvm(): void {
  const state = kvmState();
  if (state === 'usable') return;
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
