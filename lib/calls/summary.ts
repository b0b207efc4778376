import type { Hold } from './hold';
import type { PendingCalls } from './pending-call';

/** What a handle is at, for whoever looks at it. */
export interface Summary {
  readonly state: 'config' | 'launching' | 'ready' | 'closing' | 'closed';
  /** How many calls run or wait in the queue; parts of a larger one do not count. */
  readonly pending: number;
  /** The call that runs. */
  readonly running?: string;
}

/** What is known of a handle's calls without asking libguestfs, which would have to wait for the one that runs. */
export interface KnownCalls {
  readonly pending: PendingCalls;
  readonly holds: ReadonlySet<Hold>;
  readonly launched: boolean;
  readonly closing: boolean;
  readonly closed: boolean;
}

export function summaryOf({ pending, holds, launched, closing, closed }: KnownCalls): Summary {
  const begun = [...holds].map(({ operation }) => operation).filter(({ id }) => !pending.has(id));
  const queued = [...pending.values()].filter(({ parent }) => parent === undefined);
  const operations = [...begun, ...queued].map(({ operation }) => operation);
  const [running] = operations;
  const isLaunching = [...holds].some(({ stage }) => stage !== undefined); // nothing else has phases
  const state = closing ? 'closing' : isLaunching ? 'launching' : launched ? 'ready' : 'config';
  return {
    state: closed ? 'closed' : state,
    pending: operations.length,
    ...(running !== undefined && { running }),
  };
}
