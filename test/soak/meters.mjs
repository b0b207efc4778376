// What a process holds: what must be the same before and after.
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

/** `listeners` and `files` tell what the load itself knows of. */
export function read({ listeners, files }) {
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  return {
    residentKiB: number('VmRSS'),
    heapKiB: Math.round(process.memoryUsage().heapUsed / 1024),
    threads: number('Threads'),
    descriptors: readdirSync('/proc/self/fd').length,
    processes: children().length,
    listeners: listeners() + ownListeners(),
    files: files(),
  };
}

/** Collects garbage and lets threads and processes that are ending end, so that what is read is held by somebody. */
export async function settle() {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc();
    await setImmediate();
  }
  await sleep(100);
  globalThis.gc();
}

function children() {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
    } catch {
      return []; // the thread has just ended
    }
  });
}

const ownListeners = () =>
  process.eventNames().reduce((count, name) => count + process.listenerCount(name), 0);
