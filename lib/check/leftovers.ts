// Files that a system leaves while it runs, and that do not belong into an image: one finding for each, or for each folder.
import type { WalkEntry } from '../bulk/entry';
import { counted } from '../text/counted';
import { humanSize } from '../text/size';
import type { RuleFacts, Sighting, TreeRule } from './rule';

/** Kinds of leftovers by the paths that they have. */
export interface Leftover {
  /** Path of a file, as an expression; with `folder`, the group names the folder that is told. */
  readonly path: RegExp;
  readonly what: string;
}

const isFull = ({ type, size }: WalkEntry) => type === 'file' && size > 0n;

/** A rule with a finding for each file that is not empty. */
export function leftoverRule(facts: RuleFacts, kinds: readonly Leftover[]): TreeRule {
  const kindOf = (path: string) => kinds.find((each) => each.path.test(path));
  return {
    ...facts,
    trees: ['linux', 'unix'],
    wants: (entry) => isFull(entry) && kindOf(entry.path) !== undefined,
    check: async (_, entries) => entries.map(({ path }) => ({ path, seen: kindOf(path)?.what ?? '' })),
  };
}

/** A rule with a finding for each folder in which there are such files. */
export function folderRule(facts: RuleFacts, kinds: readonly Leftover[]): TreeRule {
  const match = (path: string) => {
    for (const { path: pattern, what } of kinds) {
      const folder = pattern.exec(path)?.[1];
      if (folder !== undefined) return { folder, what };
    }
    return undefined;
  };
  return {
    ...facts,
    trees: ['linux', 'unix'],
    wants: (entry) => isFull(entry) && match(entry.path) !== undefined,
    check: async (_, entries) => {
      const folders = new Map<string, { what: string; files: WalkEntry[] }>();
      for (const entry of entries) {
        const found = match(entry.path);
        if (!found) continue;
        const known = folders.get(found.folder) ?? { what: found.what, files: [] };
        known.files.push(entry);
        folders.set(found.folder, known);
      }
      return [...folders].map(([path, { what, files }]) => ({ path, seen: seenOf(what, files) }));
    },
  };
}

function seenOf(what: string, files: readonly WalkEntry[]): Sighting['seen'] {
  const bytes = files.reduce((sum, { size }) => sum + size, 0n);
  const names = files.slice(0, 3).map(({ path }) => path);
  const more = files.length > names.length ? ', …' : '';
  return `${what}: ${counted(files.length, 'file')}, ${humanSize(Number(bytes))} (${names.join(', ')}${more})`;
}
