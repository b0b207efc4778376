import { invalidType, invalidValue } from '../faults/arguments';
import { adoptSignal } from './abort-signals';
import { inCurrentContext } from './callbacks';
import type { CallOptions, ProgressEvent } from './types';

const ofEveryCall = ['signal', 'onProgress', 'killOnAbort'];
const ofOutputs = [...ofEveryCall, 'keepPartial'];

/** The options of a call that are ours and not libguestfs's. `writesFile`: it has a file on the host as its output. */
export function facadeOptions(writesFile = false): readonly string[] {
  return writesFile ? ofOutputs : ofEveryCall;
}

/** Reads from an object of the program's: getters and proxies may throw. */
export function reading<T>(operation: string, argument: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw invalidValue(operation, argument, 'could not be read', cause);
  }
}

/**
 * The options of a call that are set, each read once: getters and proxies may throw, and may change their mind. Callbacks
 * among them run in the asynchronous context of the call.
 */
export function readOptions(operation: string, options: unknown): Record<string, unknown> {
  const read = readSettings(operation, options);
  for (const [name, value] of Object.entries(read)) {
    if (typeof value === 'function') read[name] = inCurrentContext(value as (...args: unknown[]) => unknown);
  }
  return read;
}

/** Reads the options of an object once; its callbacks belong to no one call. */
export function readSettings(operation: string, options: unknown): Record<string, unknown> {
  const read: Record<string, unknown> = Object.create(null);
  if (options === undefined) return read;
  if (!isRecord(options)) throw invalidType(operation, 'options', 'object', options);
  reading(operation, 'options', () => {
    for (const name in options) {
      const value = options[name];
      if (value !== undefined) read[name] = value;
    }
  });
  return read;
}

/** An object that is no list: of those the elements would count as options, and they may be many. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !isArray(value);
}

/** A revoked proxy is none, whatever it was. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** The options object of a call, taken apart. */
export interface SplitOptions {
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((event: ProgressEvent) => void) | undefined;
  readonly killOnAbort: boolean;
  readonly keepPartial: boolean;
  /** Names of the options that are libguestfs's own. */
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
    signal: checkSignal(operation, signal),
    onProgress: onProgress as SplitOptions['onProgress'],
    killOnAbort: killOnAbort === true,
    keepPartial: keepPartial === true,
    names: Object.keys(others),
    values: Object.values(others),
  };
}

export function checkSignal(operation: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const signal = reading(operation, 'options.signal', () => adoptSignal(value));
  if (!signal) throw invalidType(operation, 'options.signal', 'AbortSignal', value);
  return signal;
}

/** Reads and checks the elements one by one: nothing behind a bad one is read. */
export function checkEach<T>(
  operation: string,
  argument: string,
  list: readonly unknown[],
  check: (element: unknown) => T,
): T[] {
  const read = <V>(what: () => V) => reading(operation, argument, what);
  const checked: T[] = [];
  for (let i = 0; i < read(() => list.length); i++) checked.push(check(read(() => list[i])));
  return checked;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
