// The launched handle that all tests of the API share, and a new one when it is lost.
import { Guestfs } from 'guestfs';
import { call, explain } from './call.mjs';

const patience = 10_000;
/** When so many launches in a row have failed, the next ones will too. */
const enoughFailures = 2;

export class Appliance {
  #g;
  #failures = 0;
  #lastFailure;
  #groups = new Map();

  /** `calls` are those before, at and after the launch. */
  constructor({ calls, timeout, open = () => new Guestfs() }) {
    this.calls = calls;
    this.timeout = timeout;
    this.open = open;
  }

  /** The handle, launched. */
  async ready() {
    if (this.#g && (await answers(this.#g))) return this.#g;
    if (this.#failures >= enoughFailures) throw this.#lastFailure;
    await this.close();
    this.#g = this.open();
    try {
      await this.#launch(this.#g);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#lastFailure = new Error(`the appliance does not start: ${explain(error)}`, { cause: error });
      await this.close();
      throw this.#lastFailure;
    }
    return this.#g;
  }

  async has(group) {
    if (!this.#groups.has(group))
      this.#groups.set(group, await (await this.ready()).featureAvailable([group]));
    return this.#groups.get(group);
  }

  /** Gives the handle up. One that hangs for all that is left to the end of the process. */
  async close() {
    const g = this.#g;
    this.#g = undefined;
    if (!g) return;
    let timer;
    const enough = new Promise((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([g.close(), enough]);
    clearTimeout(timer);
  }

  async #launch(g) {
    const { beforeLaunch, launch, afterLaunch } = this.calls;
    for (const spec of beforeLaunch) await call(g, spec);
    for (const spec of launch) await call(g, spec, { timeout: this.timeout });
    for (const spec of afterLaunch) await call(g, spec, { signal: AbortSignal.timeout(this.timeout) });
  }
}

/** An idle handle does not notice that its appliance has died before it is asked for something. */
async function answers(g) {
  try {
    await g.pingDaemon({ signal: AbortSignal.timeout(patience), killOnAbort: true });
    return true;
  } catch {
    return false;
  }
}
