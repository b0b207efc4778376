// A table of SQLite, read in its place, from the first row to the last: https://www.sqlite.org/fileformat2.html
// What SQLite itself is not asked for: it wants a file of this machine, and to have been told that nobody has forged it.
import { BadDatabase } from './package';
import { readLog } from './sqlite-log';
import type { SystemFile } from './system-files';

const headerSize = 100;

/** Pages of which the kinds are known: inner ones of a table, and those with rows. */
const inner = 0x05;
const leaf = 0x0d;

/** Bytes of the largest value that is read. */
const mostBytes = 256 * 2 ** 20;

/** Levels of a table; SQLite itself has no more than 20. */
const mostLevels = 20;

/** Tables and indexes of a database; RPM's has two dozen. */
const mostTables = 10_000;

/** Value of a column; a number that a double does not hold is null too. */
export type Value = null | number | string | Buffer;

/** A database, with what its log has beyond it. */
export class Sqlite {
  readonly #file: SystemFile;
  readonly #pageSize: number;
  /** Bytes of a page that hold something. */
  readonly #usable: number;
  readonly #pages: number;
  readonly #fromLog: ReadonlyMap<number, Buffer>;
  /** Bytes of rows that may still come: more than there are in the whole lie in one another. */
  #left: number;

  private constructor(
    file: SystemFile,
    pageSize: number,
    reserved: number,
    fromLog: ReadonlyMap<number, Buffer>,
  ) {
    this.#file = file;
    this.#pageSize = pageSize;
    this.#usable = pageSize - reserved;
    const inFile = Math.floor(file.size / pageSize);
    this.#pages = [...fromLog.keys()].reduce((most, page) => Math.max(most, page), inFile);
    this.#fromLog = fromLog;
    this.#left = (inFile + fromLog.size) * pageSize;
  }

  /** @param log the write-ahead log beside the database, where there is one */
  static async open(file: SystemFile, log: SystemFile | undefined): Promise<Sqlite> {
    const header = await file.read(0, headerSize);
    if (!isSqlite(header)) throw new BadDatabase('no database of SQLite');
    const size = header.readUInt16BE(16);
    const pageSize = size === 1 ? 65_536 : size;
    const reserved = header[20] ?? 0;
    if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0 || pageSize - reserved < 480)
      throw new BadDatabase(`a database of SQLite in pages of ${pageSize} bytes`);
    if (header.readUInt32BE(56) > 1) throw new BadDatabase('a database of SQLite whose texts are no UTF-8');
    return new Sqlite(file, pageSize, reserved, log ? await readLog(log, pageSize) : new Map());
  }

  /** Rows of a table, each with its values in the order of the columns. @throws BadDatabase */
  async *rows(table: string): AsyncGenerator<Value[]> {
    let count = 0;
    for await (const [type, name, , root] of this.#rowsBelow(1)) {
      if (++count > mostTables) throw new BadDatabase('a database of SQLite with more tables than any has');
      if (type !== 'table' || name !== table || typeof root !== 'number') continue;
      yield* this.#rowsBelow(root);
      return;
    }
    throw new BadDatabase(`a database of SQLite without the table ${table}`);
  }

  async *#rowsBelow(root: number): AsyncGenerator<Value[]> {
    const seen = new Set<number>();
    const left: [page: number, level: number][] = [[root, 1]];
    for (let next = left.pop(); next; next = left.pop()) {
      const [number, level] = next;
      // A page that leads back to itself would have no end.
      if (seen.has(number) || level > mostLevels)
        throw new BadDatabase('pages of SQLite that lead in circles');
      seen.add(number);
      const page = await this.#page(number);
      const start = number === 1 ? headerSize : 0;
      const kind = page[start];
      if (kind !== inner && kind !== leaf)
        throw new BadDatabase('a page of SQLite of no kind that a table has');
      const cells = cellsOf(page, start, kind === inner ? 12 : 8);
      if (kind === leaf) for (const cell of cells) yield await this.#row(page, cell);
      else {
        const below = [...cells.map((cell) => uint32(page, cell)), uint32(page, start + 8)];
        left.push(...below.reverse().map((each): [number, number] => [each, level + 1]));
      }
    }
  }

  async #row(page: Buffer, cell: number): Promise<Value[]> {
    const length = varint(page, cell);
    const key = varint(page, length.end);
    return valuesOf(await this.#payload(page, key.end, length.value));
  }

  /** What a cell holds, of which a part may lie on pages of its own. */
  async #payload(page: Buffer, at: number, length: number): Promise<Buffer> {
    if (length > mostBytes) throw new BadDatabase(`a row of SQLite of ${length} bytes`);
    this.#left -= length;
    if (this.#left < 0) throw new BadDatabase('rows of SQLite that are more than their database can hold');
    const usable = this.#usable;
    if (length <= usable - 35) return piece(page, at, length);
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const wanted = least + ((length - least) % (usable - 4));
    const local = wanted <= usable - 35 ? wanted : least;
    const parts = [piece(page, at, local)];
    let next = uint32(page, at + local);
    for (let left = length - local; left > 0; ) {
      if (next === 0) throw new BadDatabase('a row of SQLite that ends too early');
      const overflow = await this.#page(next);
      parts.push(piece(overflow, 4, Math.min(left, usable - 4)));
      left -= usable - 4;
      next = uint32(overflow, 0);
    }
    return Buffer.concat(parts);
  }

  async #page(number: number): Promise<Buffer> {
    if (number < 1 || number > this.#pages)
      throw new BadDatabase(`page ${number} of SQLite, which is not there`);
    const page =
      this.#fromLog.get(number) ?? (await this.#file.read((number - 1) * this.#pageSize, this.#pageSize));
    if (page.length < this.#pageSize) throw new BadDatabase('a page of SQLite that ends too early');
    return page;
  }
}

export function isSqlite(head: Buffer): boolean {
  return head.length >= headerSize && head.toString('latin1', 0, 16) === 'SQLite format 3\0';
}

function cellsOf(page: Buffer, start: number, headerLength: number): number[] {
  const count = page.readUInt16BE(start + 3);
  const first = start + headerLength;
  if (first + 2 * count > page.length)
    throw new BadDatabase('a page of SQLite with more cells than it holds');
  return Array.from({ length: count }, (_, index) => page.readUInt16BE(first + 2 * index));
}

function piece(page: Buffer, at: number, length: number): Buffer {
  if (at + length > page.length) throw new BadDatabase('a cell of SQLite that ends beyond its page');
  return page.subarray(at, at + length);
}

function uint32(page: Buffer, at: number): number {
  return piece(page, at, 4).readUInt32BE(0);
}

/** A number of one to nine bytes, seven bits in each but the ninth. */
function varint(bytes: Buffer, at: number): { value: number; end: number } {
  let value = 0n;
  for (let index = 0; index < 9; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new BadDatabase('a number of SQLite without an end');
    if (index === 8) return { value: Number((value << 8n) | BigInt(byte)), end: at + 9 };
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return { value: Number(value), end: at + index + 1 };
  }
  throw new BadDatabase('a number of SQLite without an end');
}

/** Bytes of integers by their types. */
const integers = [0, 1, 2, 3, 4, 6, 8];

function valuesOf(record: Buffer): Value[] {
  const header = varint(record, 0);
  const values: Value[] = [];
  let at = header.value;
  for (let next = header.end; next < header.value; ) {
    const type = varint(record, next);
    next = type.end;
    const { value, length } = valueAt(record, at, type.value);
    values.push(value);
    at += length;
  }
  return values;
}

function valueAt(record: Buffer, at: number, type: number): { value: Value; length: number } {
  const size = integers[type];
  if (type === 8 || type === 9) return { value: type - 8, length: 0 };
  if (type === 7) return { value: piece(record, at, 8).readDoubleBE(0), length: 8 };
  if (size !== undefined)
    return { value: size === 0 ? null : integer(piece(record, at, size)), length: size };
  if (type < 12) throw new BadDatabase('a value of SQLite of no kind');
  const length = Math.floor((type - 12) / 2);
  const bytes = piece(record, at, length);
  return { value: type % 2 === 0 ? bytes : bytes.toString(), length };
}

function integer(bytes: Buffer): number | null {
  const value = bytes.length === 8 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
  return Number.isSafeInteger(value) ? value : null;
}
