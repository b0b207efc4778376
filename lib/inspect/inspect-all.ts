import { types } from 'node:util';
import { invalidType } from '../faults/arguments';
import { AbortError } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import { applianceOf, concurrencyFor } from '../guests/concurrency';
import type { Inspectable } from '../guests/images';
import { Pool } from '../guests/pool';
import type { InspectionResult } from '../guests/report';
import { guarded, onlyWatches, watching } from '../options/callbacks';
import { isArray, reading } from '../options/read';
import { inspect } from './inspect';
import {
  type CheckedInspectAllOptions,
  checkAllOptions,
  type InspectAllOptions,
  type InspectAllProgress,
  type InspectOptions,
} from './options';

/** `inspectAll()`, as index.ts explains it. */
export function inspectAll<T extends Inspectable>(
  images: (Iterable<T> | AsyncIterable<T>) & object,
  options: InspectAllOptions<T> = {},
): AsyncIterableIterator<InspectionResult<T>> {
  const total = checkSource(images);
  const { concurrency, onProgress, onHandle, signal, ...shared } = checkAllOptions(options);
  const tally = new Tally(total, onProgress);
  return new Pool<T, InspectionResult<T>>(images, {
    signal,
    aborted: (reason) => new AbortError('inspectAll', reason),
    exhausted: (count) => tally.know(count),
    concurrency: async () => {
      // Also where the number is given: what is wrong with the handle's options is wrong with all images.
      const appliance = await applianceOf(shared.handleOptions);
      return concurrency ?? concurrencyFor(appliance);
    },
    run: async (image, index, given) => {
      const told = tally.begin(image, index);
      try {
        const report = await inspect(image, {
          ...shared,
          signal: given,
          onProgress: told.progress,
          onHandle: onHandle && handleOf(onHandle, image, index),
        });
        told.end();
        return { image, index, report };
      } catch (thrown) {
        const error = thrown as Error;
        told.end(error);
        return { image, index, error };
      }
    },
  });
}

function handleOf<T extends Inspectable>(
  onHandle: NonNullable<CheckedInspectAllOptions<T>['onHandle']>,
  image: T,
  index: number,
): NonNullable<InspectOptions['onHandle']> {
  const one = (g: Guestfs) => onHandle(g, image, index);
  return onlyWatches(onHandle) ? watching(one) : one;
}

/** Number of images, where it can be told beforehand. */
function checkSource(images: unknown): number | undefined {
  // The characters of a string would be images.
  if (typeof images !== 'object' || images === null || !isIterable(images)) {
    throw invalidType('inspectAll', 'images', 'iterable or async iterable of images', images);
  }
  if (types.isProxy(images)) return undefined;
  return isArray(images) ? images.length : types.isSet(images) ? images.size : undefined;
}

function isIterable(images: { [Symbol.asyncIterator]?: unknown; [Symbol.iterator]?: unknown }): boolean {
  return reading('inspectAll', 'images', () =>
    [images[Symbol.asyncIterator], images[Symbol.iterator]].some((each) => typeof each === 'function'),
  );
}

/** Counts the images, and tells of them. */
export class Tally<T extends Inspectable> {
  #running = 0;
  #done = 0;
  #failed = 0;
  #total: number | undefined;
  readonly #onProgress: CheckedInspectAllOptions<T>['onProgress'];

  constructor(total: number | undefined, onProgress: CheckedInspectAllOptions<T>['onProgress']) {
    this.#total = total;
    this.#onProgress = onProgress;
  }

  know(total: number): void {
    this.#total = total;
  }

  begin(image: T, index: number) {
    const tell = (type: InspectAllProgress['type'], more?: Pick<InspectAllProgress<T>, 'event' | 'error'>) =>
      this.#tell({ type, image, index, ...more, ...this.#counts() });
    this.#running++;
    tell('start');
    return {
      progress: this.#onProgress && ((event: InspectAllProgress['event']) => tell('progress', { event })),
      end: (error?: Error) => {
        this.#running--;
        this.#done++;
        if (error) this.#failed++;
        tell('end', error && { error });
      },
    };
  }

  #counts() {
    return { running: this.#running, done: this.#done, failed: this.#failed, total: this.#total };
  }

  #tell(progress: InspectAllProgress<T>): void {
    const onProgress = this.#onProgress;
    if (onProgress) guarded(() => onProgress(progress));
  }
}
