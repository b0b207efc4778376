import { createHash } from 'node:crypto';
import type { GuestfsMethods } from '../generated/methods';
import type { CallOptions } from '../options/types';
import type { WalkEntry } from './entry';
import type { ChecksumType } from './walk-options';

/** Files up to this size are read in one message, which is quicker than a process of the appliance for each. */
const smallFile = 1 << 20;

/** Types that this process can make itself. */
const ours: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']);

/** The checksum of a file's content, in hexadecimal digits (`crc`: in decimal ones). */
export async function checksumOf(
  g: Pick<GuestfsMethods, 'pread' | 'checksum'>,
  type: ChecksumType,
  { path, size }: Pick<WalkEntry, 'path' | 'size'>,
  options: CallOptions,
): Promise<string> {
  const content = ours.has(type) ? await readSmall(g, path, size, options) : undefined;
  return content ? createHash(type).update(content).digest('hex') : await g.checksum(type, path, options);
}

/** The content of a file that is small and has not grown; else undefined. */
export async function readSmall(
  g: Pick<GuestfsMethods, 'pread'>,
  path: string,
  size: bigint,
  options: CallOptions,
): Promise<Buffer | undefined> {
  if (size > smallFile) return undefined;
  if (size === 0n) return Buffer.alloc(0);
  const content = await g.pread(path, Number(size) + 1, 0, options);
  return content.length > size ? undefined : content;
}
