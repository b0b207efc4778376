// One attempt to bring the appliance up: with a deadline, a signal, and a watch over the guest's first signs of life.
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
import { onceAnswering, unlessAborted } from '../host/storage';
import type { NativeHandle } from '../native/addon';
import { signals } from '../options/abort-signals';
import type { CallOptions, LaunchPhase } from '../options/types';
import { sharedAppliance } from '../templates/shared-appliance';
import type { Start, StartKind } from '../templates/start';
import { printableLines } from '../text/lines';
import type { ApplianceSocket } from './appliance-socket';
import type { BackendSettings } from './backend-settings';
import type { Drives } from './drives';
import { notForLong } from './last-moment';
import type { CheckedLaunchOptions } from './options';
import { launchTotal, Phases, positions } from './phases';
import type { ReplacedSetting } from './replaced-setting';
import { longestSilenceMs, Silence, silenceMs, type Verdict } from './silence';
import type { WarningDetails } from './warned';

const pollMs = 250;

/** Milliseconds more for which a clone may be silent, for each of its drives: when it has said its last word the daemon looks at all. */
const perDriveMs = 300;

/** Milliseconds for which a clone may be silent after a complaint of qemu. */
const lastWordMs = 1000;

/** Why an appliance did not come up that something doubtful was to run: KVM, or a template. */
export interface AttemptFailure {
  readonly why: string;
  /** Whether what is doubtful is to blame, should the appliance run without it. */
  readonly remember: boolean;
  /** The guest was silent, and would have been for ever. */
  readonly silent: boolean;
  /** What the launch said itself. */
  readonly error: Error;
}

type Interruption = 'timeout' | 'abort' | 'kill' | 'loop' | 'unmade' | Verdict;

const isSilence = (why: Interruption | undefined): why is Verdict => why === 'hangs' || why === 'starves';

/** What a launch works on. */
export interface LaunchParts {
  readonly calls: Calls;
  readonly native: NativeHandle;
  readonly drives: Drives;
  readonly backendSettings: BackendSettings;
  readonly hypervisor: ReplacedSetting;
  readonly path: ReplacedSetting;
  readonly socket: ApplianceSocket;
  warn(text: string, about: WarningDetails): void;
  /** Hears of each phase, for whoever traces the launch. */
  phase(phase: LaunchPhase): void;
}

/** How an attempt is made. */
export interface Way {
  /** Settings of the backend. */
  readonly settings: readonly string[];
  /** Nobody knows whether guests run on this machine's KVM. */
  readonly doubtsKvm?: boolean;
  /** What decides about the start of qemu, and stands in its place. */
  readonly start?: Start | undefined;
}

/** The attempts of one launch. */
export class Attempts {
  readonly #parts: LaunchParts;
  readonly #hold: Hold;
  readonly #options: CheckedLaunchOptions;
  /** Settings of the backend as the program has made them. */
  readonly #original: readonly string[];
  readonly #began = Date.now();
  /** Whether libguestfs brings an appliance of its own, which has not been looked at yet. */
  #needsAppliance: boolean;
  /** The image that turned out to be its own backing file. */
  #loop = '';
  #count = 0;

  constructor(
    parts: LaunchParts,
    hold: Hold,
    {
      options,
      original,
      needsAppliance,
    }: { options: CheckedLaunchOptions; original: readonly string[]; needsAppliance: boolean },
  ) {
    this.#parts = parts;
    this.#hold = hold;
    this.#options = options;
    this.#original = original;
    this.#needsAppliance = needsAppliance;
  }

  /**
   * Launches. When something about it is doubtful and that may be to blame, the reason is returned instead of an error
   * thrown; nothing is left of that launch.
   */
  async make(way: Way): Promise<AttemptFailure | undefined> {
    this.#checkInterrupted();
    this.#count++;
    const { calls } = this.#parts;
    const { start } = way;
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
    const watch = this.#watch(interrupt, way);
    try {
      await this.#prepare(way, giveUp.signal);
      if (!isWanted()) throw new Error('the launch was given up before it began');
      prepared = true;
      await this.#callLaunch(start, isWanted, giveUp.signal);
      if (isWanted()) this.enter('ready'); // whoever hears it may think otherwise
      if (isWanted()) return undefined;
      // It came up in the very moment in which it was given up.
      await this.#call('shutdown').catch(() => undefined);
      throw new Error('the appliance was up when it was killed');
    } catch (error) {
      const isOutOfPlace = error instanceof GuestfsError && isStateCode(error.code);
      if (this.#hold.terminated || isOutOfPlace) throw this.#explain(interruption, error as Error);
      if (isSilence(interruption) && !this.#hold.stuck) {
        const remember = interruption === 'hangs';
        return {
          ...{ why: start?.markers.complaint ?? silenceIn(remember), remember, silent: true },
          error: this.#explain(undefined, error as Error),
        };
      }
      if (interruption !== undefined && interruption !== 'unmade')
        throw this.#explain(interruption, error as Error);
      if (!prepared && start?.refused) {
        return { why: start.refused.why, remember: false, silent: false, error: error as Error };
      }
      if (!prepared) throw error;
      const explained = this.#explain(undefined, error as Error);
      const tail = this.#parts.native.consoleTail();
      // Before libguestfs has asked for qemu, nothing about templates can be to blame.
      if (start && start.kind !== 'boot' && (start.kind ?? start.refused) !== undefined) {
        const why = start.refused?.why ?? start.markers.failure ?? lastLine(tail);
        return { why, remember: start.kind === 'restore', silent: false, error: explained };
      }
      if (way.doubtsKvm && !watch.phases.alive) {
        const why = `it ended at once (${lastLine(tail)})`;
        return { why, remember: blamesKvm(tail), silent: false, error: explained };
      }
      throw explained;
    } finally {
      ended = true;
      watch.stop();
      await notForLong(start?.remove());
      await removeUnfinished?.().catch(() => undefined);
    }
  }

  /** Whatever may take its time, on storage that need not answer, before libguestfs launches. */
  async #prepare({ settings, start }: Way, giveUp: AbortSignal): Promise<void> {
    await this.#setHypervisor(start, giveUp);
    await this.#takeAppliance(start !== undefined, giveUp);
    if (this.#needsAppliance) await this.#checkAppliance(giveUp);
    await this.#restoreDrives(giveUp);
    await this.#call('setBackendSettings', [settings]);
    this.#parts.backendSettings.replace(this.#original, settings);
  }

  /** Puts the start in the place of the handle's qemu, or that back. */
  async #setHypervisor(start: Start | undefined, giveUp: AbortSignal): Promise<void> {
    const current = await this.#call<string>('getHv');
    const qemu = this.#parts.hypervisor.original(current);
    const program = start ? await onceAnswering(start.places, giveUp, () => start.prepare()) : qemu;
    if (program === current) return;
    await this.#call('setHv', [program]);
    this.#parts.hypervisor.replace(qemu, program);
  }

  /**
   * Takes root's appliance for a template: of one that would have to be built for this user there is none yet. A launch
   * before may have taken it.
   */
  async #takeAppliance(forTemplate: boolean, giveUp: AbortSignal): Promise<void> {
    const current = await this.#call<string>('getPath');
    const path = this.#parts.path.original(current);
    const shared = forTemplate ? await this.#sharedAppliance(path, giveUp) : undefined;
    if ((shared ?? path) === current) return;
    await this.#call('setPath', [shared ?? path]);
    if (shared !== undefined) this.#parts.path.replace(path, shared);
  }

  async #sharedAppliance(path: string, giveUp: AbortSignal): Promise<string | undefined> {
    const cachedir = await this.#call<string>('getCachedir');
    return onceAnswering([cachedir, ...path.split(':')], giveUp, () => sharedAppliance({ path, cachedir }));
  }

  async #checkAppliance(giveUp: AbortSignal): Promise<void> {
    const path = await this.#call<string>('getPath');
    const cachedir = await this.#call<string>('getCachedir');
    const tmpdir = await this.#call<string>('getTmpdir');
    const fault = await faultOfAppliance({ path, cachedir, tmpdir }, giveUp);
    if (fault) throw faultError('launch', fault);
    this.#needsAppliance = false;
  }

  async #callLaunch(start: Start | undefined, wanted: () => boolean, giveUp: AbortSignal): Promise<void> {
    const serving = start?.serve();
    try {
      await this.#launchOnce(wanted);
    } finally {
      start?.end();
      await notForLong(start?.note());
      // It may have a template to put into its place; given up, it may clear away what it has begun.
      if (serving) await unlessAborted(serving, giveUp).catch(() => notForLong(serving));
    }
  }

  async #launchOnce(wanted: () => boolean): Promise<void> {
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
    { start, doubtsKvm }: Way,
  ): { phases: Phases; stop(): void } {
    const { calls, native } = this.#parts;
    const { signal } = this.#options;
    const phases = new Phases((phase) => this.enter(phase));
    const patience = silenceMs + perDriveMs * this.#parts.drives.images().length;
    let silence = new Silence(start ? patience : silenceMs);
    const stopListening = calls.listenToConsole((text) => {
      start?.markers.read(text);
      if (start?.kind !== 'restore') phases.read(text);
      // It says something at each step.
      else silence = new Silence(start.markers.complaint === undefined ? patience : lastWordMs);
    });
    let isBooting = false;
    const isSuspicious = (kind: StartKind | undefined) => {
      if (kind === 'restore') return true;
      return !phases.alive && (kind === 'make' || (isBooting && doubtsKvm === true));
    };
    const poll = setInterval(() => {
      if (this.#hold.terminated) interrupt('kill');
      if (start?.hasFailedToMake) interrupt('unmade'); // its guest would wait for ever
      const qemu = native.children().find(isAppliance);
      if (qemu !== undefined && !isBooting && (!start || start.kind === 'boot')) {
        isBooting = true;
        phases.enter('boot');
      }
      if (!isSuspicious(start?.kind)) return;
      const verdict = silence.observe(performance.now(), qemu === undefined ? undefined : activityOf(qemu));
      if (verdict) interrupt(verdict);
    }, pollMs);
    const left =
      this.#options.timeout === undefined ? undefined : this.#options.timeout - (Date.now() - this.#began);
    const clock = left === undefined ? undefined : setTimeout(() => interrupt('timeout'), Math.max(0, left));
    const onAbort = () => interrupt('abort');
    const unfollow = signal && signals.follow(signal, onAbort);
    if (this.#count === 1 || !start) phases.enter('appliance');
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

  /** Tells that the launch enters a phase. */
  enter(phase: LaunchPhase): void {
    const stage = { phase, position: positions[phase], total: launchTotal, began: this.#began };
    this.#parts.phase(phase);
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
    const images = this.#parts.drives.images().map(({ path }) => path);
    return launchFailed(error, tail, images);
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

function silenceIn(hangs: boolean): string {
  if (hangs) return `its kernel showed no sign of life within ${silenceMs / 1000} s`;
  return `its kernel showed no sign of life within ${longestSilenceMs / 1000} s, in which this busy machine left it hardly any time`;
}

function lastLine(console: string): string {
  return printableLines(console).at(-1) ?? 'without a word';
}
