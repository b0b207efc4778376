// What images are packed in when they are published, told by how the file begins, and never by its name.

import { formatOfHead } from '../host/named-files';

export type Packing = 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'tar';

/** Bytes from the beginning of a file that are needed. */
export const headOfPacked = 512;

/** What their first bytes are, in hexadecimal. */
const magics: readonly (readonly [Packing, RegExp])[] = [
  ['gzip', /^1f8b08/],
  ['xz', /^fd377a585a00/],
  ['zstd', /^28b52ffd/],
  // BZh, a digit, and the digits of π, or of its root where nothing is packed.
  ['bzip2', /^425a683[1-9](?:314159265359|177245385090)/],
];

export function packingOf(head: Buffer): Packing | undefined {
  const begin = head.toString('hex', 0, 10);
  const found = magics.find(([, magic]) => magic.test(begin))?.[0];
  if (found) return found;
  return head.toString('latin1', 257, 262) === 'ustar' && hasRightSum(head) ? 'tar' : undefined;
}

/** A disk may have these letters where an archive has them. */
function hasRightSum(header: Buffer): boolean {
  if (header.length < 512) return false;
  let sum = 0;
  for (let at = 0; at < 512; at++) sum += at >= 148 && at < 156 ? 0x20 : (header[at] ?? 0);
  return Number.parseInt(header.toString('latin1', 148, 156), 8) === sum;
}

/** Whether this is how an image begins, or what an image is packed in. */
export function looksLikeImage(head: Buffer): boolean {
  if (packingOf(head) ?? formatOfHead(head)) return true;
  return head.length >= 512 && head.readUInt16BE(510) === 0x55aa;
}
