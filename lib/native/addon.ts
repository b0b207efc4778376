// The only module that uses the addon. Its types say what src-native/native_handle.h offers.
import type { ArgumentProblem, Failure, Unrepresentable } from '../faults/native-problem';
import type { FunctionFacts } from './facts';
import { facts } from './generated/facts';
import { loadBinary } from './load';

/** What the addon knows of a libguestfs function. Its place in the list is the number by which it is called. */
export interface FunctionDescription {
  readonly name: string;
  readonly cName: string;
  readonly since: string;
  readonly available: boolean;
  readonly cancellable: boolean;
  /** Place of the argument that is a file to read on the host, or -1. */
  readonly fileIn: number;
  /** Place of the argument that is a file to write on the host, or -1. */
  readonly fileOut: number;
  readonly returnsMap: boolean;
  readonly arguments: readonly string[];
  readonly options: readonly string[];
  /** Version with which each option came; empty when it came with the function. */
  readonly optionsSince: readonly string[];
}

/** What came of an instant call. `hasEvents`: events wait for `relayEvents`. */
export type Answer = (
  | { readonly value: unknown }
  | { readonly unrepresentable: Unrepresentable }
  | Failure
) & { readonly hasEvents?: true };

/** The numbers of src-native/message.h. */
export const MessageKind = {
  /** A turn of the event loop begins in which messages are delivered; its end is to be told by `nextTurn()`. */
  turn: 0,
  started: 1,
  pipe: 2,
  event: 3,
  progress: 4,
  result: 5,
  failed: 6,
  unrepresentable: 7,
} as const;

type Kind<Name extends keyof typeof MessageKind> = (typeof MessageKind)[Name];

export type ProgressMessage = [
  ...[kind: Kind<'progress'>, call: number],
  ...[procNr: number, serial: number, position: bigint, total: bigint],
];

export type Message =
  | [kind: Kind<'turn'>, call: 0]
  | [kind: Kind<'started'>, call: number]
  /** The call has been given one end of a pipe; this is the other. */
  | [kind: Kind<'pipe'>, call: number, fd: number]
  | [kind: Kind<'event'>, call: number, event: number, text: string]
  | ProgressMessage
  | [kind: Kind<'result'>, call: number, value: unknown]
  | [kind: Kind<'failed'>, call: number, failure: Failure]
  | [kind: Kind<'unrepresentable'>, call: number, problem: Unrepresentable];

/** Order in which a call runs. */
export const Lane = {
  ordinary: 0,
  /** Urgent: before all that waits, also while the queue is held. */
  urgent: 1,
  /** Callback: inside the running call, whose callback waits for `endCallback`. */
  callback: 2,
} as const;

export interface NativeHandle {
  /** Receives everything that the handle's thread has to say, in order. */
  receive: (...message: Message) => void;

  /** A file that is null is a stream: its pipe comes as a message when the call begins. */
  call(
    id: number,
    fn: number,
    args: readonly unknown[],
    optionNames: readonly string[],
    optionValues: readonly unknown[],
    lane: (typeof Lane)[keyof typeof Lane],
    keepPartial: boolean,
  ): ArgumentProblem | undefined;
  /** Makes an instant call, on this thread; undefined, and no call, while the handle has other things to do. */
  callInstantly(
    fn: number,
    args: readonly unknown[],
    optionNames: readonly string[],
    optionValues: readonly unknown[],
  ): ArgumentProblem | Answer | undefined;
  /** Takes a waiting call out of the queue; false when it runs or has ended. */
  remove(id: number): boolean;
  removeAll(): number[];
  /** `guestfs_user_cancel`, also where it waits for a pipe; false when that call does not run or cannot be cancelled. */
  cancel(id: number): boolean;
  /** Holds the handle once all that waits has run: from then on only urgent calls run, until `release`. */
  hold(id: number): void;
  release(): void;
  close(id: number): void;
  /** A call that has not ended, and that nobody waits for, keeps the process no longer. */
  letGo(): void;
  /** Delivers the events of instant calls. */
  relayEvents(): void;
  /** Events that are delivered, those that are not printed, and whether the start of each call is told. */
  setEventMasks(deliver: number, listened: number, starts: boolean): void;
  setPrivate(key: string): void;
  deletePrivate(key: string): void;
  /** Whose pointer libguestfs keeps under the key; undefined for none. */
  lookupPrivate(key: string): 'ours' | 'foreign' | undefined;
  privateKeys(): string[];
  /** Process numbers of the children of the handle's thread. */
  children(): number[];
  /**
   * SIGKILL to them and theirs, with a call's number only while that call runs; returns 0, or the errno for which some
   * could not be seen, or not be killed.
   */
  kill(call?: number): number;
  consoleTail(): string;
  /** From now on libvirt's questions for credentials arrive as events, and wait for `endCallback`. */
  answerLibvirtAuth(): void;
  endCallback(): void;
}

interface Addon {
  readonly NativeHandle: new () => NativeHandle;
  functions(): FunctionDescription[];
  nextTurn(): void;
  /** Resolves with an errno, 0 where there is none. A link at the end of a path is not followed. */
  setFileTimes(
    target: number | Buffer,
    atimeSec: bigint,
    atimeNsec: number,
    mtimeSec: bigint,
    mtimeNsec: number,
  ): Promise<number>;
  isSocketBound(path: string): boolean;
}

const addon = loadBinary() as Addon;

export function openNativeHandle(): NativeHandle {
  return new addon.NativeHandle();
}

/** A turn of the event loop is over: all handles deliver what has waited for the next one. */
export function nextTurn(): void {
  addon.nextTurn();
}

/**
 * Sets when a file of the host was last read and changed, to the nanosecond, which Node's own calls do not. False where
 * its filesystem cannot hold the times.
 *
 * @param target a descriptor, or a path: a symbolic link at its end is not followed
 * @param atimeNs nanoseconds since 1970, before it too
 */
export async function setFileTimes(
  target: number | Buffer,
  atimeNs: bigint,
  mtimeNs: bigint,
): Promise<boolean> {
  return (await addon.setFileTimes(target, ...timespec(atimeNs), ...timespec(mtimeNs))) === 0;
}

/** Whole seconds below the time, and nanoseconds from there on. */
function timespec(time: bigint): [seconds: bigint, nanoseconds: number] {
  const nanoseconds = ((time % second) + second) % second;
  return [(time - nanoseconds) / second, Number(nanoseconds)];
}

const second = 1_000_000_000n;

/** Whether some process has the stream socket at this path open, in whatever network namespace; it notices nothing. */
export function isSocketBound(path: string): boolean {
  return addon.isSocketBound(path);
}

/** A libguestfs function: how the addon calls it, and what is to be known of it. */
export interface NumberedFunction extends FunctionDescription, FunctionFacts {
  readonly number: number;
}

/** All libguestfs functions by their JavaScript name. */
export const functions: ReadonlyMap<string, NumberedFunction> = new Map(
  addon
    .functions()
    .map((description, number) => [description.name, { ...description, ...facts[description.name], number }]),
);
