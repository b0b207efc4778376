// From what the user has named to what libguestfs is told of it, and what is known of it before the launch.
import { type ImageFacts, readImage } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { headOfDiskIn, headOfFile } from './head';
import { headOfDisk, sectorSizeOf } from './sector-size';
import type { Workspace } from './workspace';

/** Circumstances in which images are opened. */
export interface Opening {
  /** Method or command in whose name errors are told. */
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  readonly workspace: Workspace;
}

/** Checks an image, and reads what the host can tell of it. @throws as `readImage()` */
export async function openSource(file: ImageFile, opening: Opening): Promise<ImageFacts> {
  const facts = await readImage(file, opening.signal, opening.operation);
  return { ...facts, blocksize: file.blocksize ?? (await sectorSizeIn(facts, opening)) };
}

/** Size of the sectors as the disk itself tells it. What cannot be read now fails, with its reason, when it is added. */
async function sectorSizeIn(
  { absolutePath: name, format, virtualSize }: ImageFacts,
  { signal, workspace }: Opening,
): Promise<number | undefined> {
  if (virtualSize < headOfDisk) return undefined;
  try {
    const head =
      format === 'raw'
        ? await headOfFile(name, headOfDisk, signal)
        : await headOfDiskIn({ name, format }, headOfDisk / 4096, await workspace.path('head'), signal);
    return head && sectorSizeOf(head);
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}
