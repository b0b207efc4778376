import type { LaunchPhase } from '../options/types';
import type { Operation } from './operations';

/** The time in which one operation has the handle to itself: only its own calls run, all others wait. */
export interface Hold {
  readonly operation: Operation;
  /** How far the operation has come, if it has phases. */
  stage: Stage | undefined;
  /** The appliance was killed meanwhile: give up. */
  terminated: boolean;
  /** libguestfs has not returned from a call, although everything was killed: no further call can be made now. */
  stuck: boolean;
}

/** A phase of an operation, on libguestfs's scale for that operation. */
export interface Stage {
  readonly phase: LaunchPhase;
  readonly position: bigint;
  readonly total: bigint;
  /** When the operation began, in milliseconds since the epoch. */
  readonly began: number;
}
