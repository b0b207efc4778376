import type { CallOptions } from './types';

interface DriveCall {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly options: CallOptions | undefined;
}

const adds: ReadonlySet<string> = new Set([
  'addCdrom',
  'addDomain',
  'addDrive',
  'addDriveRo',
  'addDriveRoWithIf',
  'addDriveScratch',
  'addDriveWithIf',
]);

/** Calls that end the appliance on purpose: libguestfs forgets the drives, and so do we. */
const shutdowns: ReadonlySet<string> = new Set(['shutdown', 'killSubprocess']);

/** The drives of a handle. libguestfs empties its own list when the appliance dies; this one survives. */
export class Drives {
  #calls: DriveCall[] = [];

  /** To be told of every call that succeeded. */
  record(method: string, args: readonly unknown[], options: CallOptions | undefined): void {
    if (adds.has(method)) this.#calls.push({ method, args, options: withoutSignal(options) });
    else if (method === 'removeDrive') this.#calls = this.#calls.filter((call) => labelOf(call) !== args[0]);
    else if (shutdowns.has(method)) this.#calls = [];
  }

  /** The calls that add them again, in their order. */
  get calls(): readonly DriveCall[] {
    return this.#calls;
  }
}

function labelOf(call: DriveCall): unknown {
  return (call.options as { label?: string } | undefined)?.label;
}

function withoutSignal(options: CallOptions | undefined): CallOptions | undefined {
  if (options === undefined) return undefined;
  const { signal, onProgress, ...rest } = options;
  return rest;
}
