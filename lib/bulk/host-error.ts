import { constants } from 'node:os';
import { errorFor } from '../faults/errors';
import { isForbidden } from '../host/permissions';
import { shellWord } from '../text/shell';

/** Makes an error as those of the guest of what the host's filesystem says; every other error stays what it is. */
export function hostError(operation: string, error: unknown): Error {
  if (isForbidden(error)) return forbidden(operation, error as Denial);
  const { code, errno, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === undefined) return error as Error;
  return errorFor({ code, errno: Math.abs(errno ?? 0), operation, cause: error, problem: message });
}

/** What Node's permission model says; without a resource where no flag allows it. */
interface Denial extends Error {
  readonly permission?: string;
  readonly resource?: string;
}

function forbidden(operation: string, cause: Denial): Error {
  const { permission, resource = '', message } = cause;
  const flag = permission === 'FileSystemWrite' ? '--allow-fs-write' : '--allow-fs-read';
  const hint =
    resource === ''
      ? 'Node.js allows it by no flag: use download(), tarOut() or tarIn(), which its permission model does not watch.'
      : `start Node.js with ${flag}=${shellWord(resource)} too`;
  return errorFor({
    ...{ code: 'ERR_ACCESS_DENIED', errno: constants.errno.EACCES, operation, cause, hint },
    problem: `Node's permission model does not allow it: ${message.replace(/\.$/, '')}`,
  });
}
