// Calls that answer for many names at once.
import { codeOf, hasVanished, isFatal } from '../faults/kinds';
import type { Xattr } from '../generated/structs';

/** Names in one call. libguestfs sends 1000 in a message, but so many results hold up the event loop. */
export const namesInBundle = 500;

/** Codes of what the appliance cannot do at all. */
const unsupported: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ERR_GUESTFS_UNSUPPORTED']);

/**
 * Asks for all names of a folder at once. Where the answer does not fit into a message, or one name makes the call fail
 * for all, it asks for each half, and so on; what cannot be had becomes `failed` of its error.
 */
export async function askForAll<T>(
  names: readonly string[],
  ask: (names: readonly string[]) => Promise<T[]>,
  failed: (error: Error, name: string) => T,
): Promise<T[]> {
  if (names.length === 0) return [];
  try {
    return await ask(names);
  } catch (error) {
    if (isFatal(error) || unsupported.has(codeOf(error))) throw error;
    // When the folder has vanished, no name will be found.
    if (names.length === 1 || hasVanished(error)) return names.map((name) => failed(error as Error, name));
    const half = names.length >> 1;
    const halves = [names.slice(0, half), names.slice(half)];
    const answers: T[][] = [];
    for (const part of halves) answers.push(await askForAll(part, ask, failed));
    return answers.flat();
  }
}

/** The answer of `lxattrlist`: a header for each name, which says how many attributes follow. */
export function attributesOf(list: readonly Xattr[]): (Map<string, Buffer> | null)[] {
  const all: (Map<string, Buffer> | null)[] = [];
  for (let at = 0; at < list.length; ) {
    const header = (list[at++] as Xattr).attrval.toString('latin1');
    // The number ends with NUL.
    const count = Number.parseInt(header, 10) || 0;
    const attributes = list
      .slice(at, at + count)
      .map(({ attrname, attrval }) => [attrname, attrval] as const);
    all.push(header === '' ? null : new Map(attributes));
    at += count;
  }
  return all;
}
