import type { Finding } from './finding';
import type { DiagnoseOptions } from './options';

export type { FaultCode } from '../faults/faults';
export type { Finding, FindingCode, Severity } from './finding';
export type { DiagnoseOptions } from './options';

/**
 * Looks whether this machine has what libguestfs needs, and then launches an appliance to see whether it works.
 *
 * ```ts
 * for (const { severity, title, detail, remedy } of await diagnose({ launch: false })) {
 *   if (severity !== 'ok') console.log(title, detail, remedy);
 * }
 * ```
 *
 * What is wrong with the machine does not reject: it is a finding. A launch that rejects with an error has the `code` of
 * the finding that explains it. Nothing is changed, but that a launch builds the appliance where that has not been done.
 *
 * @throws TypeError, RangeError for bad options; AbortError when `signal` is aborted
 */
export function diagnose(options?: DiagnoseOptions): Promise<Finding[]> {
  // Loaded when it is needed: most programs that import the package never call it.
  const implementation: typeof import('./diagnose') = require('./diagnose');
  return implementation.diagnose(options);
}
