import { atStepsEnd } from '../options/own-timers';
import type { LoopTurn } from './event-loop-turn';

/** For so long calls are made at once without a turn of the event loop. */
const longestMs = 4;

/**
 * Which instant calls are made at once. A promise that is settled at once does not let the event loop turn, and a program
 * that awaits one after the other would keep timers and input waiting: then a call takes the handle's thread. Calls that
 * nobody awaits in between are one step, for they are in no promise's way.
 */
export class InstantCalls {
  readonly #turn: LoopTurn;
  #inStep = false;
  #tooLong = false;

  constructor(turn: LoopTurn) {
    this.#turn = turn;
  }

  /** Whether the next one may be made at once. */
  next(): boolean {
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
