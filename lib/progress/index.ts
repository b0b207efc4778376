export type { AttachOptions, ProgressFormat, ProgressReporterOptions } from './options';
export { printable } from './printable';
export { ProgressReporter } from './reporter';
