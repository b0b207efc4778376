// Writes tar archives, as GNU tar reads them: names are bytes, whatever they are.

/** What stands in an archive. */
export interface TarEntry {
  /** Its path in the archive. */
  readonly name: Buffer;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In seconds. */
  readonly mtime: number;
  /** Of a file; else 0. */
  readonly size: number;
  /** Where a link points to. */
  readonly target?: Buffer;
}

const block = 512;
const typeFlags = { file: '0', directory: '5', symlink: '2' } as const;

/** What comes before an entry's content. */
export function tarHeader(entry: TarEntry): Buffer {
  const { target = Buffer.alloc(0) } = entry;
  const name = entry.type === 'directory' ? Buffer.concat([entry.name, Buffer.from('/')]) : entry.name;
  return Buffer.concat([
    ...(target.length > 100 ? longName('K', target) : []),
    ...(name.length > 100 ? longName('L', name) : []),
    header(name, typeFlags[entry.type], entry, target),
  ]);
}

/** What fills the last block of some content. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

export const tarEnd: Buffer = Buffer.alloc(2 * block);

/** A name that does not fit into the header is the content of an entry before. */
function longName(flag: 'K' | 'L', name: Buffer): Buffer[] {
  const size = name.length + 1; // with a NUL
  const nobody = { mode: 0, uid: 0, gid: 0, mtime: 0, size };
  const content = Buffer.concat([name, Buffer.alloc(1), tarPadding(size)]);
  return [header(Buffer.from('././@LongLink'), flag, nobody, Buffer.alloc(0)), content];
}

type Numbers = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtime' | 'size'>;

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

/** In octal digits where they suffice, else in binary, as GNU tar does; negative ones too. */
function putNumber(bytes: Buffer, at: number, length: number, number: number): void {
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
