// launch() that cannot hang: with a deadline, a signal, and a fallback for a KVM on which guests do not run.
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { kvmIsKnownToFail, kvmState, rememberThatKvmFails, verdictFile } from './accelerator';
import { watchForLoops } from './backing-loops';
import type { Calls, Turn } from './calls';
import type { Drives } from './drives';
import {
  AbortError,
  faultError,
  GuestfsError,
  invalidType,
  invalidValue,
  launchFailed,
  outOfRange,
  printableLines,
  terminatedError,
  unknownOption,
  withConsole,
} from './errors';
import { requireDescriptors } from './host-limits';
import type { NativeHandle } from './native';
import { facadeOptions, splitOptions } from './options';
import { ownBackingFile } from './remedies';
import { signals } from './signals';
import type { CallOptions, LaunchPhase } from './types';
import { noteBuild } from './unfinished-build';

/** Which accelerator the appliance's processor uses. */
export type Accelerator = 'auto' | 'kvm' | 'tcg';

/** Options of {@link Guestfs.launch}. */
export interface LaunchOptions extends Omit<CallOptions, 'killOnAbort'> {
  /** Milliseconds, from the launch's turn in the queue, after which the launch is given up and rejects with `ERR_GUESTFS_TIMEOUT`; default: none. */
  readonly timeout?: number | undefined;
  /**
   * `'kvm'` or `'tcg'` (emulation: works everywhere, several times slower) to insist on one; `'auto'`, the default,
   * takes KVM where guests run on it, and finds that out.
   */
  readonly accel?: Accelerator | undefined;
}

/**
 * How long a guest kernel may stay silent under KVM. A working one writes to the console within two seconds of qemu's
 * start; a busy machine gets some more.
 */
const silenceMs = 15_000;
const pollMs = 250;
const maxTimeout = 2 ** 31 - 1;

/** Why the appliance did not run under KVM. */
interface KvmFailure {
  readonly why: string;
  readonly remember: boolean;
  /** What the launch said itself. */
  readonly error: Error;
}

function kvmUnavailable({ why, error }: KvmFailure): GuestfsError {
  const message = `launch: KVM on this machine does not run the appliance: ${why}. Use accel: 'auto' or 'tcg'.`;
  return new GuestfsError(message, {
    code: 'ERR_GUESTFS_KVM_UNAVAILABLE',
    operation: 'launch',
    cause: error,
  });
}

function kvmWarning({ why, remember }: KvmFailure): string {
  const file = verdictFile();
  const memory = remember && file ? ` This is remembered in ${file} until the machine reboots.` : '';
  return (
    `KVM on this machine does not run the appliance: ${why}. ` +
    `Going on with TCG (software emulation), which is slower but works.${memory} ` +
    "Set LIBGUESTFS_BACKEND_SETTINGS=force_tcg or use launch({ accel: 'tcg' }) to skip the attempt."
  );
}

/** What the console says of a launch's progress, in the order in which it says so. */
type Sign = readonly [RegExp, LaunchPhase];
const signsOfLife: readonly [Sign, ...Sign[]] = [
  [/supermin: mounting|\[ *\d+\.\d{6}\]|Linux version /, 'kernel'],
  [/Starting \/init script/, 'init'],
  [/udevd?\b/, 'devices'],
  [/mdadm|lvm/i, 'volumes'],
  [/guestfsd/, 'daemon'],
];

/** On libguestfs's own scale of a launch. */
const launchTotal = 12n;
const positions: Readonly<Record<LaunchPhase, bigint>> = {
  appliance: 0n,
  boot: 3n,
  kernel: 6n,
  init: 9n,
  devices: 9n,
  volumes: 9n,
  daemon: 9n,
  ready: launchTotal,
};

type Interruption = 'timeout' | 'abort' | 'silence' | 'loop';

/** What a launch works on. */
export interface LaunchParts {
  readonly calls: Calls;
  readonly native: NativeHandle;
  readonly drives: Drives;
  readonly backendSettings: BackendSettings;
  /** When the handle was made, in milliseconds since the epoch. */
  readonly created: number;
  warn(text: string): void;
}

/** The program's backend settings, while a launch has put its own in their place: a running handle refuses changes. */
export class BackendSettings {
  #replaced: { readonly own: string; readonly original: readonly string[] } | undefined;

  /** Those of the program, given the ones that are set now. */
  original(current: readonly string[]): readonly string[] {
    return this.#replaced && this.#replaced.own === current.join(':') ? this.#replaced.original : current;
  }

  replace(original: readonly string[], own: readonly string[]): void {
    this.#replaced = { own: own.join(':'), original };
  }
}

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

/** Handles whose qemu tells the guest of them; libguestfs keeps the parameter. */
const reportsDiskErrors = new WeakSet<NativeHandle>();

/** One launch of one handle, while the handle's queue waits for it. */
export class Launch {
  readonly #parts: LaunchParts;
  readonly #turn: Turn;
  readonly #options: CheckedLaunchOptions;
  readonly #started = Date.now();
  /** The image that turned out to be its own backing file. */
  #loop = '';

  constructor(parts: LaunchParts, turn: Turn, options: CheckedLaunchOptions) {
    this.#parts = parts;
    this.#turn = turn;
    this.#options = options;
  }

  async run(): Promise<void> {
    if (this.#options.accel === 'kvm') requireKvm();
    // A handle that is up already refuses a launch in its own words, and new settings in words that would mislead.
    if (!(await this.#call<boolean>('isConfig'))) return this.#call('launch');
    requireDescriptors('launch');
    const backend = await this.#call<string>('getBackend');
    const settings = this.#parts.backendSettings.original(await this.#call<string[]>('getBackendSettings'));
    await this.#reportDiskErrors(backend);
    try {
      await this.#launchOn(backend, settings);
    } catch (error) {
      if (!this.#turn.stuck) await this.#resetAfterFailure(settings);
      throw error;
    }
  }

  /** When this machine's disk is full, qemu by itself stops without a word until somebody tells it to go on: for ever. */
  async #reportDiskErrors(backend: string): Promise<void> {
    const { native } = this.#parts;
    if (reportsDiskErrors.has(native) || !/^(direct|libvirt)\b/.test(backend)) return;
    await this.#call('config', ['-global', 'scsi-hd.werror=report']);
    reportsDiskErrors.add(native);
  }

  /** So that the handle is as it was before, whatever the launch has tried. */
  async #resetAfterFailure(settings: readonly string[]): Promise<void> {
    await this.#call('setBackendSettings', [settings]).catch(() => undefined);
    await this.#restoreDrives().catch(() => undefined);
  }

  async #launchOn(backend: string, settings: readonly string[]): Promise<void> {
    const unforced = settings.filter((setting) => !isForced(setting));
    if (this.#options.accel === 'tcg')
      return void (await this.#attempt(settings, [...unforced, 'force_tcg'], false));
    if (this.#options.accel === 'kvm') {
      const failure = await this.#attempt(settings, [...unforced, 'force_kvm'], backend === 'direct');
      if (failure) throw failure.remember ? kvmUnavailable(failure) : failure.error;
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
    this.#parts.warn(kvmWarning(failure));
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
    await this.#restoreDrives();
    await this.#call('setBackendSettings', [settings]);
    this.#parts.backendSettings.replace(original, settings);
    const { calls } = this.#parts;
    const cachedir = await this.#call<string>('getCachedir');
    this.#checkInterrupted(); // from here on it is watched

    let ended = false;
    let interruption: Interruption | undefined;
    let removeUnfinished: (() => Promise<void>) | undefined;
    const interrupt = (why: Interruption) => {
      if (interruption || ended) return;
      interruption = why;
      removeUnfinished = noteBuild(cachedir);
      void calls.killUntil(() => ended).then((gone) => gone || calls.abandon(this.#turn));
    };
    const isWanted = () => interruption === undefined && !this.#turn.terminated;
    const watch = this.#watch(interrupt, doubtful);
    try {
      await this.#callLaunch(isWanted);
      if (isWanted()) this.#enter('ready'); // whoever hears it may think otherwise
      if (isWanted()) return undefined;
      // It came up in the very moment in which it was given up.
      await this.#call('shutdown').catch(() => undefined);
      throw new Error('the appliance was up when it was killed');
    } catch (error) {
      if (this.#turn.terminated) throw this.#explain(interruption, error as Error);
      if (interruption === 'silence' && !this.#turn.stuck) {
        const why = `its kernel showed no sign of life within ${silenceMs / 1000} s`;
        return { why, remember: true, error: this.#explain(undefined, error as Error) };
      }
      if (interruption === undefined && doubtful && !watch.phases.alive) {
        const tail = this.#parts.native.consoleTail();
        const remember = /\bkvm\b|accelerator/i.test(tail);
        return {
          why: `it ended at once (${lastLine(tail)})`,
          remember,
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

  async #callLaunch(wanted: () => boolean): Promise<void> {
    const options = { onProgress: this.#options.onProgress };
    try {
      await this.#call('launch', [], options);
    } catch (error) {
      // A qemu that ended before it connected left its socket behind, and libguestfs stumbles over it.
      if ((error as GuestfsError).code !== 'EADDRINUSE' || !wanted()) throw error;
      const folder = await this.#call<string>('getSockdir');
      if (!removeStaleSockets(folder, this.#parts.created)) throw error;
      await this.#call('launch', [], options);
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
    let qemuSeen: number | undefined;
    const poll = setInterval(() => {
      if (qemuSeen === undefined && native.children().some(isQemu)) {
        qemuSeen = Date.now();
        phases.enter('boot');
      }
      const silence = qemuSeen === undefined ? 0 : Date.now() - qemuSeen;
      if (silenceIsVerdict && !phases.alive && silence > silenceMs) interrupt('silence');
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
    this.#parts.calls.enter(this.#turn, stage, this.#options.onProgress);
  }

  /** libguestfs forgets its drives when an appliance dies. */
  #restoreDrives(): Promise<void> {
    return this.#parts.drives.restore((method, args, options) => this.#call(method, args, options));
  }

  #call<T>(method: string, args: readonly unknown[] = [], options?: CallOptions): Promise<T> {
    return this.#parts.calls.call<T>(method, args, options, this.#turn.operation);
  }

  #checkInterrupted(): void {
    const { signal } = this.#options;
    if (this.#turn.terminated) throw terminatedError('launch', '');
    if (signal?.aborted) throw new AbortError('launch', signal.reason);
  }

  #explain(interruption: Interruption | undefined, error: Error): Error {
    const tail = this.#parts.native.consoleTail();
    if (this.#turn.terminated) return terminatedError('launch', tail, error);
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
    return new GuestfsError(
      withConsole(`launch: the appliance was not up after ${this.#options.timeout} ms. ${advice}`, tail),
      { code: 'ERR_GUESTFS_TIMEOUT', operation: 'launch', cause },
    );
  }
}

/** How far a launch has come, read off the appliance's console. */
class Phases {
  readonly #report: (phase: LaunchPhase) => void;
  #text = '';
  #reached = 0;

  constructor(report: (phase: LaunchPhase) => void) {
    this.#report = report;
  }

  /** Whether the guest's kernel has said anything. Firmware talks before it and proves nothing. */
  get alive(): boolean {
    return this.#reached > 0;
  }

  enter(phase: LaunchPhase): void {
    this.#report(phase);
  }

  read(text: string): void {
    this.#text = (this.#text + text).slice(-8192);
    if (!this.alive) {
      // In verbose mode supermin and qemu's command line come before the guest, and name what it will start.
      const kernel = this.#text.search(signsOfLife[0][0]);
      if (kernel < 0) return;
      this.#text = this.#text.slice(kernel);
    }
    for (let i = signsOfLife.length - 1; i >= this.#reached; i--) {
      const [sign, phase] = signsOfLife[i] as (typeof signsOfLife)[number];
      if (!sign.test(this.#text)) continue;
      this.#reached = i + 1;
      this.#report(phase);
      return;
    }
  }
}

function lastLine(console: string): string {
  return printableLines(console).at(-1) ?? 'without a word';
}

function isForced(setting: string): boolean {
  return /^force_(tcg|kvm)(=|$)/.test(setting);
}

/**
 * Removes the sockets that no process has open; false when there are none. libguestfs does not tell the name of a
 * handle's folder: ours is among the user's that are as old as the handle or younger.
 */
function removeStaleSockets(folder: string, since: number): boolean {
  try {
    const open = readFileSync('/proc/net/unix', 'utf8');
    const sockets = readdirSync(folder)
      .filter((name) => /^libguestfs.{6}$/.test(name))
      .map((name) => join(folder, name, 'guestfsd.sock'))
      .filter((socket) => !open.includes(socket) && isOwnSocket(socket, since));
    for (const socket of sockets) rmSync(socket, { force: true });
    return sockets.length > 0;
  } catch {
    return false;
  }
}

function isOwnSocket(path: string, since: number): boolean {
  try {
    const found = lstatSync(path);
    return found.isSocket() && found.uid === process.getuid?.() && found.ctimeMs >= since;
  } catch {
    return false; // another user's folder
  }
}

/** qemu is the child that was told of the appliance's socket; others build the appliance or watch over qemu. */
function isQemu(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('guestfsd.sock');
  } catch {
    return false;
  }
}

function requireKvm(): void {
  const remedy = {
    usable: undefined,
    missing:
      'there is no /dev/kvm: enable virtualisation in the firmware, or nested virtualisation in the host',
    forbidden: '/dev/kvm may not be opened: add the user to the group `kvm` and log in again',
  }[kvmState()];
  if (remedy === undefined) return;
  throw new GuestfsError(`launch: KVM was asked for, but ${remedy}. Or use accel: 'auto'.`, {
    code: 'ERR_GUESTFS_KVM_UNAVAILABLE',
    operation: 'launch',
  });
}
