// An image that is its own backing file, directly or indirectly, keeps qemu and qemu-img busy for many minutes, and
// they eat memory meanwhile.
import { resolve } from 'node:path';
import { runQemuImg } from './qemu-img';

export interface Image {
  readonly path: string;
  readonly format: string | undefined;
}

/** As long as this, opening an image takes only when it is large and far away, or a loop. */
const patienceMs = 2000;

/** The image on this machine that a call opens, if it opens one. */
export function imageOf(
  method: string,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): Image | undefined {
  if (method === 'addDomain' || (options.protocol ?? 'file') !== 'file') return undefined;
  const [path, format] =
    method === 'diskCreate' ? [options.backingfile, options.backingformat] : [args[0], options.format];
  if (typeof path !== 'string') return undefined;
  return { path, format: typeof format === 'string' ? format : undefined };
}

/** Calls `found` once, with the image's path, when one turns out to be a loop. Returns what ends the watch. */
export function watchForLoops(images: readonly Image[], found: (path: string) => void): () => void {
  const over = new AbortController();
  const look = async () => {
    for (const image of images) {
      if (await isLoop(image, over.signal)) return found(image.path);
    }
  };
  const timer = setTimeout(() => void look(), patienceMs);
  return () => {
    clearTimeout(timer);
    over.abort();
  };
}

async function isLoop({ path, format }: Image, signal: AbortSignal): Promise<boolean> {
  const asFormat = format === undefined ? [] : ['-f', format];
  try {
    await runQemuImg(['info', '--backing-chain', '--force-share', ...asFormat, resolve(path)], signal);
    return false;
  } catch (error) {
    return !signal.aborted && /infinite loop/.test((error as { stderr?: string }).stderr ?? '');
  }
}
