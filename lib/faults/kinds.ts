import { GuestfsError } from './errors';

/** Codes after which nothing more can be asked of the handle, or is wanted. */
const fatal: ReadonlySet<string> = new Set(['ERR_GUESTFS_TERMINATED', 'ERR_GUESTFS_CLOSED', 'ABORT_ERR']);

export const codeOf = (error: unknown) => (error as { code: string }).code;

export function isFatal(error: unknown): boolean {
  return fatal.has(codeOf(error));
}

/** Whether something is no longer there, or has become something else. */
export function hasVanished(error: unknown): boolean {
  return error instanceof GuestfsError && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
