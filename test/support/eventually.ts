import { setImmediate } from 'node:timers/promises';

/** Polls what has no event to wait for. */
export async function eventually(condition: () => boolean, timeout = 20_000): Promise<boolean> {
  const deadline = Date.now() + timeout;
  while (!condition()) {
    if (Date.now() > deadline) return false;
    await setImmediate();
  }
  return true;
}
