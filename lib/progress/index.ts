export { printable } from './printable';
export { type ProgressFormat, ProgressReporter, type ProgressReporterOptions } from './reporter';
