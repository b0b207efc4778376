// A hash table of Berkeley DB, as RPM kept its packages in until 2020: `Packages`. Its values are read, from the first page
// to the last; of its keys, which are numbers, nothing is needed.
import { BadDatabase } from './package';
import type { SystemFile } from './system-files';

const magicAt = 12;
const hashMagic = 0x061561;

/** Kinds of pages and of items in them. */
const pageKinds = { unsortedHash: 2, overflow: 7, hash: 13 } as const;
const itemKinds = { inPage: 1, onPages: 3 } as const;

const headerSize = 26;
const mostBytes = 256 * 2 ** 20;

export function isBerkeley(head: Buffer): boolean {
  return (
    head.length >= 72 &&
    (head.readUInt32LE(magicAt) === hashMagic || head.readUInt32BE(magicAt) === hashMagic)
  );
}

/** Values of the table that are headers of packages. @throws BadDatabase */
export async function* headersInBerkeley(file: SystemFile): AsyncGenerator<Buffer> {
  const meta = await file.read(0, 72);
  const table = new HashTable(file, meta.readUInt32LE(magicAt) === hashMagic ? little : big, meta);
  for (let number = 1; number <= table.lastPage; number++) yield* table.valuesOn(number);
}

interface Order {
  uint16(bytes: Buffer, at: number): number;
  uint32(bytes: Buffer, at: number): number;
}

const little: Order = {
  uint16: (bytes, at) => bytes.readUInt16LE(at),
  uint32: (bytes, at) => bytes.readUInt32LE(at),
};
const big: Order = {
  uint16: (bytes, at) => bytes.readUInt16BE(at),
  uint32: (bytes, at) => bytes.readUInt32BE(at),
};

class HashTable {
  readonly lastPage: number;
  readonly #file: SystemFile;
  readonly #order: Order;
  readonly #pageSize: number;

  constructor(file: SystemFile, order: Order, meta: Buffer) {
    this.#file = file;
    this.#order = order;
    this.#pageSize = order.uint32(meta, 20);
    if (this.#pageSize < 512 || this.#pageSize > 65_536)
      throw new BadDatabase(`a database of Berkeley DB in pages of ${this.#pageSize} bytes`);
    this.lastPage = order.uint32(meta, 32);
    if (this.lastPage >= Math.floor(file.size / this.#pageSize))
      throw new BadDatabase('a database of Berkeley DB that ends too early');
  }

  async *valuesOn(number: number): AsyncGenerator<Buffer> {
    const page = await this.#page(number);
    const kind = page[25];
    if (kind !== pageKinds.hash && kind !== pageKinds.unsortedHash) return;
    const count = this.#order.uint16(page, 20);
    if (headerSize + 2 * count > page.length)
      throw new BadDatabase('a page of Berkeley DB with more than it holds');
    // A key, a value, a key, …
    for (let index = 1; index < count; index += 2) {
      const at = this.#order.uint16(page, headerSize + 2 * index);
      const before = this.#order.uint16(page, headerSize + 2 * (index - 1));
      if (at >= page.length || before > page.length)
        throw new BadDatabase('an item of Berkeley DB beyond its page');
      const item = page[at];
      if (item === itemKinds.onPages && at + 12 <= page.length)
        yield await this.#chain(this.#order.uint32(page, at + 4), this.#order.uint32(page, at + 8));
      // The number of the last package, under the key 0, is no header.
      else if (item === itemKinds.inPage && before - at > 16) yield page.subarray(at + 1, before);
    }
  }

  async #chain(first: number, length: number): Promise<Buffer> {
    if (length > mostBytes) throw new BadDatabase(`a value of Berkeley DB of ${length} bytes`);
    const parts: Buffer[] = [];
    let left = length;
    for (let number = first; left > 0; ) {
      const page = await this.#page(number);
      const used = this.#order.uint16(page, 22);
      const isWhole = page[25] === pageKinds.overflow && used > 0 && headerSize + used <= page.length;
      // A chain that is longer than the database leads in a circle.
      if (!isWhole || parts.length > this.lastPage)
        throw new BadDatabase('a value of Berkeley DB that ends too early');
      parts.push(page.subarray(headerSize, headerSize + Math.min(used, left)));
      left -= used;
      number = this.#order.uint32(page, 16);
    }
    return Buffer.concat(parts);
  }

  async #page(number: number): Promise<Buffer> {
    if (number < 1 || number > this.lastPage)
      throw new BadDatabase(`page ${number} of Berkeley DB, which is not there`);
    const page = await this.#file.read(number * this.#pageSize, this.#pageSize);
    if (page.length < this.#pageSize) throw new BadDatabase('a page of Berkeley DB that ends too early');
    return page;
  }
}
