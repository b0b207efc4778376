export { printable } from '../text/printable';
export type { AttachOptions, ProgressCi, ProgressFormat, ProgressReporterOptions } from './options';
export type { ProgressOutcome } from './outcomes';
export { ProgressReporter } from './reporter';
