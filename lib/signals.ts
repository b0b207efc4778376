/** Follows abort signals with one listener each, however many calls share a signal. */
export class Signals {
  readonly #followed = new Map<AbortSignal, Set<() => void>>();

  /** Calls `onAbort` when the signal is aborted; the returned function ends that. */
  follow(signal: AbortSignal, onAbort: () => void): () => void {
    const callbacks = this.#followed.get(signal) ?? this.#listen(signal);
    callbacks.add(onAbort);
    return () => {
      if (callbacks.delete(onAbort) && callbacks.size === 0) this.#unlisten(signal);
    };
  }

  readonly #onAbort = (event: Event) => {
    for (const callback of [...(this.#followed.get(event.target as AbortSignal) ?? [])]) callback();
  };

  #listen(signal: AbortSignal): Set<() => void> {
    const callbacks = new Set<() => void>();
    this.#followed.set(signal, callbacks);
    signal.addEventListener('abort', this.#onAbort, { once: true });
    return callbacks;
  }

  #unlisten(signal: AbortSignal): void {
    this.#followed.delete(signal);
    signal.removeEventListener('abort', this.#onAbort);
  }
}
