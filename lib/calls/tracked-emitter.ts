import { EventEmitter } from 'node:events';
import type { EventName, GuestfsEvents } from './generated/events';

/** Methods that change the listeners; all else of EventEmitter goes through these. */
const changers = [
  'on',
  'addListener',
  'prependListener',
  'off',
  'removeListener',
  'removeAllListeners',
] as const;

/**
 * EventEmitter's methods for our events alone. Its own type parameter would not do: early @types/node 20 lack it, and
 * since 26 it lets unknown events pass.
 */
export interface TrackedEmitter {
  /** Adds a listener. */
  on<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Adds a listener for the event's next time only. */
  once<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Removes a listener. */
  off<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Adds a listener, as `on` does. */
  addListener<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Removes a listener, as `off` does. */
  removeListener<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Adds a listener before the others. */
  prependListener<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Adds a listener before the others, for the event's next time only. */
  prependOnceListener<E extends EventName>(event: E, listener: (...args: GuestfsEvents[E]) => void): this;
  /** Removes all listeners of an event, or of all events. */
  removeAllListeners(event?: EventName): this;
  /** Returns the number of listeners of an event, or how often `listener` is among them. */
  listenerCount<E extends EventName>(event: E, listener?: (...args: GuestfsEvents[E]) => void): number;
  /** Returns the listeners of an event. */
  listeners<E extends EventName>(event: E): ((...args: GuestfsEvents[E]) => void)[];
  /** Returns the listeners of an event, with the wrappers of those added by `once`. */
  rawListeners<E extends EventName>(event: E): ((...args: GuestfsEvents[E]) => void)[];
  /** Returns the names of the events that have listeners. */
  eventNames(): EventName[];
  /** Calls the listeners of an event, as if it had happened; returns whether there were any. */
  emit<E extends EventName>(event: E, ...args: GuestfsEvents[E]): boolean;
}

/** An EventEmitter that knows when its listeners change, so that events nobody listens to need not be delivered. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: EventEmitter implements it
export abstract class TrackedEmitter extends EventEmitter {
  /** @internal Called after listeners have come or gone. */
  protected abstract listenersChanged(listened: ReadonlySet<EventName>): void;

  static {
    for (const name of changers) {
      const original = EventEmitter.prototype[name] as (...args: unknown[]) => unknown;
      Object.defineProperty(TrackedEmitter.prototype, name, {
        configurable: true,
        writable: true,
        value(this: TrackedEmitter, ...args: unknown[]) {
          const result = original.apply(this, args);
          this.listenersChanged(new Set(this.eventNames()));
          return result;
        },
      });
    }
  }
}
