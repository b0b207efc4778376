export { AbortError, GuestfsError } from './errors';
export type { EventName, GuestfsEvents } from './events';
export type * from './generated/methods';
export type * from './generated/structs';
export { Guestfs, type GuestfsOptions } from './guestfs';
export type { Accelerator, LaunchOptions } from './launch';
export { PrivateData, type PrivateKey, privateKey } from './private-data';
export { ProgressReporter } from './progress';
export type { CallOptions, ProgressEvent } from './types';
