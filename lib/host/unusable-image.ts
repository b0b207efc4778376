// How it is told that an image cannot be used, before anything is launched.
import { constants } from 'node:os';
import { AbortError, errorFor } from '../faults/errors';
import type { Fault } from '../faults/faults';

/** Error of an image that cannot be used; its message is what is wrong. */
export class UnusableImage extends Error {
  readonly code: string;
  readonly errnoName: string;
  /** Hint: what to do. */
  readonly hint: string | undefined;

  constructor(code: string, problem: string, cause?: unknown, errnoName = code, hint?: string) {
    super(problem, { cause });
    this.code = code;
    this.errnoName = errnoName;
    this.hint = hint;
  }

  static for({ code, errno, problem, advice }: Fault, cause?: unknown): UnusableImage {
    return new UnusableImage(code, problem, cause, errno, advice);
  }
}

/** Tells what is wrong with an image in the name of an operation. @throws GuestfsError, AbortError */
export async function inTheNameOf<T>(
  operation: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw new AbortError(operation, signal.reason);
    if (!(error instanceof UnusableImage)) throw error;
    const { code, errnoName, message: problem, hint, cause } = error;
    const errno = (constants.errno as Record<string, number>)[errnoName] ?? 0;
    throw errorFor({ code, errno, operation, cause, problem, hint });
  }
}
