// What QEMU's stream of a saved machine says of the machine's memory (docs/devel/migration in QEMU's sources).
import { type FileHandle, open } from 'node:fs/promises';

/** Kinds of sections that stand before the end of the memory; what follows is copied as it is. */
const section = {
  start: 0x01,
  part: 0x02,
  end: 0x03,
  configuration: 0x07,
  command: 0x08,
  footer: 0x7e,
} as const;

/** Flags in the last 12 bits of a page's address. */
const flag = { zero: 0x02, sizes: 0x04, page: 0x08, end: 0x10, sameBlock: 0x20 } as const;
const addressBits = 12;
const pageSize = 2 ** addressBits;

const magic = 0x5145564d; // QEVM
const version = 3;

/** The block of a PC's memory. */
const mainMemory = 'pc.ram';

/** Below it a PC's firmware has its own. */
const firmwareEnd = 2 ** 20;

/** Longer than anything that is read in one piece. */
const windowSize = 64 * 1024;

/** Bytes that are gathered before they are written. */
const bufferSize = 256 * 1024;

/**
 * Copies the stream of a saved machine without its empty pages. The memory of a machine that is restored is empty as long
 * as nobody writes to it, but QEMU looks at each page of which it is told that it is empty, and where the host's kernel
 * gives a page to whoever reads it, the machine has all of its memory from then on.
 *
 * @param source - what QEMU saves
 * @param target - path of the file that is written
 * @throws Error where the stream has anything in it that is not as known
 */
export async function leaveOutEmptyPages(source: AsyncIterable<Buffer>, target: string): Promise<void> {
  const output = await open(target, 'wx', 0o600);
  try {
    const reader = new Reader(source);
    const writer = new Writer(output);
    await copyMemory(reader, writer);
    await copyRest(reader, writer);
  } finally {
    await output.close();
  }
}

/** Copies up to the end of the section that ends the memory. */
async function copyMemory(reader: Reader, writer: Writer): Promise<void> {
  await reader.fill();
  if (reader.peek32(0) !== magic || reader.peek32(4) !== version) throw unknown('a beginning');
  await writer.write(reader.take(8));
  const memory = new Memory(reader, writer);
  for (let kind = 0; kind !== section.end; ) {
    await reader.fill();
    kind = reader.peek8(0);
    if (kind === section.configuration) await writer.write(reader.take(5 + reader.peek32(1)));
    // From qemu 10 on: that the machine stands still.
    else if (kind === section.command) await writer.write(reader.take(5 + reader.peek16(3)));
    else if (kind === section.start) {
      const nameLength = reader.peek8(5);
      if (reader.peekText(6, nameLength) !== 'ram') throw unknown('a section');
      await writer.write(reader.take(6 + nameLength + 8)); // and the numbers of instance and version
      await memory.copy();
    } else if (kind === section.part || kind === section.end) {
      await writer.write(reader.take(5));
      await memory.copy();
    } else throw unknown('a section');
  }
}

async function copyRest(reader: Reader, writer: Writer): Promise<void> {
  do await writer.write(reader.take(reader.left));
  while (await reader.fill());
  await writer.flush();
}

/** The memory as it is told in several sections: a page that lies in the block of the one before it does not name it. */
class Memory {
  readonly #reader: Reader;
  readonly #writer: Writer;
  #block = '';
  /** The block of the last page that was written. */
  #written: string | undefined;

  constructor(reader: Reader, writer: Writer) {
    this.#reader = reader;
    this.#writer = writer;
  }

  /** Copies the pages of one section, and its footer. */
  async copy(): Promise<void> {
    const reader = this.#reader;
    for (;;) {
      if (reader.left < windowSize) await reader.fill();
      const high = reader.peek32(0);
      const low = reader.peek32(4);
      const flags = low % pageSize;
      const address = high * 2 ** 32 + (low - flags);
      if (flags === flag.sizes) await this.#copySizes(address);
      else if (flags === flag.end) break;
      else {
        const written = this.#takePage(high, low, address, flags);
        if (written && this.#writer.isFull) await this.#writer.flush();
      }
    }
    if (reader.peek8(8) !== section.footer) throw unknown('an end of a section');
    await this.#writer.write(reader.take(8 + 5));
  }

  /** The names and sizes of all blocks, `total` bytes together. */
  async #copySizes(total: number): Promise<void> {
    await this.#writer.write(this.#reader.take(8));
    for (let left = total; left > 0; ) {
      await this.#reader.fill();
      const nameLength = this.#reader.peek8(0);
      left -= this.#reader.peek32(1 + nameLength) * 2 ** 32 + this.#reader.peek32(5 + nameLength);
      await this.#writer.write(this.#reader.take(1 + nameLength + 8));
    }
  }

  #takePage(high: number, low: number, address: number, flags: number): boolean {
    const reader = this.#reader;
    const kind = flags & ~flag.sameBlock;
    if (kind !== flag.zero && kind !== flag.page) throw unknown('a page');
    reader.take(8);
    if ((flags & flag.sameBlock) === 0) {
      const nameLength = reader.peek8(0);
      this.#block = reader.peekText(1, nameLength);
      reader.take(1 + nameLength);
    }
    const content = reader.take(kind === flag.zero ? 1 : pageSize);
    if (kind === flag.zero && this.#block === mainMemory && address >= firmwareEnd) return false;
    const isSame = this.#written === this.#block;
    this.#writer.put32(high);
    this.#writer.put32(low - flags + kind + (isSame ? flag.sameBlock : 0));
    if (!isSame) this.#writer.putText(this.#block);
    this.#writer.put(content);
    this.#written = this.#block;
    return true;
  }
}

/** A window on a stream that moves forward. */
class Reader {
  readonly #chunks: AsyncIterator<Buffer>;
  #window: Buffer = Buffer.alloc(0);
  #at = 0;
  #hasEnded = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Bytes of the window that have not been taken. */
  get left(): number {
    return this.#window.length - this.#at;
  }

  /** Moves the window on, so that all of it lies in what is there. Returns whether there is anything in it. */
  async fill(): Promise<boolean> {
    const chunks: Buffer[] = [this.#window.subarray(this.#at)];
    for (let length = this.left; length < windowSize && !this.#hasEnded; ) {
      const { value, done } = await this.#chunks.next();
      if (done) this.#hasEnded = true;
      else {
        chunks.push(value);
        length += value.length;
      }
    }
    this.#window = Buffer.concat(chunks);
    this.#at = 0;
    return this.#window.length > 0;
  }

  /** @throws RangeError, as all that follows, where the file ends too early */
  peek8(offset: number): number {
    return this.#window.readUInt8(this.#at + offset);
  }

  peek16(offset: number): number {
    return this.#window.readUInt16BE(this.#at + offset);
  }

  peek32(offset: number): number {
    return this.#window.readUInt32BE(this.#at + offset);
  }

  peekText(offset: number, length: number): string {
    return this.#window.toString('latin1', this.#at + offset, this.#at + offset + length);
  }

  take(length: number): Buffer {
    if (length > this.left) throw new RangeError('the stream ends too early');
    this.#at += length;
    return this.#window.subarray(this.#at - length, this.#at);
  }
}

/** Gathers what is written. */
class Writer {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(bufferSize);
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  get isFull(): boolean {
    return this.#length > bufferSize / 2;
  }

  put(bytes: Buffer): void {
    bytes.copy(this.#buffer, this.#length);
    this.#length += bytes.length;
  }

  put32(value: number): void {
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  putText(text: string): void {
    this.#length = this.#buffer.writeUInt8(text.length, this.#length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
  }

  async write(bytes: Buffer): Promise<void> {
    await this.flush();
    await this.#file.appendFile(bytes);
  }

  async flush(): Promise<void> {
    await this.#file.appendFile(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}

function unknown(what: string): Error {
  return new Error(`qemu's stream has ${what} that is not known`);
}
