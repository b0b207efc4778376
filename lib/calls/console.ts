import type { Fault } from '../faults/faults';
import { RefusedWrites } from '../faults/kernel-words';

/** Most characters of the console that are looked at for one call: the first ones, for an image may have a say later. */
const maxSaid = 16 * 1024;

/** What the appliance says on its console, as far as a handle needs it. */
export class ApplianceConsole {
  /** The last of what it has said since the launch, for errors. */
  readonly tail: () => string;
  readonly #listeners = new Set<(text: string) => void>();
  readonly #refusedWrites = new RefusedWrites();

  constructor(tail: () => string) {
    this.tail = tail;
  }

  /** The host has not taken all that the appliance has written: why, once the guest's kernel has said so. */
  get refusedWrite(): Fault | undefined {
    return this.#refusedWrites.fault;
  }

  /** Calls `listener` with each piece of text until the returned function is called. */
  listen(listener: (text: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Takes a piece of text, said while `call` ran. */
  append(text: string, call: { said: string } | undefined): void {
    if (call) call.said = (call.said + text).slice(0, maxSaid);
    this.#refusedWrites.read(text);
    for (const listener of this.#listeners) listener(text);
  }

  /** Another appliance is up: what the one before has lost does not concern it. */
  startAnew(): void {
    this.#refusedWrites.forget();
  }

  /** A call has failed with this message, which the daemon writes to the console too. */
  disown(message: string): void {
    this.#refusedWrites.disown(message);
  }
}
