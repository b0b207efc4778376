// Files of a guest: what they are, as programs and people want to see it.
import { typeOf, type WalkEntry } from '../bulk/entry';
import { GuestfsError } from '../errors';
import type { Guestfs } from '../guestfs';
import type { CallOptions } from '../types';
import type { Piece, Style } from './results';
import { humanSize } from './size';

/**
 * The size of a file. What else a guest may have there is refused: a fifo would never end, and a device node stands for a
 * device of the appliance.
 *
 * @throws GuestfsError
 */
export async function sizeOfFile(
  g: Pick<Guestfs, 'statns'>,
  operation: string,
  path: string,
  options: CallOptions,
): Promise<bigint> {
  const { stMode, stSize } = await g.statns(path, options);
  const type = typeOf(Number(stMode));
  if (type === 'file') return stSize;
  const code = type === 'directory' ? 'EISDIR' : 'EINVAL';
  throw new GuestfsError(`${operation}: ${path} is no file (${type})`, { code, operation });
}

/** For JSON: numbers are numbers, and permissions octal digits. */
export function entryToJson(entry: WalkEntry) {
  const { path, type, mode, nlink, uid, gid, size, ino, atime, mtime, ctime, target } = entry;
  return {
    ...{ path, type, mode: octal(mode), nlink, uid, gid, size: Number(size), ino: Number(ino) },
    ...{ atime: timeOf(atime), mtime: timeOf(mtime), ctime: timeOf(ctime), target },
  };
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** ISO 8601, UTC; null for what no calendar has. */
export function timeOf(time: Date): string | null {
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

const letters: Readonly<Record<WalkEntry['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  blockDevice: 'b',
  characterDevice: 'c',
  fifo: 'p',
  socket: 's',
  unknown: '?',
};

/** As ls(1): `drwxr-xr-x`. */
export function modeText({ type, mode }: Pick<WalkEntry, 'type' | 'mode'>): string {
  const bits = ['r', 'w', 'x', 'r', 'w', 'x', 'r', 'w', 'x'].map((letter, index) =>
    mode & (0o400 >> index) ? letter : '-',
  );
  const special = (at: number, bit: number, letter: string) => {
    if (mode & bit) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return letters[type] + bits.join('');
}

export function styleOf({ type, mode }: Pick<WalkEntry, 'type' | 'mode'>): Style | undefined {
  if (type === 'directory') return 'blue';
  if (type === 'symlink') return 'cyan';
  if (type === 'file') return mode & 0o111 ? 'green' : undefined;
  return 'yellow';
}

/** Makes lines whose columns stand below each other, without waiting for the last one: they only ever get wider. */
export class LongLines {
  readonly #human: boolean;
  readonly #widths = [2, 5, 5, 6];

  constructor(human: boolean) {
    this.#human = human;
  }

  /** `name`: how it is called in the line. */
  pieces(entry: WalkEntry, name: string): Piece[] {
    const { nlink, uid, gid, mtime, target } = entry;
    const cells = [nlink, uid, gid, this.#size(entry)].map(String);
    const padded = cells.map((cell, index) => {
      const width = Math.max(this.#widths[index] ?? 0, cell.length);
      this.#widths[index] = width;
      return cell.padStart(width);
    });
    const when = timeOf(mtime)?.replace(/\.\d+Z$/, 'Z') ?? '-'.padEnd(20);
    return [
      `${modeText(entry)} ${padded.join(' ')} ${when} `,
      [name, styleOf(entry)],
      target === null ? '' : ` -> ${target}`,
    ];
  }

  /** Of a device its numbers, as Linux writes them in `st_rdev`. */
  #size({ type, size, rdev }: WalkEntry): string {
    if (type === 'blockDevice' || type === 'characterDevice') {
      const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
      const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
      return `${major},${minor}`;
    }
    return this.#human ? humanSize(Number(size)).replace(' ', '') : String(size);
  }
}
