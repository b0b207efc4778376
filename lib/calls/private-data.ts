import { invalidType, invalidValue } from '../faults/arguments';
import { closedError } from '../faults/errors';
import type { NativeHandle } from '../native/addon';
import { reading } from '../options/read';

declare const valueType: unique symbol;

/** A key that knows the type of its value; make one with {@link privateKey}. */
export interface PrivateKey<T> {
  /** Name under which libguestfs keeps the value. */
  readonly name: string;
  /** @hidden Type of the value; there is no such member. */
  readonly [valueType]?: T;
}

/**
 * A typed key for {@link PrivateData}.
 *
 * @param name - not empty, without NUL and without a leading underscore; a prefix (`'acme:job'`) avoids clashes
 */
export function privateKey<T>(name: string): PrivateKey<T> {
  checkName(name, 'privateKey');
  return Object.freeze({ name });
}

function checkName(name: unknown, operation: string): asserts name is string {
  if (typeof name !== 'string') throw invalidType(operation, 'key', 'string or PrivateKey', name);
  if (name === '') throw invalidValue(operation, 'key', 'must not be empty');
  if (name.includes('\0')) throw invalidValue(operation, 'key', 'must not contain a NUL character');
  if (name.startsWith('_')) {
    throw invalidValue(
      operation,
      'key',
      'must not begin with "_": libguestfs reserves such keys for language bindings',
    );
  }
  // Two spellings could be one key in C.
  if (/\p{Surrogate}/u.test(name)) throw invalidValue(operation, 'key', 'contains a lone surrogate');
}

/**
 * Private data of a handle, over `guestfs_set_private`, `guestfs_get_private`, `guestfs_first_private` and
 * `guestfs_next_private`: any JavaScript value under a name, alive as long as the handle.
 *
 * It behaves like a Map, answers at once also while a call runs, and lets go of a value when it is overwritten or
 * deleted and when the handle has been closed. Keys under which other C components keep pointers show up in `has` and
 * `keys`, but their values read as `undefined`.
 */
export class PrivateData {
  readonly #native: NativeHandle;
  readonly #values = new Map<string, unknown>();
  #closed = false;

  private constructor(native: NativeHandle) {
    this.#native = native;
  }

  /** @internal */
  static of(native: NativeHandle): PrivateData {
    return new PrivateData(native);
  }

  /** Stores a value, in place of an earlier one. C: `guestfs_set_private`. */
  set<T>(key: PrivateKey<T>, value: T): this;
  set(key: string, value: unknown): this;
  set(key: string | PrivateKey<unknown>, value: unknown): this {
    const name = this.#name(key, 'private.set');
    this.#native.setPrivate(name);
    this.#values.set(name, value);
    return this;
  }

  /** Returns the value, or `undefined` where there is none. C: `guestfs_get_private`. */
  get<T>(key: PrivateKey<T>): T | undefined;
  get(key: string): unknown;
  get(key: string | PrivateKey<unknown>): unknown {
    const name = this.#name(key, 'private.get');
    return this.#native.lookupPrivate(name) === 'ours' ? this.#values.get(name) : undefined;
  }

  /** Tells whether a value is stored, be it `null` or `undefined`. C: `guestfs_get_private`. */
  has(key: string | PrivateKey<unknown>): boolean {
    return this.#native.lookupPrivate(this.#name(key, 'private.has')) !== undefined;
  }

  /** Removes a value; returns false when there was none. C: `guestfs_set_private` with `NULL`. */
  delete(key: string | PrivateKey<unknown>): boolean {
    const name = this.#name(key, 'private.delete');
    const had = this.#native.lookupPrivate(name) !== undefined;
    if (had) this.#native.deletePrivate(name);
    this.#values.delete(name);
    return had;
  }

  /** Number of keys; 0 after the handle is closed. */
  get size(): number {
    return this.#closed ? 0 : this.#names().length;
  }

  /** Returns the keys: those set here, in the order in which they were first set, then those of other components. */
  keys(): IterableIterator<string> {
    this.#checkOpen('private.keys');
    return this.#names().values();
  }

  /** Returns the values, in the order of the keys. */
  *values(): IterableIterator<unknown> {
    for (const [, value] of this.entries()) yield value;
  }

  /** Returns the keys with their values, in the order of `keys()`. */
  *entries(): IterableIterator<[key: string, value: unknown]> {
    for (const name of this.keys()) if (this.has(name)) yield [name, this.get(name)];
  }

  /** Returns the keys with their values, as `entries()` does. */
  [Symbol.iterator](): IterableIterator<[key: string, value: unknown]> {
    return this.entries();
  }

  /** @hidden */
  get [Symbol.toStringTag](): string {
    return 'PrivateData';
  }

  /** @internal Lets go of all values, once libguestfs points to nothing of ours any more. */
  release(): void {
    this.#closed = true;
    this.#values.clear();
  }

  #names(): string[] {
    const present = new Set(this.#native.privateKeys());
    const ours = [...this.#values.keys()].filter((name) => present.delete(name));
    return [...ours, ...present];
  }

  #name(key: string | PrivateKey<unknown>, operation: string): string {
    const isObject = typeof key === 'object' && key !== null;
    const name: unknown = isObject ? reading(operation, 'key', () => key.name) : key;
    checkName(name, operation);
    this.#checkOpen(operation);
    return name;
  }

  #checkOpen(operation: string): void {
    if (this.#closed) throw closedError(operation);
  }
}
