import fc from 'fast-check';

export const MiB = 2 ** 20;

/**
 * A value and its nature, which says what the library must make of it without looking at it again: some values change
 * when they are read. `make` builds it anew for every call; `meddle` then does to it what a program may do to its own
 * values once the call is made.
 */
export class Value {
  constructor(label, nature, make, meddle = () => {}) {
    this.label = label;
    this.nature = nature;
    this.make = make;
    this.meddle = meddle;
  }

  toString() {
    return this.label;
  }

  /** For fast-check's reports. */
  [fc.toStringMethod]() {
    return this.label;
  }
}

export function shortened(text) {
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
}

/** What the getters and proxies among the values throw. */
export const thrown = new Error("the value's own error");

export function fail() {
  throw thrown;
}
