/** A journal file, as systemd reads it from its beginning to its end: without the tables by which it looks things up. */

export interface MadeEntry {
  /** Microseconds since 1970. */
  readonly time: bigint;
  readonly fields: readonly (readonly [name: string, value: string | Buffer])[];
}

const headerSize = 208;
const types = { data: 1, entry: 3, entryArray: 6 } as const;
const bootId = Buffer.alloc(16, 0xb0);

export function journalFile(entries: readonly MadeEntry[]): Buffer {
  const file = new JournalFile();
  const offsets = entries.map((entry, index) => file.addEntry(entry, BigInt(index + 1)));
  const array = file.add(types.entryArray, Buffer.concat([numbers(0n), numbers(...offsets)]));
  const times = entries.map(({ time }) => time);
  return file.finish(array, BigInt(entries.length), times[0] ?? 0n, times.at(-1) ?? 0n);
}

class JournalFile {
  readonly #objects: Buffer[] = [];
  #end = BigInt(headerSize);
  #last = 0n;

  /** Returns where it is. */
  add(type: number, content: Buffer): bigint {
    const size = 16 + content.length;
    const object = Buffer.alloc(Math.ceil(size / 8) * 8);
    object.writeUInt8(type, 0);
    object.writeBigUInt64LE(BigInt(size), 8);
    content.copy(object, 16);
    this.#objects.push(object);
    this.#last = this.#end;
    this.#end += BigInt(object.length);
    return this.#last;
  }

  addEntry({ time, fields }: MadeEntry, number: bigint): bigint {
    const items = fields.map(([name, value]) => {
      // It is compared with the one in the entry, and only that.
      const hash = number * 1000n + BigInt(this.#objects.length);
      const payload = Buffer.concat([Buffer.from(`${name}=`), Buffer.from(value as string)]);
      return numbers(this.add(types.data, Buffer.concat([numbers(hash, 0n, 0n, 0n, 0n, 0n), payload])), hash);
    });
    return this.add(
      types.entry,
      Buffer.concat([numbers(number, time, number), bootId, numbers(0n), ...items]),
    );
  }

  finish(array: bigint, count: bigint, first: bigint, last: bigint): Buffer {
    const ids = [0xf1, 0x3a, 0xb0, 0x5e].map((byte) => Buffer.alloc(16, byte)); // file, machine, boot, sequence
    const header = Buffer.concat([
      Buffer.from('LPKSHHRH'),
      Buffer.alloc(16), // no flags; offline
      ...ids,
      numbers(BigInt(headerSize), this.#end - BigInt(headerSize)),
      numbers(0n, 0n, 0n, 0n), // no hash tables
      numbers(this.#last, BigInt(this.#objects.length), count, count, count > 0n ? 1n : 0n),
      numbers(array, first, last, count),
    ]);
    return Buffer.concat([header, ...this.#objects]);
  }
}

function numbers(...values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * index);
  return bytes;
}
