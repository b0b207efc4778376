import type { Fault } from '../faults/faults';
import { refusedWrite } from '../faults/words';

/** Most characters of the console that the error of one call quotes. */
const maxSaid = 4096;
/** Longer than a line of the guest's kernel. */
const maxLine = 512;

/** What the appliance says on its console, as far as a handle needs it. */
export class ApplianceConsole {
  /** The last of what it has said since the launch, for errors. */
  readonly tail: () => string;
  readonly #listeners = new Set<(text: string) => void>();
  #lastLine = '';
  #refusedWrite: Fault | undefined;

  constructor(tail: () => string) {
    this.tail = tail;
  }

  /** The host has not taken all that the appliance has written: why, once the guest's kernel has said so. */
  get refusedWrite(): Fault | undefined {
    return this.#refusedWrite;
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
    if (call) call.said = (call.said + text).slice(-maxSaid);
    const lines = this.#lastLine + text; // a line may come in pieces
    this.#refusedWrite ??= refusedWrite(lines);
    this.#lastLine = lines.slice(-maxLine);
    for (const listener of this.#listeners) listener(text);
  }

  /** Another appliance is up: what the one before has lost does not concern it. */
  startAnew(): void {
    this.#refusedWrite = undefined;
  }
}
