import { setImmediate } from 'node:timers/promises';

/** Whether garbage collection takes an object. Native wrappers need a few turns of the event loop to go. */
export async function isCollected(reference: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    collectGarbage();
    await setImmediate();
    if (reference.deref() === undefined) return true;
  }
  return false;
}

export function collectGarbage(): void {
  if (!globalThis.gc) throw new Error('run the tests with node --expose-gc');
  globalThis.gc();
}
