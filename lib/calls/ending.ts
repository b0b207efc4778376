// How a call ends: what has interfered with it (its fate), what came of it (its outcome), and which of the two counts.
import { constants } from 'node:os';
import {
  AbortError,
  callFailed,
  diedError,
  faultError,
  type GuestfsError,
  hostFailed,
  terminatedError,
  unrepresentable,
} from '../faults/errors';
import type { Fault } from '../faults/faults';
import type { Failure, Unrepresentable } from '../faults/native-problem';
import { tellsDiskError, tellsWriteError } from '../faults/words';
import type { ImageFile } from '../host/image-types';
import type { FunctionFacts } from '../native/facts';
import { enough } from '../options/abort-signals';
import type { ApplianceConsole } from './console';
import { worksOnHost } from './host-facts';
import type { Operation } from './operations';

/** Fate of a call: what has interfered with it. */
export type Fate =
  | { readonly kind: 'own' }
  | { readonly kind: 'cancelled' }
  /** `torn`: the call was cancelled as well. */
  | { readonly kind: 'killed' | 'died'; readonly torn?: boolean }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'aborted'; readonly reason: unknown };

/** Outcome of a call: what came of it. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** JavaScript cannot have the result. */
  | { readonly kind: 'unrepresentable'; readonly problem: Unrepresentable }
  /** The call promises that data is on the disk, and the console has said that it is not. */
  | { readonly kind: 'broken'; readonly fault: Fault }
  /** Nothing: it never ran, or its caller was let go before libguestfs has returned. */
  | { readonly kind: 'none' };

/** A call, as far as its end goes. */
export interface EndingCall extends Operation {
  readonly fate: Fate;
  /** Options of the call that came later than its function. */
  readonly laterOptions: readonly string[];
  /** The function, where the call is one of libguestfs's. */
  readonly fn: FunctionFacts | undefined;
  /** Disk image on this machine that the call is about. */
  readonly image: ImageFile | undefined;
  /** The beginning of what the console said during the call. */
  readonly said: string;
  /** What the program itself threw when the call asked it something. */
  readonly thrown: unknown;
}

const everything = ['value', 'failed', 'unrepresentable', 'broken', 'none'] as const;

/**
 * The precedence. Of two fates that meet the one of higher rank stays, of equals the one that came first. `overrules`: the
 * outcomes in whose place the fate is told; all others are told themselves.
 */
export const precedence: {
  readonly [kind in Fate['kind']]: {
    readonly rank: number;
    readonly overrules: readonly Outcome['kind'][];
  };
} = {
  // Nothing has interfered: what libguestfs says counts.
  own: { rank: 0, overrules: [] },
  // libguestfs itself says so (EINTR), and where it had done its part already `torn` says it for libguestfs.
  cancelled: { rank: 1, overrules: [] },
  // Of kill and death the first is the reason of the other. A failure is the consequence of either; a result that was on
  // its way is none.
  killed: { rank: 2, overrules: ['failed', 'none'] },
  died: { rank: 2, overrules: ['failed', 'none'] },
  // The call is killed because of the fault, and the appliance may die of that.
  fault: { rank: 3, overrules: everything },
  // The caller has asked for this end, and is promised this error, whatever had to be done for it.
  aborted: { rank: 4, overrules: everything },
};

/** The fate of a call to which one more thing has happened. */
export function raised(fate: Fate, to: Fate): Fate {
  const isHigher = precedence[to.kind].rank > precedence[fate.kind].rank;
  const [lower, higher] = isHigher ? [fate, to] : [to, fate];
  const isTermination = higher.kind === 'killed' || higher.kind === 'died';
  return isTermination && isTorn(lower) ? { kind: higher.kind, torn: true } : higher;
}

/** Whether what waited in the call's pipe has been let go: its data is not whole, even if libguestfs has not noticed. */
function isTorn(fate: Fate): boolean {
  return fate.kind === 'cancelled' || ('torn' in fate && fate.torn === true);
}

const cancelledTooLate: Outcome = {
  kind: 'failed',
  failure: { errno: constants.errno.EINTR, message: 'the transfer was cancelled' },
};

/** The error with which a call ends; undefined when its value counts. */
export function errorOf(call: EndingCall, outcome: Outcome, console: ApplianceConsole): Error | undefined {
  const seemsDone = outcome.kind === 'value' || outcome.kind === 'broken';
  const came = seemsDone && isTorn(call.fate) ? cancelledTooLate : outcome;
  const isOverruled = precedence[call.fate.kind].overrules.includes(came.kind);
  return isOverruled ? errorOfFate(call, came, console) : errorOfOutcome(call, came, console);
}

/** What observers are told of a call that has ended: that its caller had enough is no failure. */
export function toldError(call: EndingCall, outcome: Outcome, console: ApplianceConsole): Error | undefined {
  const hadEnough = call.fate.kind === 'aborted' && call.fate.reason === enough;
  return hadEnough ? undefined : errorOf(call, outcome, console);
}

/** The error of a call, or of its stream, that ended because its appliance did. */
export function terminationOf(call: EndingCall, console: ApplianceConsole, cause?: unknown): GuestfsError {
  const make = call.fate.kind === 'died' ? diedError : terminatedError;
  return make(call.operation, console.tail(), cause);
}

function errorOfFate(call: EndingCall, outcome: Outcome, console: ApplianceConsole): Error {
  const { operation, fate } = call;
  if (fate.kind === 'aborted') return new AbortError(operation, fate.reason);
  if (fate.kind === 'fault') return faultError(operation, fate.fault);
  const cause = outcome.kind === 'failed' ? libraryError(call, outcome.failure) : undefined;
  return terminationOf(call, console, cause);
}

function errorOfOutcome(
  call: EndingCall,
  outcome: Outcome,
  { refusedWrite }: ApplianceConsole,
): Error | undefined {
  const { operation, fn } = call;
  if (outcome.kind === 'unrepresentable') return unrepresentable(operation, outcome.problem);
  if (outcome.kind === 'broken') return faultError(operation, outcome.fault);
  if (outcome.kind !== 'failed') return undefined;
  const error = libraryError(call, outcome.failure);
  if (fn && worksOnHost(fn)) return hostFailed(error, fn.program, call.said, call.image?.path);
  return refusedWrite && isDiskError(error) ? faultError(operation, refusedWrite, error) : error;
}

function libraryError({ operation, thrown, laterOptions, fn }: EndingCall, failure: Failure): GuestfsError {
  return callFailed(operation, failure, thrown, { laterOptions, instead: fn?.instead });
}

function isDiskError({ code, message }: GuestfsError): boolean {
  return code === 'EIO' || code === 'ENOSPC' || tellsDiskError(message) || tellsWriteError(message);
}
