import { closeSync, openSync, readSync } from 'node:fs';

/**
 * How long the event loop is kept waiting: the gaps between two turns of a 1 ms timer, beyond that millisecond. `own` is
 * what is left without the time in which this thread could have run but the system gave it no processor.
 */
export class LoopGaps {
  samples = [];
  #longestOwn = 0;
  #delay = new RunDelay();
  #last = performance.now();
  #lastDelay = this.#delay.read();
  #timer = setInterval(() => this.#turn(), 1);

  #turn() {
    const now = performance.now();
    const delay = this.#delay.read();
    const gap = Math.max(0, now - this.#last - 1);
    this.samples.push(gap);
    this.#longestOwn = Math.max(this.#longestOwn, gap - (delay - this.#lastDelay));
    this.#last = now;
    this.#lastDelay = delay;
  }

  /** Returns the longest ones, in milliseconds. */
  stop() {
    this.#turn();
    clearInterval(this.#timer);
    this.#delay.close();
    const longest = this.samples.reduce((most, gap) => Math.max(most, gap), 0);
    return { longest, own: this.#longestOwn };
  }
}

/** How long this thread has waited for a processor, as the kernel counts it. */
class RunDelay {
  #file = openSync(`/proc/self/task/${process.pid}/schedstat`);
  #bytes = Buffer.alloc(64);

  /** In milliseconds. */
  read() {
    const length = readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
    const [, waited] = this.#bytes.toString('latin1', 0, length).split(' ');
    return Number(waited) / 1e6;
  }

  close() {
    closeSync(this.#file);
  }
}
