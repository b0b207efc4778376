// A run as a program sees it: an iterable that begins when it is asked.
import { AbortError } from 'guestfs';
import type { FleetResults } from './client-types';
import { soon } from './patience';
import type { Came, Run } from './run';

/** A run that has not begun. */
export interface Beginning<T> {
  readonly id: string;
  begin(): Promise<Run<T>>;
}

/** Begins a run when the first result is asked for. */
export function results<T, R>(
  { id, begin }: Beginning<T>,
  resultOf: (came: { image: T; index: number; value: unknown }) => object,
): FleetResults<R> {
  let run: Promise<Run<T>> | undefined;
  let isOver = false;
  const shaped = (came: Came<T>) => (came.error ? came : resultOf(came)) as R;
  return {
    batch: id,
    async next() {
      if (isOver) return { done: true, value: undefined };
      run ??= begin();
      const next = await (await run).next();
      return next.done ? next : { done: false, value: shaped(next.value) };
    },
    async return() {
      isOver = true;
      await (run && (await soon(run)).return());
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A server that does not answer keeps nobody from giving up. */
export async function untilAborted<T>(
  begin: () => Promise<Run<T>>,
  operation: string,
  signal?: AbortSignal,
): Promise<Run<T>> {
  if (!signal) return await begin();
  const aborted = () => new AbortError(operation, signal.reason);
  if (signal.aborted) throw aborted();
  let onAbort: () => void = () => undefined;
  const early = new Promise<never>((_, reject) => {
    onAbort = () => reject(aborted());
    signal.addEventListener('abort', onAbort);
  });
  const run = begin();
  try {
    return await Promise.race([run, early]);
  } catch (error) {
    run.then((begun) => begun.return()).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
