// Folders out of which an image may not lead: they are compared as they really are, so that no link leads out.
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { outside } from '../faults/source-faults';
import { onceAnswering } from './storage';
import { UnusableImage } from './unusable-image';

/**
 * Refuses a file that lies outside of the folders. One that is not there is told by whoever opens it.
 *
 * @param shown the image in whose name it is told
 */
export async function refuseOutside(
  path: string,
  shown: string,
  within: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (within === undefined) return;
  const real = await onceAnswering([path], signal, () => realPathOf(path));
  if (real === undefined) throw UnusableImage.for(outside(shown, path));
  const folders = await Promise.all(within.map(realPathOf));
  if (!folders.some((folder) => folder !== undefined && isBelow(real, folder)))
    throw UnusableImage.for(outside(shown, path));
}

/** Undefined where there is nothing: a file elsewhere must not be told from one that is not there. */
async function realPathOf(path: string): Promise<string | undefined> {
  return await realpath(path).catch(() => undefined);
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
