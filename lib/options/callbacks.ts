// Callbacks of a program: whose asynchronous context they have, and where their errors go.
import { AsyncResource } from 'node:async_hooks';

/** Runs something in the asynchronous context (`AsyncLocalStorage`) in which this was made. */
export type Context = <T>(what: () => T) => T;

/** The asynchronous context of now. What comes from a handle's thread would else have that of the handle's making. */
export function currentContext(): Context {
  const resource = new AsyncResource('guestfs');
  return (what) => resource.runInAsyncScope(what);
}

/** Context for calls in which nothing of the program's will have to run: it costs nothing. */
export const anyContext: Context = (what) => what();

/** A function that runs the callback in the asynchronous context of now. */
export function inCurrentContext<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
  const context = currentContext();
  const inContext = (...args: A) => context(() => callback(...args));
  return onlyWatches(callback) ? watching(inContext) : inContext;
}

const watchers = new WeakSet<object>();

/** Marks one of our own functions that receive a handle: it shows what the handle does, and asks nothing of it. */
export function watching<T extends object>(onHandle: T): T {
  watchers.add(onHandle);
  return onHandle;
}

/** Whether a handle that this function receives stays in our hands all the same. */
export function onlyWatches(onHandle: object): boolean {
  return watchers.has(onHandle);
}

/** Calls a callback of the program's. What it throws is the program's own error: it surfaces, and stops nothing here. */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
