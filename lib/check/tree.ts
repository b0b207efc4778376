// A mounted tree as rules see it: what they read of it is bounded, and links stay inside of it.
import { typeOf } from '../bulk/entry';
import { listNames } from '../bulk/listing';
import { errorFor } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import type { OperatingSystemReport } from '../guests/report';
import { unresolvedLines } from '../guests/unresolved';
import type { MountedSystem } from '../inspect/systems';
import { unlessAbsent } from '../packages/system-files';
import { nameOf } from '../text/bytes';
import type { FileFacts, Tree, TreeKind } from './rule';

/** Bytes of the largest file that is read. */
const most = 4 * 2 ** 20;

export function systemTree({ g, system, leftOut, known }: MountedSystem): Tree {
  return {
    ...{ g, kind: kindOf(system), system, device: system.root, mounts: system.mountpoints },
    ...readers(g),
    unresolved: async () => ({ left: leftOut, lines: await unresolvedLines(g, system.root, known) }),
  };
}

export function dataTree(g: Guestfs, device: string): Tree {
  return mountedTree(g, null, device);
}

/** A tree that has been mounted again, of which the table of mounts is of no interest any more. */
export function mountedTree(g: Guestfs, system: OperatingSystemReport | null, device: string): Tree {
  return {
    ...{ g, kind: system ? kindOf(system) : 'data', system, device },
    mounts: system?.mountpoints ?? [{ path: '/', device }],
    ...readers(g),
    unresolved: async () => ({ left: [], lines: [] }),
  };
}

function kindOf({ type }: OperatingSystemReport): TreeKind {
  if (type === 'windows' || type === 'dos') return 'windows';
  return type === 'linux' || type === null ? 'linux' : 'unix';
}

function readers(g: Guestfs): Pick<Tree, 'read' | 'stat' | 'list'> {
  const stat = async (path: string): Promise<FileFacts | undefined> => {
    const found = await unlessAbsent(g.statns(path));
    if (!found) return undefined;
    const { stMode, stUid, stGid, stSize } = found;
    const mode = Number(stMode);
    const owner = { uid: Number(stUid), gid: Number(stGid) };
    return { type: typeOf(mode), mode: mode & 0o7777, ...owner, size: Number(stSize) };
  };
  const read = async (path: string, beginning?: number): Promise<string | undefined> => {
    const facts = await stat(path);
    if (facts?.type !== 'file') return undefined;
    if (facts.size === 0) return '';
    if (beginning !== undefined && facts.size > beginning) return nameOf(await g.pread(path, beginning, 0));
    if (facts.size > most)
      throw errorFor({
        ...{ code: 'EFBIG', operation: 'check' },
        problem: `${path} has ${facts.size} bytes, and more than ${most} are not read`,
      });
    return nameOf(await g.pread(path, facts.size, 0));
  };
  const list = async (path: string) => (await unlessAbsent(listNames(g, path, {}))) ?? [];
  return { read, stat, list };
}
