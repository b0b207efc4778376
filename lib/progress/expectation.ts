import type { Durations } from './durations';

/** Milliseconds of an operation that is worth being remembered. */
const worthMs = 1000;
/** Share of the expected time from which on the bar slows down, for it must not be full before the end. */
const slowsAt = 0.9;
const most = 0.99;

/** How far an operation is that does not say so itself, by what its likes took before. */
export class Expectation {
  readonly #durations: Durations | undefined;
  readonly #operation: string;
  /** When the operation, and each of its phases, began. */
  readonly #begun = new Map<string, number>();
  #expected: number | undefined;
  #since: number;
  /** Ratio at that time. */
  #reached = 0;

  constructor(durations: Durations | undefined, operation: string, time: number) {
    this.#durations = durations;
    this.#operation = operation;
    this.#since = time;
    this.#expect(operation, time);
  }

  enter(phase: string, time: number): void {
    this.#expect(`${this.#operation} ${phase}`, time);
  }

  /** From 0 to 0.99; undefined where nothing is expected. */
  ratio(time: number): number | undefined {
    if (this.#expected === undefined) return undefined;
    const passed = Math.max(time - this.#since, 0) / Math.max(this.#expected, 1);
    const left =
      passed <= slowsAt ? 1 - passed : (1 - slowsAt) * Math.exp((slowsAt - passed) / (1 - slowsAt));
    return Math.min(1 - (1 - this.#reached) * left, most);
  }

  /** Milliseconds left; undefined where nothing is expected, and when more has passed than was. */
  remaining(time: number): number | undefined {
    if (this.#expected === undefined) return undefined;
    const left = this.#expected - (time - this.#since);
    return left > 0 ? left : undefined;
  }

  /** Remembers what it took, after an end without a failure. */
  learn(time: number): void {
    const [began] = this.#begun.values();
    if (!this.#durations || began === undefined) return;
    if (time - began < worthMs && !this.#durations.knows(this.#operation)) return;
    this.#durations.learn(new Map([...this.#begun].map(([key, begin]) => [key, Math.max(time - begin, 0)])));
  }

  #expect(key: string, time: number): void {
    if (!this.#durations) return;
    // A phase may come again, where a launch is tried again: then all before was in vain.
    this.#begun.set(key, time);
    const expected = this.#durations.expected(key);
    if (expected === undefined && this.#expected !== undefined) return;
    this.#reached = this.ratio(time) ?? 0;
    this.#since = time;
    this.#expected = expected;
  }
}
