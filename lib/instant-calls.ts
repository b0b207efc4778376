/** After this many steps in a row one call goes the long way. */
const stepsInARow = 64;

/**
 * Which instant calls are made at once. A promise that is settled at once does not let the event loop turn, and a program
 * that awaits one after the other would keep timers and input waiting: now and then a call takes the handle's thread.
 * Calls that nobody awaits in between are one step, for they are in no promise's way.
 */
export class InstantCalls {
  #steps = 0;
  #inStep = false;

  /** Whether the next one may be made at once. */
  next(): boolean {
    if (!this.#inStep) {
      this.#inStep = true;
      this.#steps++;
      queueMicrotask(() => {
        this.#inStep = false;
      });
    }
    return this.#steps % stepsInARow !== 0;
  }
}
