import { types } from 'node:util';

/** The signals of ours that follow those that only look like one. */
const followers = new WeakMap<object, AbortController>();

/**
 * A program's signal; for what only looks like one, as the signals of other libraries and realms do, a signal of ours
 * that follows it: after this, nothing that the program has made of its own is in our way. Undefined for no signal.
 *
 * @throws what reading the object, or adding the listener, throws
 */
export function adoptSignal(value: unknown): AbortSignal | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isGenuine(value)) return value;
  const { aborted, addEventListener } = value as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') return undefined;
  const controller = followers.get(value) ?? new AbortController();
  const abort = () => controller.abort(reasonOf(value));
  if (!followers.has(value)) {
    addEventListener.call(value, 'abort', abort, { once: true });
    followers.set(value, controller);
  }
  if (aborted) abort();
  return controller.signal;
}

function isGenuine(value: object): value is AbortSignal {
  return (
    !types.isProxy(value) &&
    Object.getPrototypeOf(value) === AbortSignal.prototype &&
    Object.getOwnPropertyNames(value).length === 0
  );
}

function reasonOf(signal: { readonly reason?: unknown }): unknown {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/** The reason of an abort that is no failure: who made the call has all that was wanted of it. */
export const enough = Symbol('enough');

/** Follows abort signals with one listener each, however many calls and handles share a signal. */
class Signals {
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

export const signals = new Signals();
