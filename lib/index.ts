export type {
  CopyInOptions,
  CopyOptions,
  CopyOutOptions,
  CopyProgress,
  Owner,
  SkippedEntry,
} from './bulk/copy-options';
export type { FileType, WalkEntry } from './bulk/entry';
export type { ChecksumType, WalkOptions } from './bulk/walk-options';
export * from './diagnose';
export type { CallDiagnostics } from './diagnostics';
export * from './diff';
export { AbortError, GuestfsError } from './errors';
export type { EventName, GuestfsEvents } from './events';
export type * from './generated/methods';
export type * from './generated/structs';
export { Guestfs, type GuestfsOptions } from './guestfs';
export * from './inspect';
export type { Accelerator, LaunchOptions } from './launch';
export type {
  LibvirtAuthAnswers,
  LibvirtAuthHandler,
  LibvirtAuthRequest,
  LibvirtCredential,
  LibvirtCredentialType,
} from './libvirt-auth';
export { PrivateData, type PrivateKey, privateKey } from './private-data';
export {
  type AttachOptions,
  type ProgressFormat,
  ProgressReporter,
  type ProgressReporterOptions,
} from './progress';
export type { GuestWriteStream } from './streams/files';
export type { GuestReadStream } from './streams/guest-read-stream';
export type { ReadStreamOptions, WriteStreamOptions } from './streams/options';
export type { FileSource, FileTarget, WebReadable, WebWritable } from './streams/types';
export type { CallOptions, LaunchPhase, OutputOptions, ProgressEvent } from './types';
export type { WarmOptions, WarmResult } from './warm';
