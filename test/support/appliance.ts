/** Handles of the tests against the real appliance, and what these tests look at. */
import { jest } from '@jest/globals';
import { Guestfs, type ProgressEvent } from '../../lib';

// A launch under emulation takes half a minute and more on a busy machine.
jest.setTimeout(300_000);

export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

/** A handle with empty drives of these sizes in bytes, up and running. */
export async function launchedHandle(...sizes: number[]): Promise<Guestfs> {
  const g = new Guestfs();
  try {
    for (const size of sizes) await g.addDriveScratch(size);
    await g.launch();
    return g;
  } catch (error) {
    await g.close();
    throw error;
  }
}

/** How a promise was settled, and when: milliseconds after `timed` was called. */
export interface Settled<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly ms: number;
}

export async function timed<T>(promise: Promise<T>): Promise<Settled<T>> {
  const start = performance.now();
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  return { ...settled, ms: performance.now() - start };
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What libguestfs promises of the progress messages of one call. */
export function expectWellFormed(events: readonly ProgressEvent[], operation: string): void {
  let last = -1n;
  for (const event of events) {
    const { position, total } = event;
    if (event.operation !== operation || position < 0n || position > total || position < last) {
      throw new Error(`a progress message of ${operation} is malformed or out of order: ${describe(event)}`);
    }
    if (Math.abs(event.ratio - Number(position) / Number(total)) > 1e-9 || event.pulse !== (total === 1n)) {
      throw new Error(`ratio or pulse of a progress message is wrong: ${describe(event)}`);
    }
    last = position;
  }
}

function describe(event: ProgressEvent): string {
  return JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
