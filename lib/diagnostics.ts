import { tracingChannel } from 'node:diagnostics_channel';
import type { Guestfs } from './guestfs';

/**
 * What subscribers of the tracing channel `guestfs:call` of `node:diagnostics_channel` are told of a call, one object
 * from its start to its end.
 */
export interface CallDiagnostics {
  /** The method. Its arguments may be secrets, and are not told. */
  readonly operation: string;
  /** Whose call it is. */
  readonly handle: Guestfs;
  /** Milliseconds from the call to its end, the time in the queue included; at the end. */
  duration?: number;
  /** What the call resolved to. */
  readonly result?: unknown;
  /** What it rejected with. */
  readonly error?: unknown;
}

const channel = tracingChannel<string, CallDiagnostics>('guestfs:call');
const channels = [channel.start, channel.end, channel.asyncStart, channel.asyncEnd, channel.error];

/** Whether anybody is told of calls. */
export function isDiagnosed(): boolean {
  return channels.some(({ hasSubscribers }) => hasSubscribers);
}

/** Tells subscribers of a call; costs nothing while there are none. */
export function diagnosed<T>(operation: string, handle: Guestfs, call: () => Promise<T>): Promise<T> {
  if (!isDiagnosed()) return call();
  const context: CallDiagnostics = { operation, handle };
  const start = performance.now();
  const timed = () =>
    call().finally(() => {
      context.duration = performance.now() - start;
    });
  return channel.tracePromise(timed, context);
}
