import type { Readable, Writable } from 'node:stream';

/** A readable web stream, by its shape: libraries differ in its type. */
export interface WebReadable {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** A writable web stream, by its shape: libraries differ in its type. */
export interface WebWritable {
  getWriter(): {
    write(chunk: Uint8Array): Promise<void>;
    close(): Promise<void>;
    abort(reason: unknown): Promise<void>;
  };
}

/**
 * Source of data on the host: the path of a file, the bytes themselves, or a stream of bytes. A stream that fails makes
 * the call fail with its error; a call that fails destroys the stream.
 */
export type FileSource = string | Uint8Array | Readable | AsyncIterable<Uint8Array | string> | WebReadable;

/**
 * Target of data on the host: the path of a file, or a stream, which is ended when the call has succeeded, and
 * destroyed with the error of the call when not.
 */
export type FileTarget = string | Writable | WebWritable;
