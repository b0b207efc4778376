import { tracingChannel } from 'node:diagnostics_channel';

/** A call, as subscribers of the tracing channel are told of it. */
export interface TracedCall<Handle> {
  /** Name of the method, such as `'mountRo'`. The arguments may be secrets, and are not told. */
  readonly operation: string;
  /** Handle that makes the call. */
  readonly handle: Handle;
  /** Milliseconds from the call to its end, the time in the queue included; set at the end. */
  duration?: number;
  /** Value that the call resolved to. */
  readonly result?: unknown;
  /** Error that the call rejected with. */
  readonly error?: unknown;
}

const channel = tracingChannel<string, TracedCall<unknown>>('guestfs:call');
const channels = [channel.start, channel.end, channel.asyncStart, channel.asyncEnd, channel.error];

/** Whether anybody subscribes to the channel. */
export function isTraced(): boolean {
  return channels.some(({ hasSubscribers }) => hasSubscribers);
}

/** Makes a call, which may tell more about itself, and tells subscribers of it; costs nothing while there are none. */
export function traced<T>(
  operation: string,
  handle: object,
  call: (about: object) => Promise<T>,
): Promise<T> {
  if (!isTraced()) return call({});
  const context: TracedCall<unknown> = { operation, handle };
  const start = performance.now();
  const timed = () =>
    call(context).finally(() => {
      context.duration = performance.now() - start;
    });
  return channel.tracePromise(timed, context);
}
