// Streams in the place of files on the host.
import { PassThrough, Readable, Writable } from 'node:stream';
import { allTraps } from './things.mjs';
import { fail, Value } from './value.mjs';

const chunks = () => ['some ', Buffer.from('bytes')];
async function* generate() {
  yield* chunks();
}

/** All that some streams of other libraries have. */
function readerOf(chunks) {
  const read = async () => (chunks.length > 0 ? { done: false, value: chunks.shift() } : { done: true });
  return () => ({ read, cancel: async () => {} });
}

const writerOf = (work) => ({ write: work, close: work, abort: work });

const source = (label, make) => new Value(label, { is: 'source' }, make);
export const sources = [
  source('a Readable', () => Readable.from(chunks())),
  source('an async generator', generate),
  source('an async iterable', () => ({ [Symbol.asyncIterator]: generate })),
  source('a ReadableStream', () => Readable.toWeb(Readable.from(chunks()))),
  source('a lookalike of a ReadableStream', () => ({ getReader: readerOf(chunks()) })),
];
export const endlessSource = source('a Readable without end', () => new Readable({ read: () => {} }));

const target = (label, make) => new Value(label, { is: 'target' }, make);
export const targets = [
  target('a Writable', () => new Writable({ write: (_chunk, _encoding, done) => done() })),
  target('a WritableStream', () => new WritableStream()),
  target('a lookalike of a WritableStream', () => ({ getWriter: () => writerOf(async () => {}) })),
];
export const stuckTarget = target('a Writable that is stuck', () => new Writable({ write: () => {} }));

/** They make their call fail with an error of their own, be it refused or made. */
const failing = (label, is, make) => new Value(label, { is, fails: true }, make);
const iteratorOf = (asyncIterator) => ({ [Symbol.asyncIterator]: asyncIterator });
export const failingSources = [
  failing('a Readable that is destroyed', 'source', () =>
    Readable.from(chunks())
      .destroy()
      .on('error', () => {}),
  ),
  failing('an iterable whose iterator throws', 'source', () => iteratorOf(fail)),
  failing('an iterable whose iterator is none', 'source', () => iteratorOf(() => 5)),
  failing('a stream whose getReader throws', 'source', () => ({ getReader: fail })),
  failing('a stream whose reader is none', 'source', () => ({ getReader: () => 5 })),
  failing('a stream whose reader throws', 'source', () => ({
    getReader: () => ({ read: fail, cancel: fail }),
  })),
  failing('a stream whose reader reads nothing', 'source', () => ({
    getReader: () => ({ read: async () => undefined, cancel: fail }),
  })),
  failing('an iterable of numbers', 'source', () => Readable.from([5])),
  failing('an iterable whose on throws', 'source', () => ({ ...iteratorOf(generate), on: fail })),
  failing('an iterable whose off and destroy throw', 'source', () => ({
    ...iteratorOf(generate),
    off: fail,
    destroy: fail,
  })),
  failing('an iterable whose on is no function', 'source', () => ({ ...iteratorOf(generate), on: 5 })),
];
const members = ['write', 'end', 'on', 'once', 'off', 'destroy'];
export const failingTargets = [
  failing('a Writable that is destroyed', 'target', () => new Writable().destroy()),
  failing('a Writable that fails', 'target', () => new Writable({ write: fail })),
  failing('a target whose every method throws', 'target', () =>
    Object.fromEntries(members.map((name) => [name, fail])),
  ),
];

const broken = (label, make) => new Value(label, { is: 'broken stream' }, make);
export const brokenStreams = [
  broken('an iterable whose iterator cannot be called', () => iteratorOf(5)),
  broken('a proxy that throws of a Readable', () => new Proxy(Readable.from([]), allTraps)),
  broken('a proxy that throws of a Writable', () => new Proxy(new Writable(), allTraps)),
  broken('a WritableStream that somebody writes to', () => {
    const stream = new WritableStream();
    stream.getWriter();
    return stream;
  }),
  broken('a proxy of a WritableStream', () => new Proxy(new WritableStream(), {})),
  broken('a stream without on', () => Object.defineProperty(new Writable(), 'on', { value: undefined })),
];

/** Good for reading; what is written to it comes after its end. */
export const duplex = failing('a PassThrough', 'duplex', () => new PassThrough().end('bytes'));
