// An image that is its own backing file, directly or indirectly, keeps qemu and qemu-img busy for many minutes, and
// they eat memory meanwhile.
import { resolve } from 'node:path';
import { tellsLoop } from '../faults/words';
import type { ImageFile } from './image-types';
import { runQemuImg } from './qemu-img';

/** Nothing but a loop, a slow disk or a busy machine makes opening an image take so long. */
const patienceMs = 5000;

/**
 * Calls `found` with the path of an image that turns out to be a loop. It is asked only once opening takes long, and
 * says so only when qemu-img has found the loop: whatever else is slow, or wrong, is none of its business. Returns what
 * ends the watch.
 */
export function watchForLoops(images: readonly ImageFile[], found: (path: string) => void): () => void {
  const layered = images.filter(({ format }) => format !== 'raw');
  if (layered.length === 0) return () => undefined;
  const over = new AbortController();
  const look = async () => {
    for (const image of layered) if (await isLoop(image, over.signal)) return found(image.path);
  };
  const timer = setTimeout(() => void look(), patienceMs);
  return () => {
    clearTimeout(timer);
    over.abort();
  };
}

/** Unlike qemu, `qemu-img info` reads one image of the chain after the other, and notices one that comes again. */
async function isLoop({ path, format }: ImageFile, signal: AbortSignal): Promise<boolean> {
  const asFormat = format === undefined ? [] : ['-f', format];
  try {
    await runQemuImg(['info', '--backing-chain', '--force-share', ...asFormat, resolve(path)], signal);
    return false;
  } catch (error) {
    return !signal.aborted && tellsLoop((error as { stderr?: string }).stderr ?? '');
  }
}
