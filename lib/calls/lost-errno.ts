// The errno that libguestfs has lost: why something could not be written is told by what it was to be written to.
import { posix } from 'node:path';
import { GuestfsError, outOfSpace } from '../faults/errors';
import { tellsWriteError } from '../faults/words';
import type { NumberedFunction } from '../native/addon';
import { valueNamed } from './host-facts';
import type { MakeCall } from './make-call';

/** Bytes: a filesystem that offers less is full for who writes in pieces. Of what it keeps for itself it gives none. */
const littleSpace = 256n * 1024n;

/** Whether libguestfs may not have said why this call could not write. */
export function mayLackErrno(error: Error, fn: NumberedFunction): error is GuestfsError {
  return fn.losesErrno !== undefined && error instanceof GuestfsError && error.errno === 0;
}

/** The error of a call of which libguestfs does not say why it could not write: ENOSPC where no space is left. */
export async function withErrno(
  error: GuestfsError,
  fn: NumberedFunction,
  args: readonly unknown[],
  call: MakeCall,
): Promise<GuestfsError> {
  const place = valueNamed(fn, fn.losesErrno, args, undefined);
  if (typeof place !== 'string' || !tellsWriteError(error.message)) return error;
  const isFull = place.startsWith('/dev/') || (await isFullAt(place, call).catch(() => false));
  return isFull ? outOfSpace(error.operation, error, place) : error;
}

async function isFullAt(path: string, call: MakeCall): Promise<boolean> {
  const at = (where: string) => call<{ bavail: bigint; frsize: bigint }>('statvfs', [where]);
  const { bavail, frsize } = await at(path).catch(() => at(posix.dirname(path)));
  return bavail * frsize < littleSpace;
}
