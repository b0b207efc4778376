// Bytes in all kinds of memory.
import vm from 'node:vm';
import fc from 'fast-check';
import { fail, MiB, Value } from './value.mjs';

class OwnBytes extends Uint8Array {}
const foreignBytes = vm.runInNewContext('(length) => new Uint8Array(length)');

/** `wrap` makes the memory that holds the bytes; afterwards they are overwritten. */
const bytesIn = (label, wrap) => (bytes) =>
  new Value(
    `${label} of ${bytes.length} bytes`,
    { is: 'bytes', bytes: Buffer.from(bytes) },
    () => {
      const array = wrap(bytes.length);
      array.set(bytes);
      return array;
    },
    (array) => array.fill(0xee),
  );

const detach = (array) => structuredClone(array.buffer, { transfer: [array.buffer] });
const resizable = (length) => new ArrayBuffer(length, { maxByteLength: length + 8 });
const containers = [
  bytesIn('a Uint8Array', (length) => new Uint8Array(length)),
  bytesIn('a Buffer', (length) => Buffer.alloc(length)),
  bytesIn('a part of a buffer', (length) => new Uint8Array(length + 7).subarray(3, length + 3)),
  bytesIn('a subclass of Uint8Array', (length) => new OwnBytes(length)),
  bytesIn('shared memory', (length) => new Uint8Array(new SharedArrayBuffer(length))),
  bytesIn('a resizable buffer', (length) => new Uint8Array(resizable(length))),
  bytesIn('a part of a resizable buffer', (length) => new Uint8Array(resizable(length), 0, length)),
  bytesIn(
    'growable shared memory',
    (length) => new Uint8Array(new SharedArrayBuffer(length, { maxByteLength: length + 8 })),
  ),
  bytesIn('an array of another realm', (length) => foreignBytes(length)),
];

const moments = [
  (bytes) =>
    new Value(
      `a buffer of ${bytes.length} bytes that is detached while its call waits`,
      { is: 'bytes', bytes: Buffer.from(bytes) },
      () => Uint8Array.from(bytes),
      detach,
    ),
  (bytes) =>
    new Value(
      `a buffer of ${bytes.length} bytes that shrinks while its call waits`,
      { is: 'bytes', bytes: Buffer.from(bytes) },
      () => {
        const array = new Uint8Array(resizable(bytes.length));
        array.set(bytes);
        return array;
      },
      (array) => array.buffer.resize(0),
    ),
];

const noBytes = Buffer.alloc(0);
const oddBytes = [
  new Value('a detached buffer', { is: 'detached' }, () => {
    const array = new Uint8Array(8);
    detach(array);
    return array;
  }),
  new Value(
    'a view that its shrunken buffer no longer holds',
    { is: 'bytes', bytes: noBytes, shrunken: true },
    () => {
      const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
      const array = new Uint8Array(buffer, 4, 4);
      buffer.resize(2);
      return array;
    },
  ),
  new Value('a Uint8Array whose length lies', { is: 'bytes', bytes: Buffer.from('abc') }, () =>
    Object.defineProperties(Buffer.from('abc'), {
      length: { value: 1e9 },
      byteLength: { value: 1e9 },
      buffer: { get: fail },
    }),
  ),
];
export const longBytes = bytesIn('a Buffer', (length) => Buffer.alloc(length))(Buffer.alloc(10 * MiB, 'y'));

export const bytes = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.constantFrom(...containers, ...moments), fc.uint8Array({ maxLength: 300 }))
      .map(([contain, data]) => contain(data)),
  },
  { weight: 3, arbitrary: fc.constantFrom(...oddBytes) },
);
