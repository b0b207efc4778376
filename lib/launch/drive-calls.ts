// The calls of a program, which find the list of drives as the program knows it.
import type { Calls } from '../calls/calls';
import type { MakeCall } from '../calls/make-call';
import { terminatedError } from '../faults/errors';
import { checkSignal, readOptions } from '../options/read';
import type { CallOptions } from '../options/types';
import type { Drives } from './drives';

/**
 * Makes a call that needs the whole list of drives: in one hold the drives that a launch or a kill has taken away are added
 * again before it, so that the list is in its order. Where one cannot be added any more, the list goes on without it.
 */
export async function callOnAllDrives<T>(
  calls: Calls,
  drives: Drives,
  method: string,
  args: readonly unknown[],
  options: CallOptions | undefined,
): Promise<T> {
  const read = readOptions(method, options);
  const signal = checkSignal(method, read.signal);
  return calls.hold(method, signal, async (hold) => {
    const restoring: MakeCall = (name, given = [], others) =>
      calls.call(name, given, { ...others, signal }, hold.operation);
    await drives.restore(restoring).catch(() => undefined);
    if (hold.terminated) throw terminatedError(method, '');
    const result = await calls.call<T>(method, args, options && { ...read, signal }, hold.operation);
    drives.record(method, args, options);
    return result;
  });
}
