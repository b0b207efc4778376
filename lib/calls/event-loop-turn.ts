import { performance } from 'node:perf_hooks';
import { atTurnsEnd } from '../options/own-timers';

/** The turn of the event loop in which handles are at work. */
export class LoopTurn {
  readonly #onEnd: () => void;
  #began: number | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Begins the turn, unless it has begun: to be called whenever work begins. */
  begin(): void {
    if (this.#began !== undefined) return;
    this.#began = performance.now();
    atTurnsEnd(() => {
      this.#began = undefined;
      this.#onEnd();
    });
  }

  /** Milliseconds since the turn began; 0 between turns. */
  get age(): number {
    return this.#began === undefined ? 0 : performance.now() - this.#began;
  }
}
