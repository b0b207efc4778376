/** Pairs of the first whole number of a run, and the one behind its last. */
export type Intervals = readonly (readonly [number, number])[];

/** A set of whole numbers that takes little room where most of them follow each other. */
export class IntervalSet {
  readonly #runs: [number, number][];

  constructor(runs: Intervals = []) {
    this.#runs = runs.map(([first, end]) => [first, end]);
  }

  has(value: number): boolean {
    const [first, end] = this.#runs[this.#before(value)] ?? [0, 0];
    return value >= first && value < end;
  }

  add(value: number): void {
    const at = this.#before(value);
    const before = this.#runs[at];
    const after = this.#runs[at + 1];
    if (before && value < before[1]) return;
    const touchesBefore = before?.[1] === value;
    const touchesAfter = after?.[0] === value + 1;
    if (touchesBefore && touchesAfter) {
      before[1] = after[1];
      this.#runs.splice(at + 1, 1);
    } else if (touchesBefore) before[1]++;
    else if (touchesAfter) after[0]--;
    else this.#runs.splice(at + 1, 0, [value, value + 1]);
  }

  delete(value: number): void {
    const at = this.#before(value);
    const run = this.#runs[at];
    if (!run || value >= run[1]) return;
    const [first, end] = run;
    const rest: [number, number][] = [
      [first, value],
      [value + 1, end],
    ];
    this.#runs.splice(at, 1, ...rest.filter(([from, to]) => from < to));
  }

  /** Number of numbers. */
  get size(): number {
    return this.#runs.reduce((sum, [first, end]) => sum + end - first, 0);
  }

  toJSON(): Intervals {
    return this.#runs.map(([first, end]) => [first, end] as const);
  }

  /** Place of the last run that does not begin behind the value; -1 where there is none. */
  #before(value: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#runs[middle] as [number, number])[0] <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
