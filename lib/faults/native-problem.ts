/** Why the addon refused a call's arguments. */
export interface ArgumentProblem {
  readonly reason:
    | 'type'
    | 'nul'
    | 'surrogate'
    | 'range'
    | 'integer'
    | 'detached'
    | 'unknown'
    | 'throws'
    | 'memory'
    | 'closed';
  readonly argument: string;
  readonly expected: string;
  /** Position in a list, or -1. */
  readonly element: number;
  /** The value that has the wrong type or is out of range, or what was thrown while it was read. */
  readonly value?: unknown;
}

/** libguestfs's error of a failed call; `errno` is 0 where it gave none. */
export interface Failure {
  readonly errno: number;
  readonly message: string;
  /** Whether the appliance ran, as far as libguestfs has told; left out where the words may be a guest's. */
  readonly launched?: boolean;
}

/** Why JavaScript cannot have a result that is there. */
export interface Unrepresentable {
  /** `exception`: something that the program has put on a prototype of JavaScript's threw. */
  readonly reason: 'length' | 'memory' | 'exception';
  /** The type that is too short for it. */
  readonly type: 'string' | 'Buffer' | 'array' | 'Map' | '';
  /** Length of the result: bytes of a string or Buffer, elements of an array, entries of a Map. */
  readonly length: number;
  /** Exception that was thrown. */
  readonly cause?: unknown;
}
