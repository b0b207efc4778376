// What is told on the channels of `node:diagnostics_channel`; it costs nothing while nobody listens.
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { LaunchPhase } from '../options/types';

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

/** The work on the images of one guest, as subscribers of the tracing channel are told of it. */
export interface TracedGuest<Handle> {
  /** Whose work it is: `'inspect'`, `'diff'`, or the name of a command. */
  readonly operation: string;
  /** Images of the guest as they were given, in URIs without what lets one in. */
  readonly images: readonly string[];
  /** Handle that opens the guest; undefined until `asyncStart`, before which the images are looked at. */
  handle?: Handle;
  /** Milliseconds from the start to the end; set at the end. */
  duration?: number;
  /** Error with which the work ended. */
  error?: unknown;
}

/** A phase that a launch enters, as subscribers of the channel are told of it. */
export interface TracedPhase<Call> {
  /** The call of `launch`, the same object as on the channel of calls. */
  readonly call: Call;
  /** Its name, as in {@link ProgressEvent.phase}. */
  readonly phase: LaunchPhase;
}

const calls = tracingChannel<string, TracedCall<unknown>>('guestfs:call');
const guests = tracingChannel<string, TracedGuest<unknown>>('guestfs:guest');
const phases = channel('guestfs:phase');
const callChannels = [calls.start, calls.end, calls.asyncStart, calls.asyncEnd, calls.error];

/** Whether anybody subscribes to the channel of calls. */
export function isTraced(): boolean {
  return callChannels.some(({ hasSubscribers }) => hasSubscribers);
}

/** Makes a call, which may tell more about itself, and tells subscribers of it. */
export function traced<T>(
  operation: string,
  handle: object,
  call: (about: object) => Promise<T>,
): Promise<T> {
  if (!isTraced()) return call({ operation, handle });
  const context: TracedCall<unknown> = { operation, handle };
  const start = performance.now();
  const timed = () =>
    call(context).finally(() => {
      context.duration = performance.now() - start;
    });
  return calls.tracePromise(timed, context);
}

/** Tells of a phase of a call that `traced` makes. */
export function tracePhase(call: object, phase: LaunchPhase): void {
  if (phases.hasSubscribers) phases.publish({ call, phase });
}

/** Tells of the work on a guest: it begins at once, and has to be ended. */
export class GuestTrace {
  readonly #guest: TracedGuest<unknown>;
  readonly #began = performance.now();
  #hasEnded = false;

  constructor(operation: string, images: readonly string[]) {
    this.#guest = { operation, images };
    if (guests.start.hasSubscribers) guests.start.publish(this.#guest);
  }

  opens(handle: object): void {
    this.#guest.handle = handle;
    if (guests.asyncStart.hasSubscribers) guests.asyncStart.publish(this.#guest);
  }

  /** The first failure is the one that is told. */
  fails(error: unknown): void {
    if (this.#hasEnded || this.#guest.error !== undefined) return;
    this.#guest.error = error;
    if (guests.error.hasSubscribers) guests.error.publish(this.#guest);
  }

  ends(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#guest.duration = performance.now() - this.#began;
    if (guests.asyncEnd.hasSubscribers) guests.asyncEnd.publish(this.#guest);
  }
}
