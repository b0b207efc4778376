// Where large results are kept.

/** A place for results, which all machines of the fleet reach. Keys are of letters, digits, `.`, `_` and `-`. */
export interface ResultStore {
  /** Keeps a result under a key; what was there before is replaced as a whole, or stays as a whole. */
  put(key: string, value: Buffer): Promise<void>;
  /** The result, or undefined where there is none, or none any more. */
  get(key: string): Promise<Buffer | undefined>;
  /** Removes a result; it is no error when there is none. */
  delete(key: string): Promise<void>;
}

/** Time for which results are kept when nothing else is said: a week, milliseconds. */
export const usualRetention = 7 * 24 * 60 * 60 * 1000;
