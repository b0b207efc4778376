// Files that hold secrets in well-known places: what they are called, and what stands in those that do.
import type { WalkEntry } from '../bulk/entry';
import { lineOf } from './lines';
import type { RuleFacts, Sighting, Tree, TreeRule } from './rule';

/** A file that holds a secret. */
export interface SecretFile {
  /** End of its path, as an expression. */
  readonly path: RegExp;
  /** What it holds. */
  readonly what: string;
  /**
   * What stands in one that holds some, all of several; without it, any that is not blank does. A guest chooses the text:
   * expressions must take no longer than its length.
   */
  readonly holds?: RegExp | readonly RegExp[];
  /** Marks of comments, within which nothing counts. */
  readonly comments?: readonly [start: string, end: string];
  /** Set where the secret is bytes: whether it is there is told by the name alone. */
  readonly binary?: true;
}

/** Bytes of a file that are looked at: what is longer holds more than a secret. */
const beginning = 2 ** 20;

/** Where packages have examples and tests, and image formats their stores: no one's secrets. */
const foreign = /^\/(?:usr\/(?!local\/|home\/)|nix\/store\/|ostree\/repo\/|snap\/|proc\/|sys\/|dev\/)/;

/** A rule about secrets in such files. */
export function secretRule(facts: RuleFacts, files: readonly SecretFile[]): TreeRule {
  const any = new RegExp(files.map(({ path }) => `(?:${path.source})`).join('|'), 'i');
  return {
    ...facts,
    trees: ['linux', 'unix', 'windows', 'data'],
    wants: ({ path, type }) =>
      (type === 'file' || type === 'symlink') && any.test(path) && !foreign.test(path),
    check: async (tree, entries) => {
      const found: Sighting[] = [];
      for (const entry of entries) {
        const sighting = await sightingOf(tree, entry, files);
        if (sighting) found.push(sighting);
      }
      return found;
    },
  };
}

async function sightingOf(
  tree: Tree,
  { path }: WalkEntry,
  files: readonly SecretFile[],
): Promise<Sighting | undefined> {
  const facts = await tree.stat(path);
  if (facts?.type !== 'file' || facts.size === 0) return undefined;
  const readers = facts.mode & 0o004 && tree.kind !== 'windows' ? ', which every user may read' : '';
  const kinds = files.filter((each) => new RegExp(each.path.source, 'i').test(path));
  for (const { what, holds, comments, binary } of kinds) {
    if (binary) return { path, seen: `${what}${readers}` };
    const text = await tree.read(path, beginning);
    const at = text === undefined ? -1 : placeOf(comments ? without(text, comments) : text, holds);
    if (text !== undefined && at >= 0) return { path, line: lineOf(text, at), seen: `${what}${readers}` };
  }
  return undefined;
}

function placeOf(text: string, holds: SecretFile['holds']): number {
  const places = [holds ?? /\S/].flat().map((each) => text.search(each));
  return places.every((place) => place >= 0) ? (places.at(-1) as number) : -1;
}

/** Text in which comments are blank, with as many lines. */
function without(text: string, [start, end]: readonly [string, string]): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, from)) {
    const close = text.indexOf(end, at);
    const next = close < 0 ? text.length : close + end.length;
    parts.push(text.slice(from, at), text.slice(at, next).replace(/[^\n]/g, ' '));
    from = next;
  }
  return [...parts, text.slice(from)].join('');
}
