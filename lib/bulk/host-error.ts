import { GuestfsError } from '../faults/errors';

/** What the host's filesystem says becomes an error as those of the guest; every other error stays what it is. */
export function hostError(operation: string, error: unknown): Error {
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === undefined) return error as Error;
  return new GuestfsError(`${operation}: ${message}`, {
    code,
    errno: Math.abs(errno ?? 0),
    operation,
    cause: error,
  });
}
