import { type Fault, ownBackingFile, stuckHandle } from '../faults/faults';
import { isAppliance } from '../host/appliance-process';
import type { NativeHandle } from '../native/addon';
import { later } from '../options/own-timers';
import type { SplitOptions } from '../options/read';
import { raised } from './ending';
import type { Hold } from './hold';
import { worksOnHost } from './host-facts';
import type { LibvirtQuestions } from './libvirt-questions';
import type { PendingCall, PendingCalls } from './pending-call';

/** How often a signal that libguestfs or a process may have missed is given again. */
const repeatMs = 50;
/** How long a cancelled transfer may take to stop before `killOnAbort` kills its appliance. */
const cancelGraceMs = 1000;
/** How long killing may go on without effect: within it qemu's end reaches libguestfs on the busiest machine. */
const killPatienceMs = 5000;

/** How long calls wait behind one that was given up, but has not returned: the thread of a busy machine may be late. */
const stuckPatienceMs = 5000;

/** How killing has ended. */
export type KillEnd =
  | { readonly over: true }
  /** A call waits for something else on the host, or, `missed` being an errno, not all processes could be killed. */
  | { readonly over: false; readonly missed: number };

/** What calls of a handle can be interrupted with: taking them out of the queue, cancelling, killing. */
export class Interruptions {
  readonly #native: NativeHandle;
  readonly #pending: PendingCalls;
  readonly #holds: ReadonlySet<Hold>;
  readonly #questions: LibvirtQuestions;
  /** Numbers of the calls that were given up while they ran, and have not returned. */
  readonly #stuck = new Set<number>();

  constructor(
    native: NativeHandle,
    pending: PendingCalls,
    holds: ReadonlySet<Hold>,
    questions: LibvirtQuestions,
  ) {
    this.#native = native;
    this.#pending = pending;
    this.#holds = holds;
    this.#questions = questions;
  }

  /** The caller has aborted the call. */
  async abort(call: PendingCall, { signal, killOnAbort }: SplitOptions): Promise<void> {
    call.fate = raised(call.fate, { kind: 'aborted', reason: signal?.reason });
    if (this.#native.remove(call.id)) return call.settle({ kind: 'none' });
    this.#questions.giveUp(call.id);
    if (call.fn?.cancellable) await this.cancel(call, killOnAbort ? cancelGraceMs : undefined);
    if (killOnAbort || (call.fn && worksOnHost(call.fn) && this.#isAlone())) await this.#killOrLetGo(call);
  }

  /** Whether a program that libguestfs runs on this machine can be killed without an appliance: there is none. */
  #isAlone(): boolean {
    return !this.#native.children().some(isAppliance);
  }

  /** Ends a call that opens an image which is its own backing file, and would not end by itself. */
  async giveUpLoop(call: PendingCall, path: string): Promise<void> {
    const fault: Fault = ownBackingFile(path);
    call.fate = raised(call.fate, { kind: 'fault', fault });
    if (this.#native.remove(call.id)) call.settle({ kind: 'none' });
    else await this.#killOrLetGo(call);
  }

  /** Cancels again and again, for libguestfs forgets a cancellation that comes before the transfer has begun. */
  async cancel(call: PendingCall, patienceMs = Number.POSITIVE_INFINITY): Promise<void> {
    const patience = Date.now() + patienceMs;
    while (this.#pending.has(call.id) && Date.now() <= patience) {
      this.#cancelOnce(call);
      await new Promise((resolve) => later(resolve, repeatMs));
    }
  }

  /** Cancels the call that runs, if it can be cancelled: that takes no lock and does not queue. */
  cancelRunning(): void {
    for (const call of this.#pending.values()) {
      if (this.#cancelOnce(call)) return void this.cancel(call);
    }
  }

  /**
   * Kills the appliance until nothing of it is left; every pending call fails, but that with the number `closing`.
   */
  async killAll(closing: number): Promise<KillEnd> {
    const waiting = new Set(this.#native.removeAll());
    if (waiting.delete(closing)) this.#native.close(closing);
    const calls = [...this.#pending.values()].filter(({ id }) => id !== closing);
    const holds = [...this.#holds];
    for (const call of calls) {
      call.fate = raised(call.fate, { kind: 'killed' });
      if (waiting.has(call.id)) call.settle({ kind: 'none' });
    }
    for (const hold of holds) hold.terminated = true;
    let missed = this.#kill(); // an idle appliance too
    const isOver = () =>
      missed === 0 &&
      this.#stuck.size === 0 &&
      !this.#pending.has(closing) &&
      calls.every(({ id }) => !this.#pending.has(id)) &&
      holds.every((hold) => !this.#holds.has(hold));
    const killAgain = () => {
      missed = this.#kill();
    };
    if (await repeatedUntil(isOver, killAgain)) return { over: true };
    for (const hold of holds) this.letGo(hold);
    for (const call of calls) this.#giveUp(call);
    return { over: false, missed };
  }

  /**
   * Kills again and again, since a process that is just being started is not seen by the first kill. With a call's
   * number nothing is killed once that call has ended. False when that has no effect.
   */
  killUntil(done: () => boolean, call?: number): Promise<boolean> {
    return repeatedUntil(done, () => this.#kill(call));
  }

  /** Lets an operation go on from a call of its own that libguestfs does not return from. */
  letGo(hold: Hold): void {
    hold.stuck = true;
    for (const call of [...this.#pending.values()]) {
      if (call.parent !== hold.operation) continue;
      call.fate = raised(call.fate, { kind: 'killed' });
      this.#giveUp(call);
    }
  }

  /** libguestfs has returned from a call that nobody waits for any more. */
  returned(id: number): void {
    this.#stuck.delete(id);
  }

  /** Behind a call that does not return a new one waits for a while, and then no longer. */
  limitWait(call: PendingCall): void {
    if (this.#stuck.size === 0) return;
    later(() => {
      if (this.#stuck.size > 0 && this.#pending.has(call.id)) this.#giveUpWaiting(call);
    }, stuckPatienceMs);
  }

  #giveUpWaiting(call: PendingCall): void {
    if (call.operation === 'close') {
      this.#giveUp(call); // the thread closes the handle when it can
    } else if (this.#native.remove(call.id)) {
      call.fate = raised(call.fate, { kind: 'fault', fault: stuckHandle });
      call.settle({ kind: 'none' });
    }
  }

  /** Lets the caller of a call go on, and the process end, although libguestfs has not returned. */
  #giveUp(call: PendingCall): void {
    if (!this.#pending.has(call.id)) return;
    this.#stuck.add(call.id);
    this.#native.letGo();
    call.settle({ kind: 'none' });
    for (const other of this.#pending.values()) this.limitWait(other);
  }

  async #killOrLetGo(call: PendingCall): Promise<void> {
    const settled = () => !this.#pending.has(call.id);
    if (!(await this.killUntil(settled, call.id))) this.#giveUp(call);
  }

  /** Returns the errno for which not all processes could be killed, or 0. */
  #kill(call?: number): number {
    // What waits for the host and not for the appliance: before the kill, after which it may seem to have ended well.
    for (const pending of call === undefined ? this.#pending.values() : [this.#pending.get(call)]) {
      if (pending) this.#cancelOnce(pending);
    }
    this.#questions.giveUp(call);
    return this.#native.kill(call);
  }

  /** `guestfs_user_cancel`; false when that call does not run, or cannot be cancelled. */
  #cancelOnce(call: PendingCall): boolean {
    if (!this.#native.cancel(call.id)) return false;
    call.fate = raised(call.fate, { kind: 'cancelled' });
    return true;
  }
}

/** Kills until it is done; false when that takes too long. */
async function repeatedUntil(done: () => boolean, kill: () => void): Promise<boolean> {
  const patience = Date.now() + killPatienceMs;
  while (!done()) {
    if (Date.now() > patience) return false;
    kill();
    await new Promise((resolve) => later(resolve, repeatMs));
  }
  return true;
}
