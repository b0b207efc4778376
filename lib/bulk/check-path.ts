import { invalidType, invalidValue } from '../faults/arguments';

/** Throws for what can be no path, of the guest or the host. */
export function checkPath(operation: string, argument: string, path: unknown): void {
  if (typeof path !== 'string') throw invalidType(operation, argument, 'string', path);
  if (path === '' || path.includes('\0')) {
    throw invalidValue(operation, argument, 'must be a path: not empty, without NUL');
  }
  if (/[\ud800-\udc7f\udd00-\udfff]/u.test(path)) {
    throw invalidValue(operation, argument, 'contains a lone surrogate that stands for no byte');
  }
}
