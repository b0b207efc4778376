import { callFailed, GuestfsError, settingFailed, unrepresentable } from '../faults/errors';
import type { Failure } from '../faults/native-problem';
import type { NativeHandle, NumberedFunction } from '../native/addon';
import { atStepsEnd } from '../options/own-timers';
import { noOptions } from '../options/read';
import { refused } from './marshalling';

/** Makes instant calls: on this thread, with their result at once. */
export class InstantCalls {
  readonly #native: NativeHandle;
  readonly #inState: (failure: Failure, fn: NumberedFunction) => Failure;

  /** @param inState - adds to a failure what is known of the appliance */
  constructor(native: NativeHandle, inState: (failure: Failure, fn: NumberedFunction) => Failure) {
    this.#native = native;
    this.#inState = inState;
  }

  /** Makes a call; undefined, and no call, while the handle has other things to do. */
  make(fn: NumberedFunction, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const answer = this.#native.callInstantly(fn.number, args, noOptions.names, noOptions.values);
    if (!answer) return;
    if ('reason' in answer) throw refused(fn, answer);
    if (answer.hasEvents) atStepsEnd(() => this.#native.relayEvents()); // before anybody has the result
    if ('errno' in answer) throw callFailed(fn.name, this.#inState(answer, fn));
    if ('unrepresentable' in answer) throw unrepresentable(fn.name, answer.unrepresentable);
    return answer;
  }

  /** Makes a call for the handle's configuration, before the handle's first call. */
  configure(fn: NumberedFunction, args: readonly unknown[]): void {
    try {
      this.make(fn, args);
    } catch (error) {
      throw error instanceof GuestfsError ? settingFailed(error, fn.readsEnvironment === true) : error;
    }
  }
}
