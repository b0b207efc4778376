import type { NumberedFunction } from '../native/addon';
import type { Context } from '../options/callbacks';
import type { ProgressEvent } from '../options/types';
import type { Transfer } from '../streams/transfer';
import type { EndingCall, Fate, Outcome } from './ending';
import type { Operation } from './operations';

/** A call that has been handed to the addon and has not ended yet. */
export interface PendingCall extends EndingCall {
  readonly fn: NumberedFunction | undefined;
  /** The larger operation that the call is part of: observers are told of that one only. */
  readonly parent: Operation | undefined;
  /** The stream in the place of a file on the host. */
  readonly transfer: Transfer | undefined;
  readonly onProgress: ((event: ProgressEvent) => void) | undefined;
  /** The asynchronous context of the call, for its stream and for the program's answer to libvirt. */
  readonly context: Context;
  /** Observers have been told that it runs. */
  started: boolean;
  fate: Fate;
  said: string;
  thrown: unknown;
  /**
   * Outcome of the call. An error is made only where the caller waits for it, so that the stack shows the caller's
   * line.
   */
  readonly outcome: Promise<Outcome>;
  /** Ends the call, once; whatever comes later is ignored. */
  settle(outcome: Outcome): void;
}

/** The pending calls of a handle by their numbers. */
export type PendingCalls = ReadonlyMap<number, PendingCall>;
