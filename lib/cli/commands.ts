import type { Command, Description } from './command';
import { completionCommand } from './completion';

/** Loaded when they are needed. None of these modules loads the addon: help is to be had where that cannot be. */
const loaders: Readonly<Record<string, () => Command>> = {
  inspect: () => (require('./inspect') as typeof import('./inspect')).command,
  filesystems: () => (require('./filesystems') as typeof import('./filesystems')).command,
  df: () => (require('./df') as typeof import('./df')).command,
  ls: () => (require('./ls') as typeof import('./ls')).command,
  cat: () => (require('./cat') as typeof import('./cat')).command,
  log: () => (require('./log') as typeof import('./log')).command,
  'copy-out': () => (require('./copy-out') as typeof import('./copy-out')).command,
  'copy-in': () => (require('./copy-in') as typeof import('./copy-in')).command,
  'tar-out': () => (require('./tar-out') as typeof import('./tar-out')).command,
  checksum: () => (require('./checksum') as typeof import('./checksum')).command,
  diff: () => (require('./diff') as typeof import('./diff')).command,
  check: () => (require('./check') as typeof import('./check')).command,
  sbom: () => (require('./sbom') as typeof import('./sbom')).command,
  doctor: () => (require('./doctor') as typeof import('./doctor')).command,
  warm: () => (require('./warm') as typeof import('./warm')).command,
  build: () => (require('./build') as typeof import('./build')).command,
  progress: () => (require('./progress-logs') as typeof import('./progress-logs')).command,
  completion: () => completionCommand(descriptions),
};

export const commandNames: readonly string[] = Object.keys(loaders);

/** Loads a command; undefined when there is none of that name. */
export function loadCommand(name: string): Command | undefined {
  return Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined;
}

/** Descriptions in the order in which the help lists them. */
export function descriptions(): readonly Description[] {
  return Object.values(loaders).map((load) => load().description);
}
