import { invalidType, invalidValue, outOfRange, unknownOption } from '../faults/arguments';
import { checkSignal, readOptions } from '../options/read';

/** Options of streams that read a part of a file or device. */
export interface ReadStreamOptions {
  /** First byte to read, 0 or more; default 0. */
  readonly start?: number | bigint | undefined;
  /** Last byte to read, inclusive as with Node's `fs`; default: up to the end. */
  readonly end?: number | bigint | undefined;
  /** Bytes read ahead, about, and the most that one call reads of a file (2 MiB at most); default 1 MiB. */
  readonly highWaterMark?: number | undefined;
  /** Aborts the transfer: the stream is destroyed with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of streams that write a file. */
export interface WriteStreamOptions {
  /**
   * Mode of opening: `'w'`, the default, creates the file or empties it; `'wx'` fails with `EEXIST` where the file
   * exists; `'a'` appends; `'r+'` writes into an existing file.
   */
  readonly flags?: 'w' | 'wx' | 'a' | 'r+' | undefined;
  /** Permission bits of a file that is created, `0o7777` at most; default `0o644`. */
  readonly mode?: number | undefined;
  /** Offset at which writing begins, with `'w'` and `'r+'`, bytes; default 0. */
  readonly start?: number | bigint | undefined;
  /** Bytes kept before `write` returns false; default 1 MiB. */
  readonly highWaterMark?: number | undefined;
  /** Aborts the transfer: the stream is destroyed with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadRange {
  readonly start: number;
  /** Offset of the byte behind the last. */
  readonly end: number;
  readonly highWaterMark: number;
  readonly signal: AbortSignal | undefined;
}

export interface WritePlan {
  readonly flags: 'w' | 'wx' | 'a' | 'r+';
  readonly mode: number | undefined;
  readonly start: number;
  readonly highWaterMark: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that one message of libguestfs's protocol holds with some room. */
export const largestPiece = 2 * 1024 * 1024;

const defaultHighWaterMark = 1 << 20;

export function checkReadOptions(operation: string, options: unknown): ReadRange {
  const { start, end, highWaterMark, signal, ...others } = readOptions(operation, options);
  refuseOthers(operation, others, ['start', 'end', 'highWaterMark', 'signal']);
  const range = {
    start: position(operation, 'start', start, 0),
    end: position(operation, 'end', end, Number.MAX_SAFE_INTEGER - 1) + 1,
    highWaterMark: positive(operation, highWaterMark),
    signal: checkSignal(operation, signal),
  };
  if (range.end < range.start) throw outOfRange(operation, 'options.start', '<= "options.end"', start);
  return range;
}

export function checkWriteOptions(operation: string, options: unknown): WritePlan {
  const { flags = 'w', mode, start, highWaterMark, signal, ...others } = readOptions(operation, options);
  refuseOthers(operation, others, ['flags', 'mode', 'start', 'highWaterMark', 'signal']);
  if (typeof flags !== 'string') throw invalidType(operation, 'options.flags', 'string', flags);
  if (!['w', 'wx', 'a', 'r+'].includes(flags)) {
    throw invalidValue(operation, 'options.flags', "must be 'w', 'wx', 'a' or 'r+'");
  }
  if (mode !== undefined && typeof mode !== 'number') {
    throw invalidType(operation, 'options.mode', 'number', mode);
  }
  if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777)) {
    throw outOfRange(operation, 'options.mode', 'an integer >= 0 and <= 0o7777', mode);
  }
  return {
    flags: flags as WritePlan['flags'],
    mode,
    start: position(operation, 'start', start, 0),
    highWaterMark: positive(operation, highWaterMark),
    signal: checkSignal(operation, signal),
  };
}

function refuseOthers(operation: string, others: object, known: readonly string[]): void {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw unknownOption(operation, unknown, known);
}

function position(operation: string, name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw invalidType(operation, `options.${name}`, 'number or bigint', value);
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw outOfRange(operation, `options.${name}`, 'an integer >= 0 and <= Number.MAX_SAFE_INTEGER', value);
  }
  return number;
}

function positive(operation: string, value: unknown): number {
  if (value === undefined) return defaultHighWaterMark;
  if (typeof value !== 'number') throw invalidType(operation, 'options.highWaterMark', 'number', value);
  if (!Number.isInteger(value) || value < 1) {
    throw outOfRange(operation, 'options.highWaterMark', 'an integer >= 1', value);
  }
  return value;
}
