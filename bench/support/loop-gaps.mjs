// How long the event loop is kept waiting: the gaps between two turns of a 1 ms timer, beyond that millisecond.
export class LoopGaps {
  samples = [];
  #last = performance.now();
  #timer = setInterval(() => this.#turn(), 1);

  #turn() {
    const now = performance.now();
    this.samples.push(Math.max(0, now - this.#last - 1));
    this.#last = now;
  }

  /** Returns the longest one, in milliseconds. */
  stop() {
    this.#turn();
    clearInterval(this.#timer);
    return this.samples.reduce((longest, gap) => Math.max(longest, gap), 0);
  }
}
