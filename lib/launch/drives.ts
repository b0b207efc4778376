import { types } from 'node:util';
import { openedImage, valueNamed } from '../calls/host-facts';
import type { MakeCall } from '../calls/make-call';
import type { ImageFile } from '../host/image-types';
import { functions, type NumberedFunction } from '../native/addon';
import { isArray, reading, readOptions } from '../options/read';
import type { CallOptions } from '../options/types';

interface DriveCall {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly options: CallOptions | undefined;
}

const functionOf = (method: string) => functions.get(method) as NumberedFunction;

/** Options that tell one drive from another. */
const shownOptions: ReadonlySet<string> = new Set(['readonly', 'format', 'protocol', 'server', 'label']);

/**
 * The options of a call, copied if the call adds drives: they are needed again after a crash, and what the program does
 * to its own objects meanwhile must not matter.
 */
export function keptOptions(method: string, options: CallOptions | undefined): CallOptions | undefined {
  if (options === undefined || functionOf(method).drives?.do !== 'add') return options;
  const kept = readOptions(method, options);
  for (const [name, value] of Object.entries(kept)) {
    if (!types.isProxy(value) && isArray(value)) kept[name] = reading(method, name, () => copyOf(value));
  }
  return kept;
}

function copyOf(list: readonly unknown[]): unknown[] {
  const copy: unknown[] = [];
  for (let i = 0; i < list.length; i++) {
    copy.push(list[i]);
    // The call will be refused, and a list may have four thousand million holes.
    if (typeof copy[i] !== 'string') break;
  }
  return copy;
}

/**
 * The drives of a handle. libguestfs empties its own list when the appliance dies, and when a launch fails; this one
 * survives. Adding a drive opens its image, which takes as long as its storage likes: so nothing adds them again before
 * they are needed, by a launch or by a call that reads or changes the list.
 */
export class Drives {
  #calls: DriveCall[] = [];
  #lost = false;
  /** How many of them have been added again since they were lost. */
  #restored = 0;
  /** libguestfs may have lost them although the program has not asked for that, nor does it know of a crash. */
  #owed = false;
  /** How many launches and kills are under way. */
  #risks = 0;

  /** To be told of every call that succeeded. */
  record(method: string, args: readonly unknown[], options: CallOptions | undefined): void {
    const fn = functionOf(method);
    if (fn.drives?.do === 'add') {
      // A program that knows libguestfs adds its drives again after a crash: then the list is its own.
      if (this.#lost) this.#calls = this.#calls.slice(0, this.#restored);
      this.#restored = 0;
      this.#lost = false;
      this.#calls.push({ method, args, options: withoutSignal(options) });
    } else if (fn.drives?.do === 'remove') {
      const label = labelOf({ method, args, options });
      this.#calls = this.#calls.filter((call) => labelOf(call) !== label);
    } else if (fn.appliance === 'ends') this.#calls = []; // on purpose: libguestfs forgets the drives too
  }

  /** The calls that have added them, for whoever looks at the handle: without passwords. */
  shown(): object[] {
    return this.#calls.map(({ method, args, options }) => {
      const given = Object.entries({ ...options }).filter(([name]) => shownOptions.has(name));
      return { [method]: args[0], ...Object.fromEntries(given) };
    });
  }

  /** Images on this machine that are drives. */
  images(): ImageFile[] {
    return this.#calls.flatMap(
      ({ method, args, options }) => openedImage(functionOf(method), args, options) ?? [],
    );
  }

  /** The appliance has died, and libguestfs's list with it. */
  lose(): void {
    this.#lost = true;
    this.#restored = 0;
  }

  /** A launch or a kill takes them away, and the program expects to find them as they were. */
  owe(): void {
    this.#owed = true;
  }

  /** An appliance is up, with all of them: when it dies, the program hears of that. */
  settle(): void {
    this.#owed = false;
  }

  /** A launch or a kill is called: the calls behind it cannot rely on libguestfs's list. Returns what ends that. */
  atRisk(): () => void {
    this.#risks++;
    return () => {
      this.#risks--;
    };
  }

  /** Whether a call reads or changes the list while drives may be missing in it: they have to be restored before. */
  areMissedBy(method: string): boolean {
    return (this.#owed || this.#risks > 0) && functionOf(method).drives !== undefined;
  }

  /**
   * Adds them again where libguestfs has lost them.
   *
   * @param ready - called before, where there are some to be added
   */
  async restore(call: MakeCall, ready?: () => Promise<void>): Promise<void> {
    if (this.#calls.length > 0 && (await call<string[]>('debugDrives')).length === 0) this.#restored = 0;
    else if (this.#restored === 0) this.#restored = this.#calls.length;
    if (this.#restored < this.#calls.length) {
      this.#lost = true;
      await ready?.();
    }
    for (; this.#restored < this.#calls.length; this.#restored++) {
      const { method, args, options } = this.#calls[this.#restored] as DriveCall;
      await call(method, args, options);
    }
    this.#lost = false;
    this.#restored = 0;
  }
}

/** Label of the drive that a call adds or removes; undefined where it has none. */
function labelOf({ method, args, options }: DriveCall): unknown {
  const fn = functionOf(method);
  return valueNamed(fn, fn.drives?.label, args, options);
}

function withoutSignal(options: CallOptions | undefined): CallOptions | undefined {
  if (options === undefined) return undefined;
  const { signal, onProgress, ...rest } = options;
  return rest;
}
