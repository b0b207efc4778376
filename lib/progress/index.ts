export { printable } from '../text/printable';
export type { AttachOptions, ProgressFormat, ProgressReporterOptions } from './options';
export { ProgressReporter } from './reporter';
