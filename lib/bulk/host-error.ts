import { errorFor } from '../faults/errors';

/** Makes an error as those of the guest of what the host's filesystem says; every other error stays what it is. */
export function hostError(operation: string, error: unknown): Error {
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === undefined) return error as Error;
  return errorFor({ code, errno: Math.abs(errno ?? 0), operation, cause: error, problem: message });
}
