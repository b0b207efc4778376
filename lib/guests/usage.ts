import type { Statvfs } from '../generated/structs';
import type { Guestfs } from '../guestfs';
import { mountReadOnly } from './read-only';

/** Usage of a filesystem, exactly: bytes and inodes. */
export interface Usage {
  readonly size: bigint;
  readonly used: bigint;
  /** Free bytes, those that are reserved for root included. */
  readonly free: bigint;
  /** Free bytes for other users than root. */
  readonly available: bigint;
  readonly inodes: bigint;
  readonly inodesUsed: bigint;
  readonly inodesFree: bigint;
}

/** Usage of a filesystem of which nothing else is to be seen: it is mounted at `/`, and nothing beside it. */
export async function usageOfDevice(g: Guestfs, device: string): Promise<Usage> {
  await g.umountAll();
  return await mountedUsage(g, device, '/');
}

/** Mounts a filesystem, read-only, and says how full it is. */
export async function mountedUsage(g: Guestfs, device: string, path: string): Promise<Usage> {
  await mountReadOnly(g, device, path);
  return usageOf(await g.statvfs(path));
}

export function usageOf({ blocks, frsize, bfree, bavail, files, ffree }: Statvfs): Usage {
  return {
    size: blocks * frsize,
    used: (blocks - bfree) * frsize,
    free: bfree * frsize,
    available: bavail * frsize,
    inodes: files,
    inodesUsed: files - ffree,
    inodesFree: ffree,
  };
}
