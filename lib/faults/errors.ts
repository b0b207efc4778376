import { constants } from 'node:os';
import { printableLines } from '../text/lines';
import { type Fault, limitReached, refusedSetting } from './faults';
import type { Failure, Unrepresentable } from './native-problem';
import { isStateCode, stateIn } from './states';
import { causeOfDeath, faultIn } from './words';

/** Error of a call of libguestfs, or of a handle that could not make the call. */
export class GuestfsError extends Error {
  /**
   * Code for programs: the name of the errno (`'ENOENT'`), `'ERR_GUESTFS'` where libguestfs gave none, or one of
   * `ERR_GUESTFS_CLOSED`, `ERR_GUESTFS_TERMINATED`, `ERR_GUESTFS_TIMEOUT`, `ERR_GUESTFS_UNSUPPORTED`,
   * `ERR_GUESTFS_NO_DRIVE`, `ERR_GUESTFS_NOT_LAUNCHED`, `ERR_GUESTFS_NOT_MOUNTED`, `ERR_GUESTFS_NOT_OPENED`,
   * `ERR_GUESTFS_ALREADY_LAUNCHED` for a call before or after its time,
   * `ERR_GUESTFS_KVM_UNAVAILABLE`, `ERR_GUESTFS_QEMU_IMG_MISSING`, `ERR_STRING_TOO_LONG` for a result that JavaScript
   * cannot hold, or a {@link FaultCode} of this machine or of an image, such as `ERR_GUESTFS_IMAGE_LOCKED` (another
   * program has the image open). `docs/reliability.md` explains them all.
   */
  readonly code: string;
  /** Errno as a positive number; 0 where there was none. */
  readonly errno: number;
  /** Name of the method that failed: `'mountRo'`. */
  readonly operation: string;

  constructor(
    message: string,
    details: { code: string; operation: string; errno?: number; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.errno = details.errno ?? 0;
    this.operation = details.operation;
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

  constructor(operation: string, reason: unknown) {
    super(`${operation}: the operation was aborted`, { cause: reason });
    this.operation = operation;
  }

  /** Name of the class, `'AbortError'`. */
  override get name(): string {
    return 'AbortError';
  }
}

const errnoNames = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  if (!errnoNames.has(number)) errnoNames.set(number, name);
}

/** `laterOptions` are those of the call that came later than its function: `format came with version 1.2.3`. */
export function callFailed(
  operation: string,
  failure: Failure,
  cause?: unknown,
  laterOptions: readonly string[] = [],
): GuestfsError {
  const state = stateIn(failure);
  if (state) {
    const told = `${operation}: ${state.problem}. ${state.advice}`;
    return new GuestfsError(told, { code: state.code, operation, errno: failure.errno, cause });
  }
  // libguestfs's way of saying that a newer program passed an option that this library has not heard of.
  const unsupported = /unknown option in guestfs_/.test(failure.message);
  const code = unsupported ? 'ERR_GUESTFS_UNSUPPORTED' : (errnoNames.get(failure.errno) ?? 'ERR_GUESTFS');
  const message =
    unsupported && laterOptions.length > 0
      ? tooOld(operation, `option ${laterOptions.join(', option ')}`)
      : (explainMissingFeature(operation, failure) ?? withReason(withoutGuestfish(failure.message)));
  return new GuestfsError(message, { code, operation, errno: failure.errno, cause });
}

/** `what` came with a later version. */
export const tooOld = (operation: string, what: string) =>
  `${operation}: the libguestfs on this machine is too old; ${what}`;

/** The appliance's programs do not always say why they failed. */
function withReason(message: string): string {
  return message.replace(/: *$/, ': it gave no reason');
}

/** Some of libguestfs's messages have a hint for its shell. */
function withoutGuestfish(message: string): string {
  return message.replace(/\s*\(in guestfish,.*\)$/, '');
}

/** Which feature group the appliance lacks, where that is why the call failed. */
function explainMissingFeature(operation: string, { errno, message }: Failure): string | undefined {
  if (errno !== constants.errno.ENOTSUP && errno !== constants.errno.EOPNOTSUPP) return undefined;
  const feature = /feature '(\w+)' is not available/.exec(message)?.[1];
  if (feature === undefined) return undefined;
  return `${operation}: this appliance lacks the feature group '${feature}'. libguestfs takes the tools for it from packages of this machine (Debian and Ubuntu have some apart, as libguestfs-xfs): install them and launch again. featureAvailable(['${feature}']) tells whether a group is there`;
}

/** The result is there, but JavaScript cannot have it. */
export function unrepresentable(operation: string, problem: Unrepresentable): GuestfsError {
  const { reason, type, length, cause } = problem;
  switch (reason) {
    case 'length': {
      const units = { array: 'elements', Map: 'entries', string: 'bytes', Buffer: 'bytes', '': '' };
      const message = `${operation}: the result does not fit into a JavaScript ${type}: it has ${length} ${units[type]}`;
      return new GuestfsError(message, { code: 'ERR_STRING_TOO_LONG', operation });
    }
    case 'memory':
      return noMemory(operation, 'the result');
    case 'exception':
      return new GuestfsError(`${operation}: the result could not be made into a JavaScript value`, {
        code: 'ERR_GUESTFS',
        operation,
        cause,
      });
  }
}

/** `kill()` has not reached all processes of the handle. */
export function killMissed(errno: number): GuestfsError {
  const code = errnoNames.get(errno) ?? 'ERR_GUESTFS';
  const what = 'not all that the handle has started could be found and ended';
  if (code !== 'EMFILE' && code !== 'ENFILE')
    return new GuestfsError(`kill: ${what} (${code})`, { code, errno, operation: 'kill' });
  const limit = limitReached(code);
  return faultError('kill', { ...limit, advice: `${what}: ${limit.advice}` });
}

export function closedError(operation: string): GuestfsError {
  return new GuestfsError(`${operation}: the handle is closed; make a new Guestfs`, {
    code: 'ERR_GUESTFS_CLOSED',
    operation,
  });
}

/** A call failed that works on this machine: what a program said that libguestfs has run for it may tell more. */
export function hostFailed(
  error: GuestfsError,
  program: string | undefined,
  said: string,
  path?: string,
): GuestfsError {
  const { code, errno, operation } = error;
  const lines = printableLines(said);
  const remedy = faultIn(wordsOf(error, lines), path);
  if (remedy) return faultError(operation, remedy, error);
  if (lines.length === 0) return error;
  const message = withLines(withoutBoilerplate(error.message), `${program ?? 'It'} said`, lines);
  return new GuestfsError(message, { code, errno, operation, cause: error.cause });
}

/** What stands in the environment, or in the options of a handle, and cannot be. */
export function settingFailed(error: GuestfsError, isOfEnvironment: boolean): GuestfsError {
  const { operation, message } = error;
  const remedy = faultIn(message) ?? (isOfEnvironment ? refusedSetting(message) : undefined);
  return remedy ? faultError(operation, remedy, error) : error;
}

const seeDoctor = 'Run `npx guestfs doctor` to find out what is wrong with this machine.';

/** A launch that failed by itself. */
export function launchFailed(error: GuestfsError, consoleTail: string): GuestfsError {
  const { code, errno, operation } = error;
  if (isStateCode(code)) return new GuestfsError(error.message, { code, errno, operation });
  const remedy = faultIn(wordsOf(error, printableLines(consoleTail)));
  if (remedy) return faultError(operation, remedy, error, consoleTail);
  const message = withConsole(`${withoutBoilerplate(error.message)}\n${seeDoctor}`, consoleTail);
  return new GuestfsError(message, { code, errno, operation, cause: error });
}

/** libguestfs's words, and those of the programs that it ran. */
function wordsOf({ message }: GuestfsError, lines: readonly string[]): string {
  return [message, ...lines].join('\n');
}

/** A known fault of this machine or of an image: it says what to do. */
export function faultError(
  operation: string,
  { code, errno, advice }: Fault,
  cause?: unknown,
  consoleTail = '',
): GuestfsError {
  const number = errno ? constants.errno[errno] : cause instanceof GuestfsError ? cause.errno : 0;
  const message = withConsole(`${operation}: ${advice}`, consoleTail);
  return new GuestfsError(message, { code, errno: number, operation, cause });
}

/** libguestfs explains how to get its messages at length. */
function withoutBoilerplate(message: string): string {
  const found =
    /\s*(?:To see full error messages|This usually means the libguestfs appliance)[\s\S]*LIBGUESTFS_DEBUG=1[\s\S]*/;
  return message.replace(found, '\nRun it with LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1 to see more.');
}

/** The program itself has killed the appliance. */
export function terminatedError(operation: string, consoleTail: string, cause?: unknown): GuestfsError {
  return terminated(`${operation}: the appliance was terminated`, operation, consoleTail, cause);
}

/** The appliance has ended, and nobody had asked for it. */
export function diedError(operation: string, consoleTail: string, cause: unknown): GuestfsError {
  const why =
    causeOfDeath(printableLines(consoleTail).join('\n')) ??
    'its qemu has ended, or something on this machine has ended it (`dmesg` tells whether memory was short)';
  const message = `${operation}: the appliance has died: ${why}. What was not synced is lost; launch() starts it again, with its drives`;
  return terminated(message, operation, consoleTail, cause);
}

function terminated(message: string, operation: string, consoleTail: string, cause: unknown): GuestfsError {
  return new GuestfsError(withConsole(message, consoleTail), {
    code: 'ERR_GUESTFS_TERMINATED',
    operation,
    cause,
  });
}

/** qemu's remarks on the appliance's own disk say nothing of the program's. */
const aboutOverlay =
  /^\s*(WARNING: Image format was not specified for '.*\/overlay\d+\.qcow2'|Automatically detecting the format is dangerous|Specify the 'raw' format explicitly)/;

/** Adds the last lines of the appliance's console. */
export function withConsole(message: string, consoleTail: string): string {
  const lines = printableLines(consoleTail).filter((line) => !aboutOverlay.test(line));
  return withLines(message, "Last lines of the appliance's console", lines);
}

function withLines(message: string, whose: string, lines: readonly string[]): string {
  const shown = lines.slice(-8).map((line) => (line.length > 500 ? `${line.slice(0, 500)}…` : line));
  return shown.length === 0 ? message : `${message}\n${whose}:\n  ${shown.join('\n  ')}`;
}

/** `what` there is no memory for. */
export function noMemory(operation: string, what: string): GuestfsError {
  return new GuestfsError(`${operation}: there is no memory for ${what}`, {
    code: 'ENOMEM',
    errno: constants.errno.ENOMEM,
    operation,
  });
}
