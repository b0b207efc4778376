import { atStepsEnd } from '../options/own-timers';
import type { LoopTurn } from './event-loop-turn';

/** Milliseconds of a turn of the event loop in which calls are made instantly. */
const longestMs = 4;

/**
 * Decides which calls are made instantly. A promise that is settled at once does not let the event loop turn, and a
 * program that awaits one after the other would keep timers and input waiting: then a call takes the handle's thread.
 * Calls that nobody awaits in between are one step, for they are in no promise's way.
 */
export class InstantBudget {
  readonly #turn: LoopTurn;
  #inStep = false;
  #tooLong = false;

  constructor(turn: LoopTurn) {
    this.#turn = turn;
  }

  /** Whether the next call may be made instantly. */
  allows(): boolean {
    if (!this.#inStep) this.#beginStep();
    return !this.#tooLong;
  }

  #beginStep(): void {
    this.#inStep = true;
    atStepsEnd(() => {
      this.#inStep = false;
    });
    this.#turn.begin();
    this.#tooLong = this.#turn.age > longestMs;
  }
}
