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
export type { EventName, GuestfsEvents } from './calls/generated/events';
export type {
  LibvirtAuthAnswers,
  LibvirtAuthHandler,
  LibvirtAuthRequest,
  LibvirtCredential,
  LibvirtCredentialType,
} from './calls/libvirt-auth';
export { PrivateData, type PrivateKey, privateKey } from './calls/private-data';
export * from './check';
export * from './diff';
export * from './doctor';
export { AbortError, GuestfsError } from './faults/errors';
export type * from './generated/methods';
export type * from './generated/structs';
export { Guestfs } from './guestfs';
export { type RenderHtmlOptions, renderHtml, type UninspectedImage } from './html';
export * from './inspect';
export type { LaunchWay } from './launch/from-template';
export type { GuestfsOptions } from './launch/handle-options';
export type { Accelerator, LaunchOptions, TemplateMode } from './launch/options';
export type { RemoveTemplatesOptions, TemplateReport } from './launch/templates';
export type { WarmOptions, WarmResult, WarmTemplate } from './launch/warm';
export { type Versions, versions } from './native/versions';
export type { CallOptions, LaunchPhase, OutputOptions, ProgressEvent } from './options/types';
export {
  type AttachOptions,
  type ProgressCi,
  type ProgressFormat,
  type ProgressOutcome,
  ProgressReporter,
  type ProgressReporterOptions,
} from './progress';
export * from './sbom';
export type { GuestWriteStream } from './streams/files';
export type { GuestReadStream } from './streams/guest-read-stream';
export type { ReadStreamOptions, WriteStreamOptions } from './streams/options';
export type { FileSource, FileTarget, WebReadable, WebWritable } from './streams/types';
export type { CallDiagnostics, GuestDiagnostics, PhaseDiagnostics } from './telemetry/diagnostics';
export type { RefusalReason } from './templates/refusal';
