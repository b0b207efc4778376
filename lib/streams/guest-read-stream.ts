import { Readable } from 'node:stream';
import type { ReadRange } from './options';

/**
 * A stream that reads a file or device of the guest, from {@link Guestfs.createReadStream} or {@link
 * Guestfs.readDeviceStream}.
 */
export abstract class GuestReadStream extends Readable {
  /** Path of the file or device in the guest. */
  readonly path: string;
  /** Number of bytes read so far. */
  bytesRead = 0;

  /** @internal Offset of the next byte. */
  protected position: number;
  /** @internal Offset of the byte behind the last. */
  protected end: number;

  /** @internal */
  constructor(path: string, { start, end, highWaterMark }: ReadRange) {
    super({ highWaterMark });
    this.path = path;
    this.position = start;
    this.end = end;
  }

  /** @internal Hands on what has been read; false when that is enough for now. */
  protected handOn(bytes: Uint8Array): boolean {
    this.position += bytes.length;
    this.bytesRead += bytes.length;
    return this.push(bytes);
  }
}
