import { invalidType, invalidValue } from './errors';
import type { CallOptions, ProgressEvent } from './types';

const ofEveryCall = ['signal', 'onProgress', 'killOnAbort'];
const ofOutputs = [...ofEveryCall, 'keepPartial'];

/** The options of a call that are ours and not libguestfs's. `writesFile`: it has a file on the host as its output. */
export function facadeOptions(writesFile = false): readonly string[] {
  return writesFile ? ofOutputs : ofEveryCall;
}

/** The options that are set, each read once: getters and proxies may throw, and may change their mind. */
export function readOptions(operation: string, options: unknown): Record<string, unknown> {
  const read: Record<string, unknown> = Object.create(null);
  if (options === undefined) return read;
  if (typeof options !== 'object' || options === null)
    throw invalidType(operation, 'options', 'object', options);
  let isArray = false;
  try {
    isArray = Array.isArray(options);
    for (const name in options) {
      const value = (options as Record<string, unknown>)[name];
      if (value !== undefined) read[name] = value;
    }
  } catch (cause) {
    throw invalidValue(operation, 'options', 'could not be read', cause);
  }
  if (isArray) throw invalidType(operation, 'options', 'object', options);
  return read;
}

/** The options object of a call, taken apart. */
export interface SplitOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((event: ProgressEvent) => void) | undefined;
  readonly killOnAbort: boolean;
  readonly keepPartial: boolean;
  /** libguestfs's own. */
  readonly names: readonly string[];
  readonly values: readonly unknown[];
}

export const noOptions: SplitOptions = {
  signal: undefined,
  onProgress: undefined,
  killOnAbort: false,
  keepPartial: false,
  names: [],
  values: [],
};

export function splitOptions(
  operation: string,
  options: CallOptions | undefined,
  writesFile = false,
): SplitOptions {
  if (options === undefined) return noOptions;
  const { signal, onProgress, killOnAbort, ...others } = readOptions(operation, options);
  if (signal !== undefined && !isSignal(signal)) {
    throw invalidType(operation, 'options.signal', 'AbortSignal', signal);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidType(operation, 'options.onProgress', 'function', onProgress);
  }
  if (killOnAbort !== undefined && typeof killOnAbort !== 'boolean') {
    throw invalidType(operation, 'options.killOnAbort', 'boolean', killOnAbort);
  }
  const keepPartial = writesFile ? others.keepPartial : undefined;
  if (writesFile) delete others.keepPartial;
  if (keepPartial !== undefined && typeof keepPartial !== 'boolean') {
    throw invalidType(operation, 'options.keepPartial', 'boolean', keepPartial);
  }
  return {
    signal,
    onProgress: onProgress as SplitOptions['onProgress'],
    killOnAbort: killOnAbort === true,
    keepPartial: keepPartial === true,
    names: Object.keys(others),
    values: Object.values(others),
  };
}

const methods = ['aborted', 'addEventListener', 'removeEventListener'];

/** By its looks: a signal of another realm is no `instanceof` of ours. */
function isSignal(value: unknown): value is AbortSignal {
  return typeof value === 'object' && value !== null && methods.every((name) => name in value);
}
