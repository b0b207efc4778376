/** Older progress counts less: after this many milliseconds, about a third. */
const MEMORY = 10_000;
/** Forecasts beyond this, in milliseconds, come of too little progress to mean anything. */
const HORIZON = 100 * 3_600_000;

/** Estimates speed and remaining time of one operation from its ratio over time. */
export class Estimate {
  #ratio: number | undefined;
  #time = 0;
  // Weighted sums over the recent samples; their quotient is the smoothed rate.
  #gained = 0;
  #spent = 0;

  /** Takes a ratio (0 to 1) at a time in milliseconds. A ratio below the last one begins a new round. */
  sample(ratio: number, time: number): void {
    if (this.#ratio === undefined || ratio < this.#ratio) {
      this.#gained = 0;
      this.#spent = 0;
    } else {
      const passed = time - this.#time;
      // Two samples of one instant, or a clock set back, say nothing of speed.
      if (passed <= 0) return;
      const kept = Math.exp(-passed / MEMORY);
      this.#gained = this.#gained * kept + (ratio - this.#ratio);
      this.#spent = this.#spent * kept + passed;
    }
    this.#ratio = ratio;
    this.#time = time;
  }

  /** Smoothed gain of the ratio per second; undefined before two samples of a round, or without any gain. */
  get rate(): number | undefined {
    return this.#gained > 0 ? (this.#gained / this.#spent) * 1000 : undefined;
  }

  /** Milliseconds left as seen at `time`; undefined when unknown, or when the last forecast has passed. */
  remaining(time: number): number | undefined {
    const rate = this.rate;
    if (this.#ratio === undefined || rate === undefined) return undefined;
    if (this.#ratio === 1) return 0;
    // Between samples it counts down with the clock.
    const left = ((1 - this.#ratio) / rate) * 1000 - Math.max(time - this.#time, 0);
    return left > 0 && left < HORIZON ? left : undefined;
  }
}
