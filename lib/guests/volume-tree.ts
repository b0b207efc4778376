// What lies on what, as a tree from the disks up.
import type { Volume, VolumeKind } from './volumes';

/** What is called by one name: a partition, perhaps, and the filesystem in it. */
export interface VolumeNode {
  readonly name: string;
  /** What it is, from the ground up: `'partition'` before `'filesystem'`. */
  readonly volumes: readonly Volume[];
  readonly children: readonly VolumeNode[];
  /** Whether it lies on several, and its children are those of its first place in the tree. */
  readonly again: boolean;
}

const order: readonly VolumeKind[] = ['device', 'partition', 'lv', 'encrypted', 'pv', 'vg', 'filesystem'];

/** Deeper than that is nothing but a circle. */
const deepest = 32;

export function volumeTree(volumes: readonly Volume[]): VolumeNode[] {
  const named = grouped(volumes);
  const children = new Map<string, string[]>();
  const roots: string[] = [];
  for (const [name, layers] of named) {
    const parents = [...new Set(layers.flatMap((each) => each.parents))].filter(
      (parent) => parent !== name && named.has(parent),
    );
    if (parents.length === 0) roots.push(name);
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const seen = new Set<string>();
  const nodeOf = (name: string, depth: number): VolumeNode => {
    const again = seen.has(name);
    seen.add(name);
    const below = again || depth > deepest ? [] : (children.get(name) ?? []);
    return {
      ...{ name, again },
      volumes: [...(named.get(name) ?? [])].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
      children: below.map((each) => nodeOf(each, depth + 1)),
    };
  };
  const disksFirst = (name: string) => (named.get(name)?.some(({ kind }) => kind === 'device') ? 0 : 1);
  return roots.sort((a, b) => disksFirst(a) - disksFirst(b)).map((name) => nodeOf(name, 0));
}

function grouped(volumes: readonly Volume[]): Map<string, Volume[]> {
  const groups = new Map<string, Volume[]>();
  for (const volume of volumes) groups.set(volume.name, [...(groups.get(volume.name) ?? []), volume]);
  return groups;
}
