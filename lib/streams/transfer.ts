// Streams in the place of files on the host: libguestfs has one end of a pipe, and the other is here.
import { Socket, type SocketConstructorOpts } from 'node:net';
import { type DuplexOptions, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { types } from 'node:util';
import { invalidType, invalidValue } from '../faults/arguments';
import { noMemory } from '../faults/errors';
import { later } from '../options/own-timers';
import { reading } from '../options/read';
import type { FileSource, FileTarget, WebReadable, WebWritable } from './types';

/** The stream of one call. */
export interface Transfer {
  /** The call has been accepted: from here on the stream is ours. */
  accept(): void;
  /** The call begins. `cancel` makes it end when the stream fails. */
  start(fd: number, cancel: () => void): void;
  /** The call has ended. Resolves when the stream has ended too; what failed in the stream goes before `error`. */
  finish(error: Error | undefined): Promise<void>;
  /** While `finish` waits: ends the stream as it is. */
  giveUp(error: Error): void;
}

/** The stream that was given as a file to read; undefined for a path. */
export function sourceTransfer(operation: string, argument: string, file: FileSource): Transfer | undefined {
  if (typeof file === 'string') return undefined;
  if (types.isUint8Array(file)) return new SourceTransfer([copyOf(operation, argument, file)]);
  if (has(file, 'getReader')) return new SourceTransfer(new WebSource(file as WebReadable));
  if (has(file, Symbol.asyncIterator)) return new SourceTransfer(file as Source);
  throw invalidType(
    operation,
    argument,
    'string, Uint8Array, Readable, AsyncIterable or ReadableStream',
    file,
  );
}

/** The stream that was given as a file to write; undefined for a path. */
export function targetTransfer(operation: string, argument: string, file: FileTarget): Transfer | undefined {
  if (typeof file === 'string') return undefined;
  if (has(file, 'write', 'end', 'on', 'once', 'off')) return new TargetTransfer(() => file as Writable);
  if (isWebWritable(file)) {
    const locked = reading(operation, argument, () => file.locked);
    if (locked) throw invalidValue(operation, argument, 'is a stream that somebody else writes to');
    return new TargetTransfer(() => Writable.fromWeb(file));
  }
  if (!types.isProxy(file) && has(file, 'getWriter'))
    return new TargetTransfer(() => writableOf(file as WebWritable));
  throw invalidType(operation, argument, 'string, Writable or WritableStream', file);
}

/** Bytes that Node reads from a pipe at most at once. */
const fullChunk = 64 * 1024;
/**
 * The appliance sends 8 KiB at a time. Each of them would cost a turn of the event loop; in so many milliseconds many have
 * come together, and the pipe has room for them.
 */
const restMs = 2;

type Source = Iterable<unknown> | AsyncIterable<unknown>;

/** The part that both directions have in common. */
abstract class StreamTransfer implements Transfer {
  protected readonly ended = new Ending();
  protected failure: { readonly error: unknown } | undefined;

  abstract accept(): void;
  abstract start(fd: number, cancel: () => void): void;
  abstract finish(error: Error | undefined): Promise<void>;
  abstract giveUp(error: Error): void;

  /** Runs something of the program's own object: what that throws is a failure of its stream. */
  protected attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failure ??= { error };
    }
  }
}

class SourceTransfer extends StreamTransfer {
  readonly #source: Source & Partial<NodeStream>;
  #socket: Socket | undefined;
  #pumped: Promise<void> | undefined;

  constructor(source: Source) {
    super();
    this.#source = source;
  }

  accept(): void {
    this.attempt(() => this.#source.on?.('error', ignore));
  }

  start(fd: number, cancel: () => void): void {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // What fails here is the source, which is noted, or libguestfs, which tells itself.
    if (this.failure) cancel();
    else this.#pumped = pipeline(this.#chunks(cancel), this.#socket).catch(ignore);
  }

  async finish(error: Error | undefined): Promise<void> {
    this.ended.set(error);
    if (error || this.failure) {
      this.#socket?.destroy();
      this.attempt(() => this.#source.destroy?.()); // the loop over it may wait for a chunk that never comes
    } else await this.#pumped;
    if (!error) this.attempt(() => this.#source.off?.('error', ignore));
    if (this.failure) throw this.failure.error;
  }

  /** Nothing is left to give up: libguestfs has read all of it. */
  giveUp(): void {}

  async *#chunks(cancel: () => void): AsyncGenerator<Uint8Array | string> {
    try {
      for await (const chunk of this.#source) yield checked(chunk);
    } catch (error) {
      this.failure = { error };
      cancel();
      await this.ended.promise; // the end of the pipe would look like the end of the file
      throw error;
    }
  }
}

class TargetTransfer extends StreamTransfer {
  readonly #open: () => Writable;
  #target: Writable | undefined;
  #written: Promise<void> | undefined;

  /** @param open - locks a web stream, which is not to happen to the stream of a call that is refused */
  constructor(open: () => Writable) {
    super();
    this.#open = open;
  }

  accept(): void {
    this.attempt(() => {
      this.#target = this.#open();
      this.#target.on('error', ignore);
    });
  }

  start(fd: number, cancel: () => void): void {
    // With this mark nothing is read ahead.
    const options: SocketConstructorOpts & Pick<DuplexOptions, 'readableHighWaterMark'> = {
      ...{ fd, readable: true, writable: false },
      readableHighWaterMark: 1,
    };
    const socket = new Socket(options);
    this.attempt(() => this.#target?.once('close', () => socket.destroy()));
    if (this.failure || !this.#target) {
      socket.destroy();
      cancel();
    } else {
      this.#written = pipeline(this.#chunks(socket), this.#target).catch((error: unknown) => {
        this.failure ??= { error: error instanceof AggregateError ? error.errors[0] : error };
        cancel();
      });
    }
  }

  async finish(error: Error | undefined): Promise<void> {
    this.ended.set(error);
    const { failure } = this;
    if (error) this.attempt(() => this.#target?.destroy(error)); // it may be stuck in a write
    await this.#written;
    // When the call has failed, what fails in its stream from then on does so for that reason.
    const { error: reason } = (error ? failure : this.failure) ?? { error };
    if (reason !== error) throw reason;
    // A stream that was destroyed tells its error later.
    if (!error) this.attempt(() => this.#target?.off('error', ignore));
  }

  giveUp(error: Error): void {
    this.failure ??= { error };
    this.attempt(() => this.#target?.destroy(error));
  }

  /** The chunks of a transfer; they end well only when the call does. */
  async *#chunks(socket: Socket): AsyncGenerator<Uint8Array> {
    for await (const chunk of socket as AsyncIterable<Uint8Array>) {
      yield chunk;
      if (chunk.length < fullChunk) await new Promise((resolve) => later(resolve, restMs));
    }
    const error = await this.ended.promise;
    if (error) throw error;
  }
}

/** A web stream that can be destroyed, also while a read waits, and before the first one. */
class WebSource implements AsyncIterable<Uint8Array> {
  readonly #stream: WebReadable;
  #reader: ReturnType<WebReadable['getReader']> | undefined;

  constructor(stream: WebReadable) {
    this.#stream = stream;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const reader = this.#open();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value) yield value;
    }
  }

  destroy(): void {
    const cancel = async () => this.#open().cancel();
    cancel().catch(ignore); // it has failed itself, or somebody else reads it
  }

  #open() {
    this.#reader ??= this.#stream.getReader();
    return this.#reader;
  }
}

/** Writable over a web stream of another library, which Node does not adapt. */
function writableOf(stream: WebWritable): Writable {
  const writer = stream.getWriter();
  const tell = (done: (error?: Error | null) => void, work: () => Promise<void>) => {
    Promise.resolve()
      .then(work)
      .then(() => done(), done);
  };
  return new Writable({
    write: (chunk: Uint8Array, _, done) => tell(done, () => writer.write(chunk)),
    final: (done) => tell(done, () => writer.close()),
    destroy: (error, done) => {
      if (error)
        tell(
          () => done(error),
          () => writer.abort(error),
        );
      else done(null);
    },
  });
}

/** The end of a call, with its error. */
class Ending {
  readonly promise: Promise<Error | undefined>;
  set: (error: Error | undefined) => void = ignore;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.set = resolve;
    });
  }
}

interface NodeStream {
  on(event: 'error', listener: () => void): void;
  off(event: 'error', listener: () => void): void;
  destroy(): void;
}

function ignore(): void {}

/** Copy of bytes: as every buffer that is given to a call, they may be changed afterwards. */
function copyOf(operation: string, argument: string, bytes: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if ((error as Error).name === 'RangeError') throw noMemory(operation, argument);
    throw invalidValue(operation, argument, 'is a detached buffer');
  }
}

/** Whether an object looks like a stream: those of other realms and libraries are no `instanceof` of ours. */
function has(value: unknown, ...members: PropertyKey[]): boolean {
  try {
    if (typeof value !== 'object' || value === null) return false;
    return members.every((member) => typeof (value as Record<PropertyKey, unknown>)[member] === 'function');
  } catch {
    return false; // a getter or a proxy that does not say
  }
}

/** Whether Node can adapt a web stream; it finds out by looking inside. */
function isWebWritable(value: unknown): value is WritableStream<Uint8Array> {
  try {
    return !types.isProxy(value) && value instanceof WritableStream;
  } catch {
    return false; // it has a proxy for its prototype
  }
}

function checked(chunk: unknown): Uint8Array | string {
  if (typeof chunk === 'string' || types.isUint8Array(chunk)) return chunk;
  throw invalidType('stream', 'chunk', 'Uint8Array or string', chunk);
}
