import { checkTypes } from '../bulk/walk-options';
import { AbortError, faultError } from '../faults/errors';
import type { Fault } from '../faults/faults';
import { checkImages } from '../guests/images';
import { checkKeys } from '../guests/keys';
import { OpenGuest } from '../guests/open';
import { isHarmless } from '../guests/problems';
import type { ImageSource } from '../host/image-types';
import { checkLaunchOptions } from '../launch/options';
import { compareTrees, compareTypes } from './compare';
import type { Difference } from './differences';
import type { DiffOptions } from './options';

const ownTypes: ReadonlyMap<string, string> = new Map([
  ['onProgress', 'function'],
  ['keys', 'object'],
  ['timeout', 'number'],
  ['accel', 'string'],
  ['template', 'string'],
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
  const { timeout, accel, template } = checked;
  checkLaunchOptions({ timeout, accel, template });
  return diffGuests(sources, { ...checked, keys: keys === undefined ? [] : checkKeys('diff', keys) });
}

type Images = ReturnType<typeof checkImages>;
type CheckedOptions = Omit<DiffOptions, 'keys'> & { readonly keys: ReturnType<typeof checkKeys> };

async function* diffGuests(
  sources: readonly [before: Images, after: Images],
  options: CheckedOptions,
): AsyncGenerator<Difference, void, undefined> {
  const { signal, root, mountable } = options;
  const guestOptions = {
    ...options,
    operation: 'diff',
    mount: { root, mountable, onError: options.onError },
    onNote: (note: Fault) => isHarmless(note.code) || options.onError?.(faultError('diff', note), '/'),
  };
  const guests: OpenGuest[] = [];
  try {
    for (const images of sources) guests.push(await OpenGuest.prepare(images, guestOptions));
    const [a, b] = guests as [OpenGuest, OpenGuest];
    // Side by side, and when one fails, the other is not waited for.
    await Promise.all([a.open(), b.open()]);
    const giveUp = () => {
      for (const guest of guests) guest.kill();
    };
    yield* compareTrees({ g: a.g, directory: '/' }, { g: b.g, directory: '/' }, options, giveUp);
  } catch (error) {
    for (const guest of guests) guest.fails(error);
    if (signal?.aborted) throw new AbortError('diff', signal.reason);
    throw error;
  } finally {
    await Promise.all(guests.map((guest) => guest.close()));
  }
}
