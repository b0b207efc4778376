import { EventEmitter } from 'node:events';
import type { EventName, GuestfsEvents } from './events';

/** What changes the listeners; all else of EventEmitter goes through these. */
const changers = [
  'on',
  'addListener',
  'prependListener',
  'off',
  'removeListener',
  'removeAllListeners',
] as const;

/** An EventEmitter that knows when its listeners change, so that events nobody hears need not be delivered. */
export abstract class TrackedEmitter extends EventEmitter<GuestfsEvents> {
  /** @internal Called after listeners have come or gone. */
  protected abstract listenersChanged(heard: ReadonlySet<EventName>): void;

  static {
    for (const name of changers) {
      const original = EventEmitter.prototype[name] as (...args: unknown[]) => unknown;
      Object.defineProperty(TrackedEmitter.prototype, name, {
        configurable: true,
        writable: true,
        value(this: TrackedEmitter, ...args: unknown[]) {
          const result = original.apply(this, args);
          this.listenersChanged(new Set(this.eventNames() as EventName[]));
          return result;
        },
      });
    }
  }
}
