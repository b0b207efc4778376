// Numbers, bigints and what else is no object.
import fc from 'fast-check';
import { Value } from './value.mjs';

const oddNumbers = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, 5e-324, 1e21, 1e300, Number.MAX_VALUE],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32],
  ...[2 ** 53 - 1, 2 ** 53, -(2 ** 53) + 1, -(2 ** 53), 2 ** 63, -(2 ** 63), 2 ** 64],
];
export const number = (value) =>
  new Value(Object.is(value, -0) ? '-0' : `${value}`, { is: 'number', number: value }, () => value);
export const numbers = fc
  .oneof(fc.constantFrom(...oddNumbers), fc.integer(), fc.maxSafeInteger(), fc.double())
  .map(number);

const oddBigints = [
  ...[0n, 1n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 64n],
  ...[2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n],
];
const bigint = (value) => new Value(`${value}n`, { is: 'bigint', bigint: value }, () => value);
const enormous = 2n ** 1_000_000n;
export const bigints = fc.oneof(
  fc.constantFrom(...oddBigints).map(bigint),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(bigint),
  fc.constant(new Value('2n ** 1_000_000n', { is: 'bigint', bigint: enormous }, () => enormous)),
);

export const booleans = fc
  .boolean()
  .map((value) => new Value(`${value}`, { is: 'boolean', boolean: value }, () => value));
export const nothing = new Value('null', { is: 'null' }, () => null);
export const undefinedValue = new Value('undefined', { is: 'undefined' }, () => undefined);
