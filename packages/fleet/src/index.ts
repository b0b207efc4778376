export { Fleet, type FleetOptions } from './client';
export type {
  BatchOptions,
  BatchStatus,
  FleetInspectAllOptions,
  FleetProgress,
  FleetResult,
  FleetResults,
  FleetRunOptions,
} from './client-types';
export type { FleetConnectionOptions } from './connection';
export { FleetError, type FleetErrorCode } from './errors';
export { isMachineFault } from './faults';
export type { AllowedServer } from './images';
export { type WorkerMetrics, workerMetrics } from './metrics';
export { FolderStore } from './stores/folder';
export { type PostgresPool, PostgresStore } from './stores/postgres';
export type { ResultStore } from './stores/store';
export type { FileChecksum } from './tasks/checksum';
export { defineTask, type Task, type TaskContext } from './tasks/task';
export { type FinishedJob, FleetWorker, type FleetWorkerOptions } from './worker';
