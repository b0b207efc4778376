import type { Finding } from './finding';
import type { DiagnoseOptions } from './options';

export type { FaultCode } from '../faults/faults';
export type { Finding, FindingCode, Severity } from './finding';
export type { DiagnoseOptions } from './options';

/**
 * Checks whether this machine has what libguestfs needs, and then launches an appliance to see whether that works.
 *
 * ```ts
 * for (const { severity, title, detail, remedy } of await diagnose({ launch: false })) {
 *   if (severity !== 'ok') console.log(title, detail, remedy);
 * }
 * ```
 *
 * A fault of the machine is a finding, not a rejection; a later launch that fails for that reason rejects with an error
 * of the same `code`. Nothing on the machine is changed, except that the launch builds the appliance where there is
 * none.
 *
 * @throws TypeError, RangeError for bad options; AbortError when `signal` is aborted
 */
export function diagnose(options?: DiagnoseOptions): Promise<Finding[]> {
  // Loaded when it is needed: most programs that import the package never call it.
  const implementation: typeof import('./diagnose') = require('./diagnose');
  return implementation.diagnose(options);
}
