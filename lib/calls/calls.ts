import { AbortError, closedError, type GuestfsError, tooOld } from '../faults/errors';
import type { Failure } from '../faults/native-problem';
import { watchForLoops } from '../host/backing-loops';
import type { ImageFile } from '../host/image-types';
import { requireDescriptors, withinLimits } from '../host/limits';
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
import type { FunctionFacts } from '../native/facts';
import { signals } from '../options/abort-signals';
import { anyContext, currentContext, guarded } from '../options/callbacks';
import { atTurnsEnd } from '../options/own-timers';
import { noOptions, type SplitOptions, splitOptions } from '../options/read';
import type { CallOptions, ProgressEvent } from '../options/types';
import type { Transfer } from '../streams/transfer';
import { ApplianceConsole } from './console';
import { errorOf, type Outcome, raised, toldError } from './ending';
import { LoopTurn } from './event-loop-turn';
import { eventBit, eventName } from './events';
import { type EventName, libvirtAuthBit } from './generated/events';
import type { Hold, Stage } from './hold';
import { openedImage, worksOnHost } from './host-facts';
import { InstantBudget } from './instant-budget';
import { InstantCalls } from './instant-calls';
import { Interruptions, type KillEnd } from './interruptions';
import type { LibvirtAuthHandler } from './libvirt-auth';
import { LibvirtQuestions } from './libvirt-questions';
import { mayLackErrno, withErrno } from './lost-errno';
import { checkChoices, laterOptions, refused, resultOf, transferOf, withoutFile } from './marshalling';
import { Observers } from './observers';
import type { Operation, OperationObserver } from './operations';
import type { PendingCall } from './pending-call';
import { progressEvent, stageEvent } from './progress-events';
import { type Summary, summaryOf } from './summary';
import { Transfers } from './transfers';

/** Receives what the owner of the calls is to know. */
export interface CallSink {
  event(name: EventName, text: string): void;
  progress(event: ProgressEvent): void;
  /** The appliance has died, and with it libguestfs's list of drives. */
  applianceDied(): void;
}

/** A call that has just been handed to the addon. */
interface NewCall extends Operation {
  readonly split?: SplitOptions;
  readonly fn?: NumberedFunction;
  readonly parent?: Operation | undefined;
  readonly transfer?: Transfer | undefined;
  readonly image?: ImageFile | undefined;
}

/** Events that are needed whoever listens: they decide how a failure is reported. */
const alwaysDelivered = eventBit('subprocessQuit') | eventBit('appliance');

/** Messages with which a call ends. */
const endings: ReadonlySet<number> = new Set([
  MessageKind.result,
  MessageKind.failed,
  MessageKind.unrepresentable,
]);

/** Turn of the event loop, which all handles share. */
const loopTurn = new LoopTurn(nextTurn);
const instantBudget = new InstantBudget(loopTurn);

/** The calls of one handle: from JavaScript to the handle's thread and back. */
export class Calls {
  readonly #native: NativeHandle;
  readonly #sink: CallSink;
  readonly #pending = new Map<number, PendingCall>();
  readonly #holds = new Set<Hold>();
  readonly #observers = new Observers(() => this.#updateMasks());
  readonly #console: ApplianceConsole;
  readonly #questions: LibvirtQuestions;
  readonly #interruptions: Interruptions;
  readonly #transfers: Transfers;
  readonly #instantCalls: InstantCalls;
  #listened: ReadonlySet<EventName> = new Set();
  #lastId = 0;
  /** Whether the appliance runs, as far as libguestfs has told. */
  #launched = false;
  #closing = false;
  #closeId = 0;
  #closed = false;

  constructor(native: NativeHandle, sink: CallSink) {
    this.#native = native;
    this.#sink = sink;
    this.#console = new ApplianceConsole(() => native.consoleTail());
    this.#questions = new LibvirtQuestions(
      native,
      (parent) => (method, args, options) => this.call(method, args ?? [], options, parent),
    );
    this.#interruptions = new Interruptions(native, this.#pending, this.#holds, this.#questions);
    this.#transfers = new Transfers(this.#console, (call) => void this.#interruptions.cancel(call));
    this.#instantCalls = new InstantCalls(native, (failure, fn) => this.#inState(failure, fn));
    native.receive = (...message) => this.#receive(message);
    this.#updateMasks();
  }

  /** Whether the handle is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the handle is closed, or will be after the calls that were made before. */
  get closing(): boolean {
    return this.#closing;
  }

  /** How many calls run or wait in the queue. */
  get pending(): number {
    return this.#pending.size;
  }

  /** What the handle is at. */
  get summary(): Summary {
    const { closed, closing } = this;
    return summaryOf({
      pending: this.#pending,
      holds: this.#holds,
      launched: this.#launched,
      closing,
      closed,
    });
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
      throw tooOld(method, `${fn.cName.replace(/(_opts)?_argv$/, '')} came with version ${fn.since}`);
    }
    if (split.signal?.aborted) throw new AbortError(method, split.signal.reason);
    if (fn.choices) checkChoices(fn, split);
    const id = this.#nextId();
    const transfer = transferOf(fn, args);
    const values = transfer ? withoutFile(fn, args) : args;
    if (worksOnHost(fn)) requireDescriptors(method);
    const lane = this.#laneOf(fn, parent);
    const { names, values: optionValues, keepPartial } = split;
    const problem = withinLimits(method, () =>
      this.#native.call(id, fn.number, values, names, optionValues, lane, keepPartial),
    );
    if (problem) throw refused(fn, problem);
    transfer?.accept();
    const image =
      fn.image && openedImage(fn, args, Object.fromEntries(names.map((name, i) => [name, optionValues[i]])));
    const call = this.#follow({ id, operation: method, fn, split, parent, transfer, image });
    if (split.signal?.aborted) void this.#interruptions.abort(call, split); // by a getter among the arguments
    const outcome = await call.outcome;
    const error = errorOf(call, outcome, this.#console);
    if (transfer) await this.#transfers.finish(transfer, call, error, split.signal);
    // A turn more would let later calls settle before this one.
    if (error && mayLackErrno(error, fn)) throw await this.#explained(error, call, fn, args);
    if (error) throw error;
    return resultOf(fn, (outcome as { value: unknown }).value) as T;
  }

  /** The error of a call, with the errno that libguestfs has lost, where that can be found out. */
  #explained(
    error: GuestfsError,
    call: Operation,
    fn: NumberedFunction,
    args: readonly unknown[],
  ): Promise<Error> {
    return withErrno(error, fn, args, (method, values, options) =>
      this.call(method, values ?? [], options, call),
    );
  }

  /**
   * Runs `body` when the queue has got there; until it has ended, only the calls run that it makes with the hold's
   * operation as their parent.
   */
  async hold<T>(
    method: string,
    signal: AbortSignal | undefined,
    body: (hold: Hold) => Promise<T>,
  ): Promise<T> {
    if (this.#closing) throw closedError(method);
    if (signal?.aborted) throw new AbortError(method, signal.reason);
    const operation = { id: this.#nextId(), operation: method };
    const hold: Hold = { operation, stage: undefined, terminated: false, stuck: false };
    withinLimits(method, () => this.#native.hold(operation.id));
    this.#holds.add(hold);
    const beginning = this.#follow({ ...operation, split: { ...noOptions, signal } });
    const outcome = await beginning.outcome;
    if (outcome.kind !== 'value') {
      this.#holds.delete(hold);
      throw errorOf(beginning, outcome, this.#console);
    }
    let error: Error | undefined;
    this.#observers.tell((observer) => observer.started(operation));
    try {
      return await body(hold);
    } catch (thrown) {
      error = thrown as Error;
      throw thrown;
    } finally {
      this.#holds.delete(hold);
      this.#native.release();
      this.#observers.tell((observer) => observer.ended(operation, error));
    }
  }

  /**
   * Makes an instant call: on this thread, where nothing is in its way and nobody observes it. Undefined, and no call,
   * where it is to be made as all others are.
   */
  callInstantly(method: string, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const fn = functions.get(method) as NumberedFunction;
    const isAlone = this.#pending.size === 0 && this.#holds.size === 0 && !this.#observers.present;
    if (!fn.instant || !fn.available || this.#closing || !isAlone || !instantBudget.allows()) return;
    return this.#instantCalls.make(fn, args);
  }

  /** Makes a call for the handle's configuration, on this thread, before the handle's first call. */
  configure(method: string, args: readonly unknown[]): void {
    this.#instantCalls.configure(functions.get(method) as NumberedFunction, args);
  }

  /** Lets `handler` answer libvirt's questions for credentials. */
  answerLibvirtAuth(handler: LibvirtAuthHandler): void {
    this.#questions.answerBy(handler);
  }

  /** Closes the handle; to be called once. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closeId = this.#nextId();
    this.#native.close(this.#closeId);
    await this.#follow({ id: this.#closeId, operation: 'close' }).outcome;
    await new Promise(atTurnsEnd); // callers of the calls before are told first
    this.#closed = true;
  }

  /** Kills the appliance until nothing of it is left; every pending call but `close` fails. */
  terminate(): Promise<KillEnd> {
    const terminated = this.#interruptions.killAll(this.#closeId);
    this.endStreams();
    return terminated;
  }

  /** Ends the streams of calls that libguestfs has ended. */
  endStreams(): void {
    this.#transfers.end();
  }

  /** Kills what a launch has started, until `done`; false when that has no effect. */
  killUntil(done: () => boolean): Promise<boolean> {
    return this.#interruptions.killUntil(done);
  }

  /** Lets an operation go on from a call of its own that libguestfs does not return from. */
  letGo(hold: Hold): void {
    this.#interruptions.letGo(hold);
  }

  /** Cancels the transfer that runs, if one runs. C: `guestfs_user_cancel`. */
  userCancel(): void {
    this.#interruptions.cancelRunning();
  }

  /** Adds an observer, until the returned function is called. */
  observe(observer: OperationObserver): () => void {
    return this.#observers.add(observer);
  }

  /** Tells that an operation enters a phase. */
  enter(hold: Hold, stage: Stage, onProgress: CallOptions['onProgress']): void {
    hold.stage = stage;
    const { operation } = hold;
    // Observers are told of the operation's end anyway.
    if (stage.phase !== 'ready') {
      this.#observers.tell((observer) => observer.phase(operation, stage.phase));
    }
    const event = stageEvent(operation.operation, stage);
    if (onProgress) guarded(() => onProgress(event));
    guarded(() => this.#sink.progress(event));
  }

  /** Sets which events have listeners: only those leave the handle's thread. */
  setListened(listened: ReadonlySet<EventName>): void {
    this.#listened = listened;
    this.#updateMasks();
  }

  /** Calls `listener` with what the appliance's console says, until the returned function is called. */
  listenToConsole(listener: (text: string) => void): () => void {
    return this.#console.listen(listener);
  }

  #updateMasks(): void {
    let listened = 0;
    for (const name of this.#listened) listened |= eventBit(name);
    this.#native.setEventMasks(listened | alwaysDelivered, listened, this.#observers.present);
  }

  #nextId(): number {
    this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    return this.#lastId;
  }

  #laneOf({ answersLibvirt }: NumberedFunction, parent: Operation | undefined) {
    if (this.#questions.open && answersLibvirt) return Lane.callback;
    return parent === undefined ? Lane.ordinary : Lane.urgent;
  }

  /** Follows a call that has been handed to the addon until it settles. */
  #follow({ id, operation, fn, split = noOptions, parent, transfer, image }: NewCall): PendingCall {
    const { promise, resolve } = withResolvers<Outcome>();
    const call: PendingCall = {
      // Not spread: V8 would make slow objects of the calls, and a queue of many takes three times as long.
      id,
      operation,
      fn,
      parent,
      transfer,
      image,
      laterOptions: fn ? laterOptions(fn, split) : [],
      onProgress: split.onProgress,
      context: transfer || this.#questions.answered ? currentContext() : anyContext,
      started: false,
      fate: { kind: 'own' },
      said: '',
      thrown: undefined,
      outcome: promise,
      settle: (outcome) => {
        if (!this.#pending.delete(id)) return;
        resolve(outcome);
        forget?.();
        stopWatching?.();
        if (call.started) this.#tellEnded(call, outcome);
      },
    };
    const interruptions = this.#interruptions;
    const forget = split.signal && signals.follow(split.signal, () => void interruptions.abort(call, split));
    const stopWatching = image && watchForLoops([image], (path) => void interruptions.giveUpLoop(call, path));
    this.#pending.set(id, call);
    interruptions.limitWait(call);
    return call;
  }

  #tellEnded(call: PendingCall, outcome: Outcome): void {
    const error = toldError(call, outcome, this.#console);
    this.#observers.tell((observer) => observer.ended(call, error));
  }

  #receive(message: Message): void {
    const call = this.#pending.get(message[1]);
    if (!call && endings.has(message[0])) this.#interruptions.returned(message[1]);
    switch (message[0]) {
      case MessageKind.result:
        if (call) this.#end(call, message[2]);
        break;
      case MessageKind.failed:
        this.#console.disown(message[2].message);
        call?.settle({ kind: 'failed', failure: this.#inState(message[2], call.fn) });
        break;
      case MessageKind.unrepresentable:
        call?.settle({ kind: 'unrepresentable', problem: message[2] });
        break;
      case MessageKind.progress:
        if (call) this.#progress(call, message);
        break;
      case MessageKind.event:
        this.#event(call, message[1], message[2], message[3]);
        break;
      case MessageKind.turn:
        loopTurn.begin();
        break;
      case MessageKind.pipe:
        this.#transfers.begin(call, message[2]);
        break;
      case MessageKind.started:
        if (call) this.#started(call);
        break;
    }
  }

  #started(call: PendingCall): void {
    if (call.parent || !call.fn) return;
    call.started = true;
    this.#observers.tell((observer) => observer.started(call));
  }

  #end(call: PendingCall, value: unknown): void {
    if (startsAppliance(call)) this.#console.startAnew();
    if (call.fn?.appliance) this.#launched = call.fn.appliance === 'starts';
    // libguestfs does not notice when what was written has not arrived.
    const broken = call.fn?.flushes ? this.#console.refusedWrite : undefined;
    call.settle(broken ? { kind: 'broken', fault: broken } : { kind: 'value', value });
  }

  /** A failure with what is known of the appliance; without it where a program of the guest may have the word. */
  #inState(failure: Failure, fn: FunctionFacts | undefined): Failure {
    const launched = this.#launched;
    return launched && fn?.guestProgram ? failure : { ...failure, launched };
  }

  #event(call: PendingCall | undefined, id: number, bit: number, text: string): void {
    if (bit === libvirtAuthBit) void this.#questions.ask(id, call, text);
    const name = eventName(bit);
    if (!name) return;
    if (name === 'subprocessQuit') {
      this.#launched = false;
      this.#sink.applianceDied();
      if (call && !startsAppliance(call)) call.fate = raised(call.fate, { kind: 'died' });
    }
    if (name === 'appliance') this.#console.append(text, call);
    if (this.#listened.has(name)) guarded(() => this.#sink.event(name, text));
  }

  #progress(call: PendingCall, [, , procNr, serial, position, total]: ProgressMessage): void {
    const hold = [...this.#holds].find(({ operation }) => operation === call.parent);
    const event = progressEvent(call.operation, { procNr, serial }, position, total, hold?.stage);
    const { onProgress } = call;
    if (onProgress) guarded(() => onProgress(event));
    this.#observers.tell((observer) => observer.progress(call.parent ?? call, event));
    guarded(() => this.#sink.progress(event));
  }
}

/** Whether an operation brings up an appliance, or is the call that does: one that dies meanwhile is the launch's affair. */
function startsAppliance({ operation }: Operation): boolean {
  return functions.get(operation)?.appliance === 'starts';
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
