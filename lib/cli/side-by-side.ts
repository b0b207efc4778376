// Work on several guests at a time: as many as this machine has processors and memory for, or as the user says.
import { AbortError } from '../faults/errors';
import { Pool } from '../guests/pool';

export interface SideBySide {
  readonly operation: string;
  readonly signal: AbortSignal;
  readonly concurrency: number | undefined;
}

/** What comes of each, in the order of the items. @throws what `run` throws, once the others have ended */
export async function sideBySide<T, R>(
  items: readonly T[],
  { operation, signal, concurrency }: SideBySide,
  run: (item: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const pool = new Pool<T, void>(items, {
    signal,
    aborted: (reason) => new AbortError(operation, reason),
    concurrency: () => concurrency ?? defaultConcurrency(items.length),
    run: async (item, index, given) => {
      results[index] = await run(item, index, given);
    },
  });
  for await (const _ of pool);
  return results;
}

/** How many of so many guests are worked on at a time. */
export async function defaultConcurrency(count: number): Promise<number> {
  if (count < 2) return 1;
  // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
  const { applianceOf, concurrencyFor } =
    require('../guests/concurrency') as typeof import('../guests/concurrency');
  return concurrencyFor(await applianceOf(undefined));
}
