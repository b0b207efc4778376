// Small files of a guest, of which it decides what they are and how long: they are looked at before they are read.
import { typeOf } from '../bulk/entry';
import { codeOf } from '../faults/kinds';
import type { Guestfs } from '../guestfs';
import { nameOf } from '../text/bytes';
import { isRefusal } from './problems';

/** Bytes of which more is not read. */
const most = 64 * 1024;

/** Codes of what is not there, where links that lead nowhere count as such. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/**
 * The beginning of a file of the mounted guest; undefined where there is none. Links are followed inside of the guest.
 *
 * @throws GuestfsError where it cannot be read
 */
export async function smallFile(
  g: Pick<Guestfs, 'statns' | 'pread'>,
  path: string,
): Promise<string | undefined> {
  try {
    const { stMode, stSize } = await g.statns(path);
    if (typeOf(Number(stMode)) !== 'file') return undefined;
    if (stSize === 0n) return '';
    return nameOf(await g.pread(path, Number(stSize < most ? stSize : most), 0));
  } catch (error) {
    if (isRefusal(error) && absent.has(codeOf(error))) return undefined;
    throw error;
  }
}
