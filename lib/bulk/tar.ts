// Writes tar archives, as GNU tar reads them: names are bytes, whatever they are.

/** Entry of an archive. */
export interface TarEntry {
  /** Path in the archive. */
  readonly name: Buffer;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Time of the last change, nanoseconds since 1970, before it too. */
  readonly mtimeNs: bigint;
  /** Size of a file, bytes; else 0. */
  readonly size: number;
  /** Target of a link. */
  readonly target?: Buffer;
}

const block = 512;
const typeFlags = { file: '0', directory: '5', symlink: '2' } as const;

/** Bytes that come before an entry's content. */
export function tarHeader(entry: TarEntry): Buffer {
  const { target = Buffer.alloc(0), mtimeNs } = entry;
  const name = entry.type === 'directory' ? Buffer.concat([entry.name, Buffer.from('/')]) : entry.name;
  const fraction = modulo(mtimeNs, second);
  const numbers = { ...entry, mtime: (mtimeNs - fraction) / second };
  return Buffer.concat([
    ...(target.length > 100 ? longName('K', target) : []),
    ...(name.length > 100 ? longName('L', name) : []),
    ...(fraction > 0n ? exactTime(mtimeNs) : []),
    header(name, typeFlags[entry.type], numbers, target),
  ]);
}

const second = 1_000_000_000n;

function modulo(number: bigint, divisor: bigint): bigint {
  return ((number % divisor) + divisor) % divisor;
}

/** Bytes that fill the last block of some content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

export const tarEnd: Buffer = Buffer.alloc(2 * block);

/** A name that does not fit into the header is the content of an entry before; it ends with NUL. */
function longName(flag: 'K' | 'L', name: Buffer): Buffer[] {
  return entryBefore('././@LongLink', flag, Buffer.concat([name, Buffer.alloc(1)]));
}

/** The header has whole seconds only: a record of pax(1) in an entry before says the time exactly. */
function exactTime(nanoseconds: bigint): Buffer[] {
  const [sign, amount] = nanoseconds < 0n ? ['-', -nanoseconds] : ['', nanoseconds];
  const fraction = String(amount % second).padStart(9, '0');
  const record = ` mtime=${sign}${amount / second}.${fraction}\n`;
  // The record begins with its own length: never more than two digits.
  return entryBefore('././@PaxHeader', 'x', Buffer.from(`${record.length + 2}${record}`));
}

/** An entry that says something of the one behind it. */
function entryBefore(name: string, flag: string, content: Buffer): Buffer[] {
  const nobody = { mode: 0, uid: 0, gid: 0, mtime: 0n, size: content.length };
  return [header(Buffer.from(name), flag, nobody, Buffer.alloc(0)), content, tarPadding(content.length)];
}

interface Numbers extends Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'size'> {
  /** Time of the last change, seconds since 1970. */
  readonly mtime: bigint;
}

function header(name: Buffer, flag: string, numbers: Numbers, target: Buffer): Buffer {
  const bytes = Buffer.alloc(block);
  name.copy(bytes, 0, 0, 100);
  putNumber(bytes, 100, 8, numbers.mode);
  putNumber(bytes, 108, 8, numbers.uid);
  putNumber(bytes, 116, 8, numbers.gid);
  putNumber(bytes, 124, 12, numbers.size);
  putNumber(bytes, 136, 12, numbers.mtime);
  bytes.fill(' ', 148, 156); // the checksum counts itself as spaces
  bytes.write(flag, 156, 'latin1');
  target.copy(bytes, 157, 0, 100);
  bytes.write('ustar  \0', 257, 'latin1');
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

/** Writes a number in octal digits where they suffice, else in binary, as GNU tar does; negative ones too. */
function putNumber(bytes: Buffer, at: number, length: number, number: number | bigint): void {
  const digits = number.toString(8);
  if (number >= 0 && digits.length < length) {
    bytes.write(digits.padStart(length - 1, '0'), at, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(8 * length, BigInt(number));
  for (let i = length - 1; i >= 0; i--) {
    bytes[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  // The first byte says that it is binary.
  bytes[at] = number < 0 ? 0xff : 0x80;
}
