import { closeSync, openSync } from 'node:fs';
import { faultError } from './errors';
import { limitReached } from './remedies';

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

/** The handle's thread is started for its first call: `submit` makes one. */
export function withThread<T>(operation: string, submit: () => T): T {
  try {
    return submit();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_NO_THREAD') throw error;
    throw faultError(operation, limitReached('EAGAIN'), error);
  }
}
