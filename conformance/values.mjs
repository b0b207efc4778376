// Values of the data files, which are JSON, as this package takes and returns them.
import { inspect } from 'node:util';
import { camel } from '../generator/api.mjs';

/** `{int64}` is a bigint, `{base64}` bytes, `{hash}` a Map; any other object is a struct with libguestfs's field names. */
export function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (value === null || typeof value !== 'object') return value;
  if ('int64' in value) return BigInt(value.int64);
  if ('base64' in value) return Buffer.from(value.base64, 'base64');
  if ('hash' in value) return new Map(value.hash);
  return Object.fromEntries(Object.entries(value).map(([field, content]) => [camel(field), decode(content)]));
}

/** A value for a reason's text, in one line of bearable length. */
export function show(value) {
  const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY, maxStringLength: 500, depth: 4 });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** Whether version `a` is older than `b`; both are lists of numbers. */
export function older(a, b) {
  const differing = b.findIndex((part, i) => part !== (a[i] ?? 0));
  return differing >= 0 && (a[differing] ?? 0) < b[differing];
}
