import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { argumentError } from '../faults/arguments';
import {
  AbortError,
  callFailed,
  closedError,
  diedError,
  faultError,
  GuestfsError,
  settingFailed,
  terminatedError,
  toolFailed,
  tooOld,
  unrepresentable,
} from '../faults/errors';
import { type Fault, ownBackingFile } from '../faults/faults';
import type { ArgumentProblem, Failure } from '../faults/native-problem';
import { refusedWrite } from '../faults/words';
import { watchForLoops } from '../host/backing-loops';
import { requireDescriptors, withinLimits } from '../host/limits';
import { type Image, imageOf, runsTool } from '../host/tool-calls';
import {
  functions,
  Lane,
  type Message,
  MessageKind,
  type NativeHandle,
  type NumberedFunction,
  nextTurn,
  type ProgressMessage,
} from '../native/addon';
import { enough, signals } from '../options/abort-signals';
import { atStepsEnd, later } from '../options/own-timers';
import { facadeOptions, noOptions, type SplitOptions, splitOptions } from '../options/read';
import type { CallOptions, LaunchPhase, ProgressEvent } from '../options/types';
import { sourceTransfer, type Transfer, targetTransfer } from '../streams/transfer';
import type { FileSource, FileTarget } from '../streams/types';
import { LoopTurn } from './event-loop-turn';
import { callStartedBit, type EventName, eventBits, eventName, libvirtAuthBit } from './events';
import { InstantCalls } from './instant-calls';
import { answerLibvirt, isAnswer, type LibvirtAuthHandler } from './libvirt-auth';
import type { Operation, OperationObserver } from './operations';

/** A failure becomes an error only where the caller waits for it, so that the stack shows the caller's line. */
type Outcome = { readonly value: unknown } | { readonly failure: () => Error };

interface PendingCall extends Operation {
  readonly fn: NumberedFunction | undefined;
  readonly laterOptions: readonly string[];
  readonly onProgress: ((event: ProgressEvent) => void) | undefined;
  /** Part of a larger operation: observers hear of that one only. */
  readonly parent: Operation | undefined;
  started: boolean;
  aborted: boolean;
  /** It was aborted because that was enough, which is no failure. */
  satisfied: boolean;
  /** What waited in its pipe has been let go: even if libguestfs has not noticed, the data is not whole. */
  cancelled: boolean;
  /** The appliance was killed, or died, while the call was pending. */
  terminated: boolean;
  /** It died by itself. */
  died: boolean;
  /** Why the call was given up before its end. */
  fault?: Fault;
  /** The disk image that it opens by means of a program on the host. */
  readonly image: Image | undefined;
  /** The end of what the console said during the call. */
  said: string;
  /** The stream in the place of a file on the host. */
  readonly transfer: Transfer | undefined;
  /** Why the program itself made the call fail. */
  cause?: unknown;
  readonly outcome: Promise<Outcome>;
  settle(outcome: Outcome): void;
}

/** The time during which one operation has the handle to itself. */
export interface Turn {
  readonly operation: Operation;
  /** Where it stands, if it has phases. */
  stage: Stage | undefined;
  /** The appliance was killed meanwhile: give up. */
  terminated: boolean;
  /** libguestfs has not returned from a call, although everything was killed: no further call can be made now. */
  stuck: boolean;
}

/** A phase of an operation, on libguestfs's scale for that operation. */
export interface Stage {
  readonly phase: LaunchPhase;
  readonly position: bigint;
  readonly total: bigint;
  /** When the operation began, in milliseconds since the epoch. */
  readonly began: number;
}

/** What the owner of the calls wants to hear. */
export interface CallSink {
  event(name: EventName, text: string): void;
  progress(event: ProgressEvent): void;
  /** And with it libguestfs's list of drives. */
  applianceDied(): void;
}

/** How often a signal that libguestfs or a process may have missed is given again. */
const repeatMs = 50;
/** How long a cancelled transfer may take to stop before `killOnAbort` kills its appliance. */
const cancelGraceMs = 1000;

/** How long killing may go on without effect: within it qemu's end reaches libguestfs on the busiest machine. */
const killPatienceMs = 5000;

/** They promise that what was written is on the disk, and libguestfs does not notice when it is not. */
const syncs: ReadonlySet<string> = new Set(['shutdown', 'sync', 'umount', 'umountAll']);

/** Of a call that had done its part already, but whose data may not have arrived. */
const cancelledTooLate: Failure = { errno: constants.errno.EINTR, message: 'the transfer was cancelled' };

/** As much of the console as a reason takes. */
const maxSaid = 4096;
/** Longer than a line of the guest's kernel. */
const maxLine = 512;

/** Needed at any time, whoever listens: they decide how a failure is reported. */
const alwaysDelivered = bitOf('subprocessQuit') | bitOf('appliance');

/** All handles share the event loop. */
const loopTurn = new LoopTurn(nextTurn);
const instantCalls = new InstantCalls(loopTurn);

function bitOf(name: EventName): number {
  return eventBits.get(name) ?? 0;
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}

/** Something a listener threw is the program's own error: it surfaces, but never stops the delivery of the rest. */
export function guarded(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

/** The options of a call that the library may lack though it has the function. */
function laterOptions(fn: NumberedFunction, { names, values }: SplitOptions): string[] {
  const given = names.filter((_, i) => values[i] !== undefined);
  return given.flatMap((name) => {
    const since = fn.optionsSince[fn.options.indexOf(name)];
    return since ? [`${name} came with version ${since}`] : [];
  });
}

/** The calls of one handle: from JavaScript to the handle's thread and back. */
export class Calls {
  readonly #native: NativeHandle;
  readonly #sink: CallSink;
  readonly #pending = new Map<number, PendingCall>();
  readonly #observers = new Set<OperationObserver>();
  #heard: ReadonlySet<EventName> = new Set();
  readonly #consoleListeners = new Set<(text: string) => void>();
  readonly #turns = new Set<Turn>();
  /** What ends the streams of calls that have ended. */
  readonly #finishing = new Set<() => void>();
  #libvirtAuth: LibvirtAuthHandler | undefined;
  /** The running call waits for the answer to libvirt. */
  #question: { readonly call: number; readonly giveUp: () => void } | undefined;
  #lastId = 0;
  #closing = false;
  #closeId = 0;
  #closed = false;
  /** The end of what the console said. */
  #said = '';
  /** The host has not taken all that the appliance has written. */
  #refusedWrite: Fault | undefined;

  constructor(native: NativeHandle, sink: CallSink) {
    this.#native = native;
    this.#sink = sink;
    native.receive = (...message) => this.#receive(message);
    this.#updateMasks();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** How many calls run or wait for their turn. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Makes a call. The error's stack shows the caller's line because this function is async. */
  async call<T>(
    method: string,
    args: readonly unknown[],
    options?: CallOptions,
    parent?: Operation,
  ): Promise<T> {
    const fn = functions.get(method) as NumberedFunction;
    const split = splitOptions(method, options, fn.fileOut >= 0);
    if (this.#closing && !parent) throw closedError(method);
    if (!fn.available) {
      throw new GuestfsError(
        tooOld(method, `${fn.cName.replace(/(_opts)?_argv$/, '')} came with version ${fn.since}`),
        { code: 'ERR_GUESTFS_UNSUPPORTED', operation: method },
      );
    }
    if (split.signal?.aborted) throw new AbortError(method, split.signal.reason);
    const id = this.#nextId();
    const transfer = transferOf(fn, args);
    const values = transfer
      ? args.map((value, i) => (i === fn.fileIn || i === fn.fileOut ? null : value))
      : args;
    const lane =
      this.#question && isAnswer(method) ? Lane.callback : parent === undefined ? Lane.ordinary : Lane.urgent;
    if (runsTool(method)) requireDescriptors(method);
    const { names, values: optionValues, keepPartial } = split;
    const problem = withinLimits(method, () =>
      this.#native.call(id, fn.number, values, names, optionValues, lane, keepPartial),
    );
    if (problem) throw refused(fn, problem);
    transfer?.accept();
    const image = imageOf(method, args, Object.fromEntries(names.map((name, i) => [name, optionValues[i]])));
    const call = this.#track(id, method, fn, split, parent, transfer, image);
    if (split.signal?.aborted) void this.#abort(call, split); // by a getter among the arguments
    const outcome = await call.outcome;
    const error = errorOf(call, outcome, split);
    if (transfer) await this.#finish(transfer, call, error, split);
    if (error) throw error;
    const { value } = outcome as { value: unknown };
    return (fn.returnsMap ? toMap(value as string[]) : value) as T;
  }

  /**
   * Runs `body` when its turn has come; until it has ended, only the calls that it makes with the turn's operation as
   * their parent run.
   */
  async exclusive<T>(
    method: string,
    signal: AbortSignal | undefined,
    body: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    const split = { ...noOptions, signal };
    if (this.#closing) throw closedError(method);
    if (signal?.aborted) throw new AbortError(method, signal.reason);
    const id = this.#nextId();
    const operation = { id, operation: method };
    const turn: Turn = { operation, stage: undefined, terminated: false, stuck: false };
    withinLimits(method, () => this.#native.hold(id));
    this.#turns.add(turn);
    const outcome = await this.#track(id, method, undefined, split, undefined).outcome;
    if ('failure' in outcome) {
      this.#turns.delete(turn);
      throw outcome.failure();
    }
    let error: Error | undefined;
    for (const observer of this.#observers) guarded(() => observer.started(turn.operation));
    try {
      return await body(turn);
    } catch (thrown) {
      error = thrown as Error;
      throw thrown;
    } finally {
      this.#turns.delete(turn);
      this.#native.release();
      for (const observer of this.#observers) guarded(() => observer.ended(turn.operation, error));
    }
  }

  /**
   * Makes a call that takes no time, on this thread, where nothing is in its way and nobody would hear of it in between;
   * undefined where it is to be made as all others are.
   */
  callAtOnce(method: string, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const fn = functions.get(method) as NumberedFunction;
    const isAlone = this.#pending.size === 0 && this.#turns.size === 0 && this.#observers.size === 0;
    if (!fn.instant || !fn.available || this.#closing || !isAlone || !instantCalls.next()) return;
    return this.#callAtOnce(fn, args);
  }

  #callAtOnce(fn: NumberedFunction, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const answer = this.#native.callAtOnce(fn.number, args, noOptions.names, noOptions.values);
    if (!answer) return;
    if ('reason' in answer) throw refused(fn, answer);
    if (answer.heard) atStepsEnd(() => this.#native.deliverHeard()); // before anybody hears of the result
    if ('errno' in answer) throw callFailed(fn.name, answer);
    return answer;
  }

  /** A call for the handle's configuration, made on this thread before the handle's first call. */
  configure(method: string, args: readonly unknown[]): void {
    try {
      this.#callAtOnce(functions.get(method) as NumberedFunction, args);
    } catch (error) {
      throw error instanceof GuestfsError ? settingFailed(error) : error;
    }
  }

  /** Lets `handler` answer libvirt's questions for credentials. */
  answerLibvirtAuth(handler: LibvirtAuthHandler): void {
    this.#libvirtAuth = handler;
    this.#native.answerLibvirtAuth();
  }

  /** To be called once. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closeId = this.#nextId();
    this.#native.close(this.#closeId);
    await this.#track(this.#closeId, 'close', undefined, noOptions, undefined).outcome;
    this.#closed = true;
  }

  /**
   * Kills the appliance until nothing of it is left; every pending call but `close` fails. False when a call has not
   * ended for all that, because it waits for something else on the host.
   */
  async terminate(): Promise<boolean> {
    const waiting = new Set(this.#native.removeAll());
    if (waiting.delete(this.#closeId)) this.#native.close(this.#closeId);
    for (const call of [...this.#pending.values()]) {
      if (call.id === this.#closeId) continue;
      call.terminated = true;
      if (waiting.has(call.id)) call.settle({ failure: () => this.#terminated(call) });
    }
    this.endStreams();
    const turns = [...this.#turns];
    for (const turn of turns) turn.terminated = true;
    const inVain = [...this.#pending.values()].filter((call) => call.terminated);
    const isOver = () =>
      !this.#pending.has(this.#closeId) &&
      inVain.every((call) => !this.#pending.has(call.id)) &&
      turns.every((turn) => !this.#turns.has(turn));
    this.#kill(); // an idle appliance too
    const over = await this.killUntil(isOver);
    if (!over) {
      for (const turn of turns) this.abandon(turn);
      for (const call of inVain) call.settle({ failure: () => this.#terminated(call) });
    }
    return over;
  }

  /** Of calls that libguestfs has ended. */
  endStreams(): void {
    for (const giveUp of [...this.#finishing]) giveUp();
  }

  /**
   * Kills again and again, since a process that is just being started is not seen by the first kill. With a call's
   * number nothing is killed once that call has ended. False when that has no effect.
   */
  async killUntil(done: () => boolean, call?: number): Promise<boolean> {
    const patience = Date.now() + killPatienceMs;
    while (!done()) {
      if (Date.now() > patience) return false;
      this.#kill(call);
      await new Promise((resolve) => later(resolve, repeatMs));
    }
    return true;
  }

  #kill(call?: number): void {
    this.#native.kill(call);
    // What waits for the host and not for the appliance.
    for (const id of call === undefined ? this.#pending.keys() : [call]) this.#cancelOnce(id);
    this.#giveUpQuestion(call);
  }

  /** `guestfs_user_cancel`; false when that call does not run, or cannot be cancelled. */
  #cancelOnce(id: number): boolean {
    if (!this.#native.cancel(id)) return false;
    const call = this.#pending.get(id);
    if (call) call.cancelled = true;
    return true;
  }

  /** A call that waits for the answer to libvirt goes on without one. */
  #giveUpQuestion(call: number | undefined): void {
    if (call === undefined || this.#question?.call === call) this.#question?.giveUp();
  }

  /** Lets a turn go on from a call that libguestfs does not return from. */
  abandon(turn: Turn): void {
    turn.stuck = true;
    for (const call of [...this.#pending.values()]) {
      if (call.parent === turn.operation) call.settle({ failure: () => this.#terminated(call) });
    }
  }

  /** `guestfs_user_cancel` on the call that runs, if it can be cancelled: it takes no lock and does not queue. */
  userCancel(): void {
    for (const call of this.#pending.values()) {
      if (this.#cancelOnce(call.id)) return void this.#cancel(call);
    }
  }

  observe(observer: OperationObserver): () => void {
    this.#observers.add(observer);
    this.#updateMasks();
    return () => {
      this.#observers.delete(observer);
      this.#updateMasks();
    };
  }

  /** An operation enters a phase, which is progress even where libguestfs says nothing of it. */
  enter(turn: Turn, stage: Stage, onProgress: CallOptions['onProgress']): void {
    turn.stage = stage;
    const { operation } = turn;
    // Those who observe an operation hear of its end anyway.
    if (stage.phase !== 'ready') {
      for (const observer of this.#observers) guarded(() => observer.phase(operation, stage.phase));
    }
    const event = {
      ...{ operation: operation.operation, procNr: 0, serial: 0 },
      ...measure(stage.position, stage.total),
      ...phaseOf(turn),
    };
    if (onProgress) guarded(() => onProgress(event));
    guarded(() => this.#sink.progress(event));
  }

  /** Which events have listeners: only those leave the handle's thread. */
  setHeard(heard: ReadonlySet<EventName>): void {
    this.#heard = heard;
    this.#updateMasks();
  }

  /** Hears the appliance's console until the returned function is called. */
  listenToConsole(listener: (text: string) => void): () => void {
    this.#consoleListeners.add(listener);
    return () => {
      this.#consoleListeners.delete(listener);
    };
  }

  #updateMasks(): void {
    let listened = 0;
    for (const name of this.#heard) listened |= bitOf(name);
    const started = this.#observers.size > 0 ? callStartedBit : 0;
    this.#native.setEventMasks((listened | alwaysDelivered) + started, listened);
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    return this.#lastId;
  }

  /** Follows a call that has been handed to the addon until it settles. */
  #track(
    id: number,
    operation: string,
    fn: NumberedFunction | undefined,
    split: SplitOptions,
    parent: Operation | undefined,
    transfer?: Transfer,
    image?: Image,
  ): PendingCall {
    const { promise, resolve } = withResolvers<Outcome>();
    const call: PendingCall = {
      id,
      operation,
      fn,
      laterOptions: fn ? laterOptions(fn, split) : [],
      parent,
      transfer,
      image,
      onProgress: split.onProgress,
      started: false,
      aborted: false,
      satisfied: false,
      cancelled: false,
      terminated: false,
      died: false,
      said: '',
      outcome: promise,
      settle: (outcome) => {
        this.#pending.delete(id);
        resolve(outcome);
        forget?.();
        stopWatching?.();
        this.#tellEnded(call, outcome);
      },
    };
    const forget = split.signal && signals.follow(split.signal, () => void this.#abort(call, split));
    const stopWatching =
      image && watchForLoops([image], (path) => void this.#giveUp(call, ownBackingFile(path)));
    this.#pending.set(id, call);
    return call;
  }

  /** Ends a call that would not end by itself. */
  async #giveUp(call: PendingCall, fault: Fault): Promise<void> {
    call.fault = fault;
    const settled = () => !this.#pending.has(call.id);
    if (this.#native.remove(call.id) || !(await this.killUntil(settled, call.id))) {
      call.settle({ failure: () => faultError(call.operation, fault) });
    }
  }

  /** libguestfs has done its part, and the stream may still be at its own. */
  async #finish(
    transfer: Transfer,
    call: PendingCall,
    error: Error | undefined,
    { signal }: SplitOptions,
  ): Promise<void> {
    const onAbort = () => transfer.giveUp(new AbortError(call.operation, signal?.reason));
    const onKill = () => transfer.giveUp(this.#terminated(call));
    const forget = signal && signals.follow(signal, onAbort);
    this.#finishing.add(onKill);
    if (signal?.aborted && !error) onAbort();
    try {
      await transfer.finish(error);
    } finally {
      forget?.();
      this.#finishing.delete(onKill);
    }
  }

  async #abort(call: PendingCall, split: SplitOptions): Promise<void> {
    call.aborted = true;
    call.satisfied = split.signal?.reason === enough;
    if (this.#native.remove(call.id)) {
      call.settle({ failure: () => new AbortError(call.operation, split.signal?.reason) });
      return;
    }
    this.#giveUpQuestion(call.id);
    if (call.fn?.cancellable) await this.#cancel(call, split.killOnAbort ? cancelGraceMs : undefined);
    const settled = () => !this.#pending.has(call.id);
    if (split.killOnAbort && !(await this.killUntil(settled, call.id))) {
      call.settle({ failure: () => new AbortError(call.operation, split.signal?.reason) });
    }
  }

  /** Again and again, for libguestfs forgets a cancellation that comes before the transfer has begun. */
  async #cancel(call: PendingCall, patienceMs = Number.POSITIVE_INFINITY): Promise<void> {
    const patience = Date.now() + patienceMs;
    while (this.#pending.has(call.id) && Date.now() <= patience) {
      this.#cancelOnce(call.id);
      await new Promise((resolve) => later(resolve, repeatMs));
    }
  }

  #tellEnded(call: PendingCall, outcome: Outcome): void {
    if (!call.started) return;
    const aborted = call.aborted ? new AbortError(call.operation, undefined) : undefined;
    const error = aborted ?? ('failure' in outcome ? outcome.failure() : undefined);
    for (const observer of this.#observers)
      guarded(() => observer.ended(call, call.satisfied ? undefined : error));
  }

  #terminated(call: PendingCall, cause?: unknown): GuestfsError {
    const make = call.died ? diedError : terminatedError;
    return make(call.operation, this.#native.consoleTail(), cause);
  }

  #receive(message: Message): void {
    switch (message[0]) {
      case MessageKind.result:
        this.#end(message[1], message[2]);
        break;
      case MessageKind.failed:
        this.#fail(message[1], message[2]);
        break;
      case MessageKind.unrepresentable:
        this.#unrepresentable(message[1], message[2]);
        break;
      case MessageKind.progress:
        this.#progress(message);
        break;
      case MessageKind.event:
        this.#event(message[1], message[2], message[3]);
        break;
      case MessageKind.turn:
        loopTurn.begin();
        break;
      case MessageKind.pipe:
        this.#stream(message[1], message[2]);
        break;
      case MessageKind.started:
        this.#started(message[1]);
        break;
    }
  }

  #stream(id: number, fd: number): void {
    const call = this.#pending.get(id);
    if (call?.transfer) call.transfer.start(fd, () => void this.#cancel(call));
    else closeSync(fd); // nobody waits for the call any more
  }

  #started(id: number): void {
    const call = this.#pending.get(id);
    if (!call || call.parent || !call.fn) return;
    call.started = true;
    for (const observer of this.#observers) guarded(() => observer.started(call));
  }

  #end(id: number, value: unknown): void {
    const call = this.#pending.get(id);
    if (call?.cancelled) return void this.#fail(id, cancelledTooLate);
    if (call?.operation === 'launch') this.#refusedWrite = undefined; // of the appliance before
    const refused = call && syncs.has(call.operation) ? this.#refusedWrite : undefined;
    call?.settle(refused ? { failure: () => faultError(call.operation, refused) } : { value });
  }

  #unrepresentable(id: number, cause: unknown): void {
    const call = this.#pending.get(id);
    call?.settle({ failure: () => unrepresentable(call.operation, cause) });
  }

  #fail(id: number, failure: Failure): void {
    const call = this.#pending.get(id);
    if (!call) return;
    call.settle({
      failure: () => {
        const error = callFailed(call.operation, failure, call.cause, call.laterOptions);
        if (call.terminated) return this.#terminated(call, error);
        if (runsTool(call.operation)) return toolFailed(error, call.said, call.image?.path);
        return this.#refusedWrite && isDiskError(error)
          ? faultError(call.operation, this.#refusedWrite, error)
          : error;
      },
    });
  }

  async #answerLibvirt(handler: LibvirtAuthHandler, id: number, uri: string): Promise<void> {
    const call = this.#pending.get(id);
    const gaveUp = new AbortController();
    this.#question = { call: id, giveUp: () => gaveUp.abort() };
    try {
      if (!call || call.aborted || call.terminated) return;
      const makeCall = async <T>(method: string, args: readonly unknown[] = [], options?: CallOptions) => {
        gaveUp.signal.throwIfAborted();
        return await this.call<T>(method, args, options, call);
      };
      await Promise.race([
        answerLibvirt(handler, uri, gaveUp.signal, makeCall),
        once(gaveUp.signal, 'abort'),
      ]);
      call.cause = undefined; // of an earlier question, which was asked again
    } catch (error) {
      if (call) call.cause = error;
    } finally {
      this.#question = undefined;
      this.#native.endCallback();
    }
  }

  #event(id: number, bit: number, text: string): void {
    if (bit === libvirtAuthBit && this.#libvirtAuth) void this.#answerLibvirt(this.#libvirtAuth, id, text);
    const name = eventName(bit);
    if (!name) return;
    if (name === 'subprocessQuit') {
      this.#sink.applianceDied();
      const call = this.#pending.get(id);
      if (call && call.operation !== 'launch') {
        call.died = !call.terminated;
        call.terminated = true;
      }
    }
    if (name === 'appliance') this.#hearConsole(this.#pending.get(id), text);
    if (this.#heard.has(name)) guarded(() => this.#sink.event(name, text));
  }

  #hearConsole(call: PendingCall | undefined, text: string): void {
    if (call) call.said = (call.said + text).slice(-maxSaid);
    const heard = this.#said + text; // a line may come in pieces
    this.#refusedWrite ??= refusedWrite(heard);
    this.#said = heard.slice(-maxLine);
    for (const listener of this.#consoleListeners) listener(text);
  }

  #progress(message: ProgressMessage): void {
    const [, id, procNr, serial, position, total] = message;
    const call = this.#pending.get(id);
    if (!call) return;
    const turn = [...this.#turns].find(({ operation }) => operation === call.parent);
    const event: ProgressEvent = {
      ...{ operation: call.operation, procNr, serial },
      ...measure(position, total),
      ...phaseOf(turn),
    };
    const { onProgress } = call;
    if (onProgress) guarded(() => onProgress(event));
    const operation = call.parent ?? call;
    for (const observer of this.#observers) guarded(() => observer.progress(operation, event));
    guarded(() => this.#sink.progress(event));
  }
}

function measure(position: bigint, total: bigint) {
  return {
    position,
    total,
    ratio: total === 0n ? 0 : Number(position) / Number(total),
    pulse: total === 1n,
  };
}

function phaseOf(turn: Turn | undefined): Pick<ProgressEvent, 'phase' | 'elapsed'> | undefined {
  return turn?.stage && { phase: turn.stage.phase, elapsed: Date.now() - turn.stage.began };
}

function errorOf(call: PendingCall, outcome: Outcome, { signal }: SplitOptions): Error | undefined {
  if (call.aborted) return new AbortError(call.operation, signal?.reason);
  if (call.fault) return faultError(call.operation, call.fault);
  return 'failure' in outcome ? outcome.failure() : undefined;
}

/** Daemon and tools tell it in their words, and often without an errno. */
function isDiskError({ code, message }: GuestfsError): boolean {
  return code === 'EIO' || code === 'ENOSPC' || /Input\/output error|No space left on device/.test(message);
}

/** The stream in the place of the call's file on the host, if there is one. */
function transferOf(fn: NumberedFunction, args: readonly unknown[]): Transfer | undefined {
  const { fileIn, fileOut } = fn;
  if (fileIn < 0 && fileOut < 0) return undefined;
  const argument = (place: number) => fn.arguments[place] ?? '';
  const source = fileIn >= 0 && sourceTransfer(fn.name, argument(fileIn), args[fileIn] as FileSource);
  const target = fileOut >= 0 && targetTransfer(fn.name, argument(fileOut), args[fileOut] as FileTarget);
  return source || target || undefined; // no function has both
}

function refused(fn: NumberedFunction, problem: ArgumentProblem): Error {
  return argumentError(fn.name, problem, [...fn.options, ...facadeOptions(fn.fileOut >= 0)]);
}

/** Keys and values alternate, in libguestfs's order. */
function toMap(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] as string, flat[i + 1] as string);
  return map;
}
