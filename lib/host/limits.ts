import { closeSync, openSync } from 'node:fs';
import { faultError } from '../faults/errors';
import { limitReached, tooManyHandles } from '../faults/faults';

/** More than libguestfs needs at once, for pipes, sockets and lock files. */
const spareDescriptors = 16;

/** Without descriptors libguestfs fails to say why it failed, and in a launch it may crash this process. */
export function requireDescriptors(operation: string): void {
  const open: number[] = [];
  try {
    while (open.length < spareDescriptors) open.push(openSync('/dev/null', 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') throw faultError(operation, limitReached(code), error);
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** Faults by the addon's codes for what it could not have. */
const limits = new Map([
  ['ERR_NO_THREAD', limitReached('EAGAIN')],
  ['ERR_NO_KEY', tooManyHandles],
]);

/** Makes a handle, or a call: the handle's thread is started for the first one. */
export function withinLimits<T>(operation: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const fault = limits.get((error as { code?: string } | null)?.code ?? '');
    throw fault ? faultError(operation, fault, error) : error;
  }
}
