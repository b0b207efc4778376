export {
  type BatchOptions,
  Fleet,
  type FleetInspectAllOptions,
  type FleetOptions,
  type FleetProgress,
  type FleetResult,
  type FleetResults,
  type FleetRunOptions,
} from './client';
export type { FleetConnectionOptions } from './connection';
export { FleetError, type FleetErrorCode } from './errors';
export { isMachineFault } from './faults';
export type { AllowedServer } from './images';
export type { ResultStore } from './stores/store';
export type { FileChecksum } from './tasks/checksum';
export { defineTask, type Task, type TaskContext } from './tasks/task';
export { type FinishedJob, FleetWorker, type FleetWorkerOptions } from './worker';
