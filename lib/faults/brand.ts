/**
 * Lets `instanceof` know the objects of another copy of the package and of another realm, whose class is another one, by a
 * brand; for subclasses it stays what it is.
 */
export function brand(kind: { readonly prototype: object }, name: string): void {
  const symbol = Symbol.for(name);
  Object.defineProperty(kind.prototype, symbol, { value: true });
  Object.defineProperty(kind, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== kind) return Function.prototype[Symbol.hasInstance].call(this, value);
      return isBranded(value, name);
    },
  });
}

export function isBranded(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && Symbol.for(name) in value;
}
