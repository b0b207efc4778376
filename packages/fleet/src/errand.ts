// One job of a run, from its giving to the queue to its end.
import { FleetError } from './errors';
import type { Ended, Watcher } from './watcher';

export interface ErrandParts {
  readonly jobId: string;
  /** Gives the job to the queue; undefined for one that was given to it before. */
  readonly submit: (() => Promise<void>) | undefined;
  readonly watcher: Watcher;
  /** Whether it may have ended already. */
  readonly look: boolean;
  /** Whether it may be given to the queue again where the server has lost it. */
  readonly repeatable: boolean;
  /** Takes the job out of the queue; false where a worker has it. */
  readonly remove: () => Promise<boolean>;
  readonly active: () => void;
  readonly progress: (event: unknown) => void;
}

/** Milliseconds that a job is waited for that nobody wants any more: its worker may be gone. */
const farewellMs = 5000;

export class Errand {
  /** Resolves with how the job has ended; rejects where it was given up, or lost. */
  readonly end: Promise<Ended>;
  readonly #parts: ErrandParts;
  #resolve: (end: Ended) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #unwatch: () => void = () => undefined;
  #given: Promise<void> = Promise.resolve();
  #farewell: NodeJS.Timeout | undefined;
  #isOver = false;
  #isSubmitting = false;

  constructor(parts: ErrandParts) {
    this.#parts = parts;
    this.end = new Promise<Ended>((resolve, reject) => {
      [this.#resolve, this.#reject] = [resolve, reject];
    });
    this.#isSubmitting = parts.submit !== undefined;
    // Before it is given to the queue: it may be done before that is known here.
    this.#watch(false);
    this.#given = parts.submit?.() ?? this.#given;
    this.#given.then(
      () => {
        this.#isSubmitting = false;
        if (parts.look) this.#watch(true);
      },
      (error) => this.#fail(error),
    );
  }

  /** Ends the waiting at once; the job goes on. */
  leave(reason: unknown): void {
    this.#fail(reason);
  }

  /** Takes the job out of the queue; where a worker has it, that is waited for, but not for long. */
  giveUp(reason: unknown): void {
    if (this.#isOver || this.#farewell) return;
    this.#farewell = setTimeout(() => this.#fail(reason), farewellMs);
    this.#given.then(this.#parts.remove).then(
      (isGone) => (isGone ? this.#fail(reason) : this.#watch(true)),
      () => undefined,
    );
  }

  #watch(look: boolean): void {
    if (this.#isOver) return;
    const { watcher, jobId, active, progress } = this.#parts;
    this.#unwatch = watcher.watch(
      jobId,
      {
        ...{ active, progress },
        missing: () => this.#missing(),
        gone: (error) => this.#fail(error),
        ended: (end) => {
          this.#settle();
          this.#resolve(end);
        },
      },
      look,
    );
    if (this.#isOver) this.#unwatch();
  }

  #missing(): void {
    const { submit, repeatable, jobId } = this.#parts;
    // It is taken out just now.
    if (this.#farewell) return;
    if (!submit || !repeatable) this.#fail(lost(jobId));
    else if (!this.#isSubmitting) {
      this.#isSubmitting = true;
      submit().then(
        () => {
          this.#isSubmitting = false;
        },
        (error) => this.#fail(error),
      );
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#isOver = true;
    clearTimeout(this.#farewell);
    this.#unwatch();
  }
}

function lost(jobId: string): FleetError {
  return new FleetError(
    'ERR_GUESTFS_FLEET_JOB_LOST',
    `the server has no job ${jobId}: it has lost it, or kept it no longer`,
  );
}
