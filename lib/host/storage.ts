// Storage may stop answering, as that of a dead NFS server does: whatever looks at a file there hangs until it answers
// again, and a hanging look of this process takes a thread of Node's pool, and with it the end of the process.
import { runProgram } from './programs';

/** Script that looks at files; its result is none of our business, only that there is one. */
const look = 'for path; do test -r "$path"; done; true';

/**
 * What `read` finds out about files, once a program of its own has seen that their storage answers.
 *
 * @throws the signal's reason when it is aborted, whatever the storage does
 */
export async function onceAnswering<T>(
  paths: readonly string[],
  signal: AbortSignal | undefined,
  read: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  // Where it cannot be started, reading has to find out by itself.
  await runProgram('/bin/sh', ['-c', look, 'sh', ...paths], { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  return unlessAborted(read(), signal);
}

/** What a promise becomes; it rejects with the signal's reason when that is aborted before. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settled = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.finally(settled).then(resolve, reject);
  });
}
