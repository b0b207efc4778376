// How much memory new processes may take: that of the machine, and of the control groups around this process.
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** Memory that qemu takes beside its guest's, MiB: for itself, and under emulation the code that it has translated. */
export const overhead = 256;

/** Where the kernel tells it. */
export interface MemorySources {
  /** Bytes that the machine has left, the caches that it can drop included. */
  readonly free: () => number;
  readonly ownGroups: string;
  readonly groups: string;
}

const kernel: MemorySources = { free: freemem, ownGroups: '/proc/self/cgroup', groups: '/sys/fs/cgroup' };

/** The names of the two versions of control groups. */
interface Hierarchy {
  readonly folder: string;
  readonly limit: string;
  readonly usage: string;
  /** In `memory.stat`: cached files that nobody has used for a while. */
  readonly droppable: RegExp;
}

const version1: Hierarchy = {
  folder: 'memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  droppable: /^total_inactive_file (\d+)$/m,
};

const version2: Hierarchy = {
  folder: '',
  limit: 'memory.max',
  usage: 'memory.current',
  droppable: /^inactive_file (\d+)$/m,
};

/**
 * Bytes that are available. `process.availableMemory()` would count files in the cache as used, so that a container that
 * has read a few images would seem to be full.
 */
export function availableMemory(sources: MemorySources = kernel): number {
  const left = groupsOf(sources).map(({ folder, hierarchy }) => leftInGroup(folder, hierarchy));
  return Math.max(Math.min(sources.free(), ...left), 0);
}

/** This process's groups and those around them: each may have a limit. */
function groupsOf({ ownGroups, groups }: MemorySources): { folder: string; hierarchy: Hierarchy }[] {
  const lines = read(ownGroups)?.split('\n') ?? [];
  return lines.flatMap((line) => {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    const isVersion1 = controllers.split(',').includes('memory');
    if (!isVersion1 && controllers !== '') return [];
    const hierarchy = isVersion1 ? version1 : version2;
    const names = path.split('/').filter(Boolean);
    // In a container the path may be that of the host, where only the last of these is to be found.
    return Array.from({ length: names.length + 1 }, (_, up) => ({
      folder: join(groups, hierarchy.folder, ...names.slice(0, names.length - up)),
      hierarchy,
    }));
  });
}

function leftInGroup(folder: string, { limit, usage, droppable }: Hierarchy): number {
  const most = Number(read(join(folder, limit)) ?? Number.NaN);
  const used = Number(read(join(folder, usage)) ?? Number.NaN);
  // `max` is no number: there is no limit.
  if (Number.isNaN(most) || Number.isNaN(used)) return Number.POSITIVE_INFINITY;
  const dropped = droppable.exec(read(join(folder, 'memory.stat')) ?? '')?.[1];
  return most - used + Number(dropped ?? 0);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
