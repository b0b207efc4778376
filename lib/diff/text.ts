// How the content of text files differs, as diff(1) and git tell it. Its library is loaded when that is asked for.
import type { WalkEntry } from '../bulk/entry';
import type { Guestfs } from '../guestfs';
import type { CallOptions } from '../options/types';
import { nameOf } from '../text/bytes';

/** Bytes of the largest file that is compared so, on either side. */
const most = 2 ** 20;

/** Lines that may come or go, and milliseconds that a comparison may take: what differs more is another file. */
const mostEdits = 2000;
const mostTime = 1000;

/** A file of one of the two guests. */
export interface TextFile {
  readonly g: Pick<Guestfs, 'pread'>;
  readonly entry: Pick<WalkEntry, 'path' | 'size' | 'type'>;
}

/**
 * Unified difference of two files; empty where their content is the same, and null where it cannot be told so: one is no
 * text, too large, or too much has changed.
 */
export async function textDifference(
  path: string,
  before: TextFile,
  after: TextFile,
  options: CallOptions,
): Promise<string | null> {
  if (before.entry.size > most || after.entry.size > most) return null;
  const [old, fresh] = await Promise.all([contentOf(before, options), contentOf(after, options)]);
  if (old.equals(fresh)) return '';
  if (old.includes(0) || fresh.includes(0)) return null;
  return unified(path, nameOf(old), nameOf(fresh));
}

async function contentOf({ g, entry }: TextFile, options: CallOptions): Promise<Buffer> {
  if (entry.size === 0n) return Buffer.alloc(0);
  return await g.pread(entry.path, Number(entry.size), 0, options);
}

export function unified(path: string, old: string, fresh: string): string | null {
  const { structuredPatch } = require('diff') as typeof import('diff');
  const limits = { context: 3, maxEditLength: mostEdits, timeout: mostTime };
  const patch = structuredPatch('', '', old, fresh, undefined, undefined, limits);
  if (patch === undefined) return null;
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: own }) => [
    `@@ -${place(oldStart, oldLines)} +${place(newStart, newLines)} @@`,
    ...own,
  ]);
  return [`--- ${named(`a${path}`)}`, `+++ ${named(`b${path}`)}`, ...lines, ''].join('\n');
}

/** Of no lines, the place is the line before them. */
const place = (start: number, lines: number) => `${lines === 0 ? start - 1 : start},${lines}`;

/** A name with which a line ends, as git quotes it: one with a line break would be a line of its own. */
function named(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return /[\x00-\x1f"\\\x7f]/.test(path) ? JSON.stringify(path) : path;
}
