// Objects that are no argument of any kind, and functions.
import { long } from './texts.mjs';
import { fail, thrown, Value } from './value.mjs';

/** Of a proxy that throws. */
export const allTraps = Object.fromEntries(
  ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'set', 'apply', 'construct'].map(
    (trap) => [trap, fail],
  ),
);

export function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function rejected() {
  const promise = Promise.reject(thrown);
  promise.catch(() => {});
  return promise;
}

const makersOfThings = {
  'a symbol': () => Symbol('x'),
  'a symbol with a long description': () => Symbol(long),
  'an object': () => ({}),
  'an object without a prototype': () => Object.create(null),
  'an object that turns into a text': () => ({ toString: () => 'text', valueOf: () => 5 }),
  'an object that throws when it is turned into a text': () => ({
    toString: fail,
    valueOf: fail,
    toJSON: fail,
    [Symbol.toPrimitive]: fail,
  }),
  'an object whose every getter throws': () =>
    Object.defineProperties(
      {},
      Object.fromEntries(
        ['constructor', 'length', 'name', 'then', '0', Symbol.iterator, Symbol.toStringTag].map((key) => [
          key,
          { get: fail, enumerable: true },
        ]),
      ),
    ),
  'an object whose class has no text for a name': () => ({ constructor: { name: Symbol('x') } }),
  'an object whose class has a name that throws': () => ({ constructor: { name: { toString: fail } } }),
  'an object whose class has a very long name': () => ({ constructor: { name: long } }),
  'an object with a length': () => ({ length: 1, 0: 'text' }),
  'a date': () => new Date(Number.NaN),
  'a Map': () => new Map([['a', 'b']]),
  'a Set': () => new Set(['a']),
  'an expression': () => /x/,
  'a boxed string': () => Object('text'),
  'a boxed number': () => Object(5),
  'a boxed boolean': () => Object(true),
  'a boxed bigint': () => Object(5n),
  'a promise': () => Promise.resolve('text'),
  'a rejected promise': rejected,
  'a thenable that throws': () => Object.defineProperty({}, 'then', { get: fail }),
  'a generator': () =>
    (function* () {
      yield 'text';
    })(),
  'a proxy of an array': () => new Proxy(['text'], {}),
  'a proxy of bytes': () => new Proxy(new Uint8Array(4), {}),
  'a proxy that throws': () => new Proxy({}, allTraps),
  'a revoked proxy': () => revoked({}),
  'a revoked proxy of an array': () => revoked([]),
  'the arguments of a function': () =>
    (function () {
      // biome-ignore lint/complexity/noArguments: they are what is wanted
      return arguments;
    })('text'),
  'a DataView': () => new DataView(new ArrayBuffer(4)),
  'an ArrayBuffer': () => new ArrayBuffer(4),
  'a SharedArrayBuffer': () => new SharedArrayBuffer(4),
  'a Uint8ClampedArray': () => new Uint8ClampedArray(4),
  'an Int8Array': () => new Int8Array(4),
  'a Uint16Array': () => new Uint16Array(4),
  'a Float64Array': () => new Float64Array(4),
  'a BigInt64Array': () => new BigInt64Array(4),
  'a Float16Array': () => (globalThis.Float16Array ? new globalThis.Float16Array(4) : new Float32Array(4)),
  'an error': () => new Error('x'),
  globalThis: () => globalThis,
};
export const things = Object.entries(makersOfThings).map(
  ([label, make]) => new Value(label, { is: 'thing' }, make),
);

const aFunction = (label, make) => new Value(label, { is: 'function' }, make);
export const functions = [
  aFunction('a function', () => () => 'text'),
  aFunction('a class', () => class Thing {}),
  aFunction('a callable proxy that throws', () => new Proxy(() => {}, allTraps)),
  aFunction('a revoked callable proxy', () => revoked(() => {})),
];
