// Streams in the place of files on the host: libguestfs has one end of a pipe, and the other is here.
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { types } from 'node:util';
import { invalidType, invalidValue, noMemory } from '../errors';
import type { FileSource, FileTarget, WebReadable, WebWritable } from './types';

/** The stream of one call. */
export interface Transfer {
  /** The call has been accepted: from here on the stream is ours. */
  accept(): void;
  /** The call begins. `cancel` makes it end when the stream fails. */
  start(fd: number, cancel: () => void): void;
  /** The call has ended. Resolves when the stream has ended too; what failed in the stream goes before `error`. */
  finish(error: Error | undefined): Promise<void>;
}

/** The stream that was given as a file to read; undefined for a path. */
export function sourceTransfer(operation: string, argument: string, file: FileSource): Transfer | undefined {
  if (typeof file === 'string') return undefined;
  if (types.isUint8Array(file)) return new SourceTransfer([copyOf(operation, argument, file)]);
  if (has(file, Symbol.asyncIterator)) return new SourceTransfer(file as Source);
  if (has(file, 'getReader')) return new SourceTransfer(chunksOf(file as WebReadable));
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
  if (has(file, 'write', 'end', 'on')) return new TargetTransfer(file as Writable);
  if (has(file, 'getWriter')) return new TargetTransfer(new WebTarget(file as WebWritable));
  throw invalidType(operation, argument, 'string, Writable or WritableStream', file);
}

type Source = Iterable<unknown> | AsyncIterable<unknown>;

class SourceTransfer implements Transfer {
  readonly #source: Source;
  /** The same, where it is a stream of Node's. */
  readonly #stream: NodeStream | undefined;
  readonly #ended = new Ending();
  #socket: Socket | undefined;
  #pumped: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: Source) {
    this.#source = source;
    if (has(source, 'on', 'off', 'destroy')) this.#stream = source as unknown as NodeStream;
  }

  accept(): void {
    listen(this.#stream);
  }

  start(fd: number, cancel: () => void): void {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // What fails here is the source, which is noted, or libguestfs, which tells itself.
    this.#pumped = pipeline(this.#chunks(cancel), this.#socket).catch(ignore);
  }

  async finish(error: Error | undefined): Promise<void> {
    this.#ended.set(error);
    if (!error && !this.#failure) {
      await this.#pumped;
      this.#stream?.off('error', ignore);
      return;
    }
    this.#socket?.destroy();
    this.#stream?.destroy(); // the loop over it may be waiting for a chunk that never comes
    if (this.#failure) throw this.#failure.error;
  }

  async *#chunks(cancel: () => void): AsyncGenerator<Uint8Array | string> {
    try {
      for await (const chunk of this.#source) yield checked(chunk);
    } catch (error) {
      this.#failure = { error };
      cancel();
      await this.#ended.promise; // the end of the pipe would look like the end of the file
      throw error;
    }
  }
}

class TargetTransfer implements Transfer {
  readonly #target: Writable;
  readonly #ended = new Ending();
  #written: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(target: Writable) {
    this.#target = target;
  }

  accept(): void {
    listen(this.#target);
  }

  start(fd: number, cancel: () => void): void {
    const socket = new Socket({ fd, readable: true, writable: false });
    const stop = () => socket.destroy();
    this.#target.once('close', stop);
    this.#written = pipeline(this.#chunks(socket), this.#target).catch((error: unknown) => {
      this.#failure ??= { error: error instanceof AggregateError ? error.errors[0] : error };
      cancel();
    });
  }

  async finish(error: Error | undefined): Promise<void> {
    this.#ended.set(error);
    if (error) this.#target.destroy(error); // it may be stuck in a write
    await this.#written;
    if (this.#failure && this.#failure.error !== error) throw this.#failure.error;
    if (!error) this.#target.off('error', ignore); // a destroyed stream tells of its error later
  }

  /** It ends well only when the call does. */
  async *#chunks(socket: Socket): AsyncGenerator<Uint8Array> {
    yield* socket;
    const error = await this.#ended.promise;
    if (error) throw error;
  }
}

async function* chunksOf(stream: WebReadable): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      if (value) yield value;
    }
  } finally {
    await reader.cancel();
  }
}

/** A web stream, which is locked only when there is something to write. */
class WebTarget extends Writable {
  readonly #stream: WebWritable;
  #writer: ReturnType<WebWritable['getWriter']> | undefined;

  constructor(stream: WebWritable) {
    super({ highWaterMark: 1 << 20 });
    this.#stream = stream;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#do((writer) => writer.write(chunk), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#do((writer) => writer.close(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (error) this.#do((writer) => writer.abort(error), ignore);
    callback(error);
  }

  async #do(
    what: (writer: ReturnType<WebWritable['getWriter']>) => Promise<void>,
    callback: (error?: Error | null) => void,
  ): Promise<void> {
    try {
      this.#writer ??= this.#stream.getWriter();
      await what(this.#writer);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    callback();
  }
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

/** So that an error which comes before the call begins is no uncaught one. The call has been made: nothing may throw. */
function listen(stream: Pick<NodeStream, 'on'> | undefined): void {
  try {
    stream?.on('error', ignore);
  } catch {
    // A stream of the program's own making; what is wrong with it shows when it is read or written.
  }
}

/** As every buffer that is given to a call, it may be changed afterwards. */
function copyOf(operation: string, argument: string, bytes: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    if ((error as Error).name === 'RangeError') throw noMemory(operation, argument);
    if (isDetached(bytes.buffer)) throw invalidValue(operation, argument, 'is a detached buffer');
    return new Uint8Array(); // a view that its shrunken buffer no longer holds
  }
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** By its looks, for streams of other realms and libraries are no `instanceof` of ours. */
function has(value: unknown, ...methods: PropertyKey[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return methods.every((name) => typeof (value as Record<PropertyKey, unknown>)[name] === 'function');
  } catch {
    return false; // a getter that throws
  }
}

function checked(chunk: unknown): Uint8Array | string {
  if (typeof chunk === 'string' || types.isUint8Array(chunk)) return chunk;
  throw invalidType('stream', 'chunk', 'Uint8Array or string', chunk);
}
