// Values that JSON lacks, on their way through a queue: whole numbers of any size, bytes, times, maps.
// A tagged value is an object with the one key `$fleet`; an object that has that key of its own is refused.

import { FleetError } from '../errors';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const tag = '$fleet';
/** Levels of values in values: what is deeper is no data of ours, and would take all of the stack. */
const deepest = 500;

/** @throws TypeError for what cannot travel: functions, symbols, circles */
export function encode(value: unknown, seen: readonly object[] = []): Json | undefined {
  switch (typeof value) {
    case 'bigint':
      return { [tag]: ['bigint', String(value)] };
    case 'number':
      return Number.isFinite(value) ? value : { [tag]: ['number', String(value)] };
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? null : ofObject(value, seen);
    default:
      throw new TypeError(`a ${typeof value} cannot be sent to another machine`);
  }
}

function ofObject(value: object, seen: readonly object[]): Json {
  if (seen.includes(value))
    throw new TypeError('an object that contains itself cannot be sent to another machine');
  if (seen.length >= deepest) throw new TypeError(`data of more than ${deepest} levels cannot be sent`);
  const inner = (each: unknown) => encode(each, [...seen, value]) ?? null;
  if (Array.isArray(value)) return value.map(inner);
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { [tag]: ['bytes', bytes.toString('base64')] };
  }
  if (value instanceof Date) return { [tag]: ['date', value.getTime()] };
  if (value instanceof Map)
    return { [tag]: ['map', [...value].map(([key, each]) => [inner(key), inner(each)])] };
  if (value instanceof Set) return { [tag]: ['set', [...value].map(inner)] };
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.some(([key]) => key === tag)) throw new TypeError(`an object with a key ${tag} cannot be sent`);
  return Object.fromEntries(entries.map(([key, each]) => [key, inner(each)]));
}

/**
 * The value that was encoded. It comes from the network: what is no encoding of ours is refused.
 *
 * @throws FleetError ERR_GUESTFS_FLEET_RESULT
 */
export function decode(json: unknown, depth = 0): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (depth > 2 * deepest) throw garbled('it has too many levels');
  const inner = (each: unknown) => decode(each, depth + 1);
  if (Array.isArray(json)) return json.map(inner);
  const entries = Object.entries(json);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === tag) return ofTag(first[1], inner);
  // Object.fromEntries() makes an own property of `__proto__` too.
  return Object.fromEntries(entries.map(([key, each]) => [key, inner(each)]));
}

function ofTag(tagged: unknown, inner: (each: unknown) => unknown): unknown {
  const [kind, value] = Array.isArray(tagged) ? (tagged as unknown[]) : [];
  if (kind === 'bigint' && typeof value === 'string' && /^-?\d{1,400}$/.test(value)) return BigInt(value);
  if (kind === 'number' && typeof value === 'string') return Number(value);
  if (kind === 'bytes' && typeof value === 'string') return Buffer.from(value, 'base64');
  if (kind === 'date' && (typeof value === 'number' || value === null)) return new Date(value ?? Number.NaN);
  if (kind === 'set' && Array.isArray(value)) return new Set(value.map(inner));
  if (
    kind === 'map' &&
    Array.isArray(value) &&
    value.every((each) => Array.isArray(each) && each.length === 2)
  )
    return new Map(value.map(([key, each]) => [inner(key), inner(each)]));
  throw garbled('it has a value of a kind that is not known here');
}

function garbled(why: string): FleetError {
  return new FleetError('ERR_GUESTFS_FLEET_RESULT', `what came from another machine cannot be read: ${why}`);
}
