// Files of a guest: what they are, as programs and people want to see it.
import { typeOf, type WalkEntry } from '../bulk/entry';
import { errorFor } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import type { CallOptions } from '../options/types';
import { humanSize } from '../text/size';
import type { Piece, Style } from './results';
import { isoTime } from './time';

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
  throw errorFor({ code, operation, problem: `${path} is no file (${type})` });
}

/** An entry for `toJson`: numbers are exact, and permissions octal digits. */
export function entryToJson(entry: WalkEntry) {
  const { path, type, mode, nlink, uid, gid, size, blocks, ino, atimeNs, mtimeNs, ctimeNs, target } = entry;
  return {
    ...{ path, type, mode: octal(mode), nlink, uid, gid, size },
    ...{ allocated: blocks * 512n, ino },
    ...{ atime: exactTime(atimeNs), mtime: exactTime(mtimeNs), ctime: exactTime(ctimeNs), target },
    device: isDevice(entry) ? deviceNumbers(entry) : null,
  };
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** A time with all its digits: two times that differ must look so. */
export function exactTime(nanoseconds: bigint): string | null {
  return isoTime(nanoseconds, 9);
}

function isDevice({ type }: WalkEntry): boolean {
  return type === 'blockDevice' || type === 'characterDevice';
}

/** Major and minor number of a device, as Linux writes them in `st_rdev`. */
export function deviceNumbers({ rdev }: WalkEntry): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major},${minor}`;
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

/** Type and permissions as ls(1) shows them: `drwxr-xr-x`. */
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
    const { nlink, uid, gid, mtimeNs, target } = entry;
    const cells = [nlink, uid, gid, this.#size(entry)].map(String);
    const padded = cells.map((cell, index) => {
      const width = Math.max(this.#widths[index] ?? 0, cell.length);
      this.#widths[index] = width;
      return cell.padStart(width);
    });
    const when = isoTime(mtimeNs, 0) ?? '-'.padEnd(20);
    return [
      `${modeText(entry)} ${padded.join(' ')} ${when} `,
      [name, styleOf(entry)],
      target === null ? '' : ` -> ${target}`,
    ];
  }

  /** Size as it is shown; of a device its numbers. */
  #size(entry: WalkEntry): string {
    if (isDevice(entry)) return deviceNumbers(entry);
    return this.#human ? humanSize(Number(entry.size)).replace(' ', '') : String(entry.size);
  }
}
