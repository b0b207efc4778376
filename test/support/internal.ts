import type { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import type { CallOptions } from '../../lib/options/types';

/** Calls one of libguestfs's own test functions, `internal_test_*`, which have no method. */
export function internalTest<T>(
  g: Guestfs,
  name: string,
  args: readonly unknown[] = [],
  options?: object,
): Promise<T> {
  return g[invoke]<T>(`internalTest${name}`, args, options as CallOptions | undefined);
}

/** The error of a promise that must reject. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error(`the promise was expected to reject, but resolved to ${String(value)}`);
}
