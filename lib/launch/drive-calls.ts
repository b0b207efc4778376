// The calls of a program, which find the list of drives as the program knows it.
import type { Calls } from '../calls/calls';
import type { MakeCall } from '../calls/make-call';
import { terminatedError } from '../faults/errors';
import { checkSignal, readOptions } from '../options/read';
import type { CallOptions } from '../options/types';
import type { Drives } from './drives';

/** Makes a call, and keeps account of the drives. */
export async function callWithDrives<T>(
  calls: Calls,
  drives: Drives,
  method: string,
  args: readonly unknown[],
  options: CallOptions | undefined,
): Promise<T> {
  if (drives.areMissedBy(method)) return callOnAll(calls, drives, method, args, options);
  const result = await calls.call<T>(method, args, options);
  drives.record(method, args, options);
  return result;
}

/**
 * In one hold with adding the drives again that a launch or a kill has taken away, so that the list is in its order. Where
 * one of them cannot be added any more, the list goes on behind those before it.
 */
async function callOnAll<T>(
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
