// Whether the doctor may look at all. What it cannot see must not be told as what is not there.
import { type Finding, warning } from './finding';
import type { Machine } from './machine';

/** None where this process may look. */
export function checkPermissions({ missingFlags }: Pick<Machine, 'missingFlags'>): Finding[] {
  if (missingFlags.length === 0) return [];
  const detail =
    `Only the library and a launch are tried, which Node's permission model does not watch: for the other checks start ` +
    `Node.js without it, or with ${missingFlags.join(' ')} too. Launches that could go on from a template boot`;
  return [warning('PERMISSIONS', 'This process may not look at the machine', detail)];
}
