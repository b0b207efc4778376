import { setImmediate } from 'node:timers/promises';

/**
 * Whether garbage collection takes an object. A `WeakRef` holds it until the current turn of the event loop ends, and
 * native wrappers need a few turns to go.
 */
export async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    await setImmediate();
    collectGarbage();
    if (reference.deref() === undefined) return true;
  }
  return false;
}

export function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('run the tests with node --expose-gc');
  globalThis.gc();
}
