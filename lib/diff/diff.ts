import { checkTypes } from '../bulk/walk-options';
import { AbortError } from '../faults/errors';
import { Guestfs } from '../guestfs';
import { checkImages } from '../guests/images';
import { checkKeys } from '../guests/keys';
import { mountGuest } from '../guests/mount';
import { type ImageFacts, readImage } from '../host/image-facts';
import type { ImageSource } from '../host/image-types';
import type { GuestfsOptions } from '../launch/handle-options';
import { checkLaunchOptions } from '../launch/options';
import { signals } from '../options/abort-signals';
import { compareTrees, compareTypes } from './compare';
import type { Difference } from './differences';
import type { DiffOptions } from './options';

const ownTypes: ReadonlyMap<string, string> = new Map([
  ['onProgress', 'function'],
  ['keys', 'object'],
  ['timeout', 'number'],
  ['accel', 'string'],
  ['handleOptions', 'object'],
  ['onHandle', 'function'],
  ['root', 'string'],
  ['mountable', 'string'],
] satisfies [keyof DiffOptions, string][]);

/** `diff()`, as index.ts explains it. */
export function diff(
  before: ImageSource | readonly ImageSource[],
  after: ImageSource | readonly ImageSource[],
  options?: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  const sources = [checkImages(before, 'diff'), checkImages(after, 'diff')] as const;
  const { keys, ...checked } = checkTypes(
    'diff',
    options,
    new Map([...compareTypes, ...ownTypes]),
  ) as DiffOptions;
  checkLaunchOptions({ timeout: checked.timeout, accel: checked.accel });
  return diffGuests(sources, { ...checked, keys: keys === undefined ? [] : checkKeys('diff', keys) });
}

type Images = ReturnType<typeof checkImages>;
type CheckedOptions = Omit<DiffOptions, 'keys'> & { readonly keys: ReturnType<typeof checkKeys> };

async function* diffGuests(
  sources: readonly [before: Images, after: Images],
  options: CheckedOptions,
): AsyncGenerator<Difference, void, undefined> {
  const { signal } = options;
  const handles: Guestfs[] = [];
  const kill = () => void Promise.allSettled(handles.map((g) => g.kill()));
  const unfollow = signal && signals.follow(signal, kill);
  try {
    signal?.throwIfAborted();
    const facts = [await readImages(sources[0], signal), await readImages(sources[1], signal)] as const;
    const [a, b] = facts.map(() => newHandle(options, handles)) as [Guestfs, Guestfs];
    // Side by side, and when one fails, the other is not waited for.
    await Promise.all([start(a, facts[0], options), start(b, facts[1], options)]);
    yield* compareTrees({ g: a, directory: '/' }, { g: b, directory: '/' }, options, kill);
  } catch (error) {
    if (signal?.aborted) throw new AbortError('diff', signal.reason);
    throw error;
  } finally {
    unfollow?.();
    // Nothing has been written that would have to be synced.
    await Promise.all(handles.map(discard));
  }
}

/** Its drives, which kill() gives a handle again, are not needed any more. */
async function discard(g: Guestfs): Promise<void> {
  await g.kill().catch(() => undefined);
  await g.close();
}

function newHandle({ handleOptions, onProgress, onHandle }: CheckedOptions, handles: Guestfs[]): Guestfs {
  const g = new Guestfs(handleOptions as GuestfsOptions);
  handles.push(g);
  if (onProgress) g.on('progress', onProgress);
  onHandle?.(g);
  return g;
}

async function start(g: Guestfs, images: readonly ImageFacts[], options: CheckedOptions): Promise<void> {
  const { signal, timeout, accel } = options;
  await g.setAutosync(false);
  for (const { absolutePath, format } of images) await g.addDrive(absolutePath, { readonly: true, format });
  await g.launch({ timeout, accel, signal });
  await mountGuest(g, images, { ...options, operation: 'diff' });
}

async function readImages(files: Images, signal: AbortSignal | undefined): Promise<ImageFacts[]> {
  const facts: ImageFacts[] = [];
  for (const file of files) facts.push(await readImage(file, signal, 'diff'));
  return facts;
}
