import type { ProgressEvent } from '../options/types';
import type { Estimate } from './estimate';
import type { Expectation } from './expectation';
import type { Output } from './output';

/** A running operation. Its texts are printable: the reporter cleans them before a format sees them. */
export interface Task {
  /** Unique within the reporter, unlike the number of a call, which several handles may share. */
  readonly id: number;
  /** Task of which this one is a part. */
  readonly parent: number | undefined;
  readonly kind: 'image' | 'operation';
  /** Label of the handle, where that has one of its own. */
  readonly label: string | undefined;
  readonly operation: string;
  /** Time of the start, in milliseconds, by the reporter's clock. */
  readonly started: number;
  readonly estimate: Estimate;
  /** What is expected of it where it does not say how far it is. */
  readonly expectation: Expectation;
  phase: string | undefined;
  /** Number of the phase, among those of the tasks. */
  phaseId: number | undefined;
  progress: ProgressEvent | undefined;
}

/** Failure of an operation, printable. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** First line of the message. */
  readonly summary: string;
  /** Whether somebody wanted the operation no more: a person knows that, and needs no code. */
  readonly isAbort: boolean;
}

/** What a format works with. */
export interface Context {
  readonly output: Output;
  /** The running operations in order of their start. */
  readonly tasks: ReadonlySet<Task>;
  /** Clock of the reporter, milliseconds since the epoch. */
  readonly now: () => number;
  /** Label of tasks that have none of their own. Printable; may be empty. */
  readonly label: string;
}

/** One way to show operations. */
export interface Format {
  /** Milliseconds between calls of `tick` while operations run; undefined: never. */
  readonly period: number | undefined;
  started(task: Task): void;
  progressed(task: Task): void;
  entered(task: Task): void;
  /** Shows that a task has ended; it has already left `tasks`. */
  ended(task: Task, failure: Failure | undefined): void;
  /** Shows that time has passed, or that tasks have left without an end. */
  tick(): void;
  /** Prints a line of the program's own; `text` is printable. */
  line(text: string): void;
  /** Takes what is drawn off the screen until the next tick. */
  clear(): void;
}

/** How far a task is. */
export interface Measure {
  readonly ratio: number;
  /** Whole percent, rounded down so that 100 means done. */
  readonly percent: number;
  /** Milliseconds left, where that is known. */
  readonly remaining: number | undefined;
  /** Whether it is known only from what such a task took before. */
  readonly isEstimated: boolean;
}

/** How far a task is at a time; undefined when it cannot be known. A launch tells no more than its phases. */
export function measureOf(task: Task, time: number): Measure | undefined {
  const { progress, phase, estimate } = task;
  const isMeasured = progress !== undefined && !progress.pulse;
  const expected = isMeasured && phase === undefined ? undefined : expectedOf(task, time);
  if (expected) return expected;
  if (!isMeasured) return undefined;
  const remaining = phase === undefined ? estimate.remaining(time) : undefined;
  return { ratio: progress.ratio, percent: wholePercent(progress.ratio), remaining, isEstimated: false };
}

/** How far a task is by what it took before; undefined where that is not known. */
export function expectedOf({ expectation }: Task, time: number): Measure | undefined {
  const ratio = expectation.ratio(time);
  if (ratio === undefined) return undefined;
  const remaining = expectation.remaining(time);
  return { ratio, percent: wholePercent(ratio), remaining, isEstimated: true };
}

function wholePercent(ratio: number): number {
  // The addend makes up for products like 0.29 * 100 = 28.999….
  return Math.floor(ratio * 100 + 1e-9);
}
