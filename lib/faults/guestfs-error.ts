// Errors as classes, and as the data of which they are made.
import { harmlessText } from '../text/lines';
import { brand } from './brand';
import { type Fault, sentences } from './faults';

/** What a {@link GuestfsError} is made of, beside its message. */
interface ErrorDetails {
  readonly code: string;
  readonly operation: string;
  readonly errno?: number | undefined;
  readonly cause?: unknown;
  readonly shortMessage?: string | undefined;
  readonly hint?: string | undefined;
}

/** Error of a call of libguestfs, or of a handle that could not make the call. */
export class GuestfsError extends Error {
  /**
   * Code for programs: the name of the errno (`'ENOENT'`), `'ERR_GUESTFS'` where libguestfs gave none, or one of
   * `ERR_GUESTFS_CLOSED`, `ERR_GUESTFS_TERMINATED`, `ERR_GUESTFS_TIMEOUT`, `ERR_GUESTFS_UNSUPPORTED`,
   * `ERR_GUESTFS_NO_DRIVE`, `ERR_GUESTFS_NOT_LAUNCHED`, `ERR_GUESTFS_NOT_MOUNTED`, `ERR_GUESTFS_NOT_OPENED`,
   * `ERR_GUESTFS_ALREADY_LAUNCHED` for a call before or after its time,
   * `ERR_GUESTFS_KVM_UNAVAILABLE`, `ERR_GUESTFS_QEMU_IMG_MISSING`, `ERR_STRING_TOO_LONG` for a result that JavaScript
   * cannot hold, `ERR_GUESTFS_MESSAGE_TOO_LARGE` for one that libguestfs cannot send, or a {@link FaultCode} of this machine or of an image, such as `ERR_GUESTFS_IMAGE_LOCKED` (another
   * program has the image open). `docs/reliability.md` explains them all.
   */
  readonly code: string;
  /** Errno as a positive number; 0 where there was none. */
  readonly errno: number;
  /** Name of the method that failed: `'mountRo'`. */
  readonly operation: string;
  /**
   * Part of the message that says what is wrong, without the operation, without what to do about it and without what
   * other programs have said: for a user interface that has its own place for each. `message` has all of it.
   */
  declare readonly shortMessage: string;
  /** Part of the message that says what to do; undefined where that is not known. */
  declare readonly hint: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(harmlessText(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.errno = details.errno ?? 0;
    this.operation = details.operation;
    const { shortMessage = message, hint } = details;
    // Not enumerable: who prints the error has them in its message.
    Object.defineProperties(this, {
      shortMessage: { value: harmlessText(shortMessage) },
      hint: { value: hint === undefined ? undefined : harmlessText(hint) },
    });
  }

  /** Name of the class, `'GuestfsError'`. */
  override get name(): string {
    return 'GuestfsError';
  }
}

/** Error of a call that was given up because its signal was aborted; `cause` is the reason of the signal. */
export class AbortError extends Error {
  /** Code, that of Node's own aborts. */
  readonly code = 'ABORT_ERR';
  /** Name of the method that was given up: `'copyDeviceToDevice'`. */
  readonly operation: string;
  /** Message without the operation. */
  get shortMessage(): string {
    return 'the operation was aborted';
  }

  /** Undefined: an abort is what the program wanted. */
  get hint(): undefined {
    return undefined;
  }

  constructor(operation: string, reason: unknown) {
    super(`${operation}: the operation was aborted`, { cause: reason });
    this.operation = operation;
  }

  /** Name of the class, `'AbortError'`. */
  override get name(): string {
    return 'AbortError';
  }
}

brand(GuestfsError, 'guestfs.GuestfsError');
brand(AbortError, 'guestfs.AbortError');

/** Name of an option where an error is read: by the API's users, or by those of the command. */
export type OptionNames = (option: 'keys' | 'mountable' | 'root') => string;

/** What a failure is, as data. Words are made of it where it is told. */
export interface Failed {
  readonly code: string;
  readonly operation: string;
  readonly errno?: number | undefined;
  readonly cause?: unknown;
  /** Problem: what is wrong. */
  readonly problem: string;
  /** Hint: what to do. It may name options. */
  readonly hint?: string | ((names: OptionNames) => string | undefined) | undefined;
  /** Where to find out more: a last line of the hint, which whoever is asked there leaves out. */
  readonly more?: string | undefined;
  /** Text between problem and hint; default: what makes them sentences. */
  readonly joint?: string | undefined;
  /** Whether the message does without the operation: libguestfs's own do. */
  readonly unnamed?: boolean | undefined;
  /** Fault of which the failure is, where that is known. */
  readonly fault?: Fault | undefined;
  /** Whether the program has itself killed what failed. */
  readonly killed?: boolean | undefined;
  /** Lines that another program has said of the failure. */
  readonly said?: { readonly whose: string; readonly lines: readonly string[] } | undefined;
}

const made = new WeakMap<GuestfsError, Failed>();

/** The error for a failure. */
export function errorFor(failed: Failed): GuestfsError {
  const { code, operation, errno, cause, problem } = failed;
  const hint = hintOf(failed, apiNames);
  const details = { code, operation, errno, cause, shortMessage: problem, hint };
  const error = new GuestfsError(
    `${failed.unnamed ? '' : `${operation}: `}${wholeOf(failed, apiNames)}`,
    details,
  );
  Error.captureStackTrace(error, errorFor); // its ten lines are for the caller
  made.set(error, failed);
  return error;
}

/** What there is to say of an error, the operation apart; with or without where to find out more. */
export function tell(error: GuestfsError, { more = true }: { readonly more?: boolean } = {}): string {
  const failed = made.get(error);
  if (!failed) return error.message;
  return harmlessText(wholeOf(more ? failed : { ...failed, more: undefined }, apiNames));
}

/** What is wrong, in the very words, for those who look into them. */
export function wordsOf(error: GuestfsError): string {
  return made.get(error)?.problem ?? error.message;
}

/** The fault that an error is of; undefined where it is another kind of failure. */
export function faultOf(error: GuestfsError): Fault | undefined {
  return made.get(error)?.fault;
}

/** Whether somebody wanted no more what failed: that is no failure. */
export function isUnwanted(error: Error): boolean {
  return (
    (error as Partial<GuestfsError>).code === 'ABORT_ERR' || made.get(error as GuestfsError)?.killed === true
  );
}

/** An error's message and hint, with options by other names. */
export function inNames(
  error: GuestfsError,
  names: OptionNames,
): { message: string; hint: string | undefined } {
  const failed = made.get(error);
  if (typeof failed?.hint !== 'function') return error;
  return errorFor({ ...failed, hint: failed.hint(names) });
}

const apiNames: OptionNames = (option) => `the option ${option}`;

function hintOf({ hint, more }: Failed, names: OptionNames): string | undefined {
  const lines = [typeof hint === 'function' ? hint(names) : hint, more].filter((each) => each !== undefined);
  return lines.length > 0 ? lines.join('\n') : undefined;
}

function wholeOf(failed: Failed, names: OptionNames): string {
  const { problem, joint, said } = failed;
  const hint = hintOf(failed, names);
  const text = hint === undefined || joint === undefined ? sentences(problem, hint) : problem + joint + hint;
  return said ? withLines(text, said) : text;
}

function withLines(message: string, { whose, lines }: NonNullable<Failed['said']>): string {
  const shown = lines.slice(-8).map((line) => (line.length > 500 ? `${line.slice(0, 500)}…` : line));
  return shown.length === 0 ? message : `${message}\n${whose}:\n  ${shown.join('\n  ')}`;
}
