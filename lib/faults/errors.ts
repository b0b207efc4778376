// The errors that the facade makes of what libguestfs, its programs and the appliance say.
import { constants } from 'node:os';
import { printableLines } from '../text/lines';
import { type Fault, limitReached, refusedSetting } from './faults';
import { errorFor, type Failed, GuestfsError, wordsOf } from './guestfs-error';
import { beforeKernel, causeOfDeath } from './kernel-words';
import type { Failure, Unrepresentable } from './native-problem';
import { isStateCode, stateIn } from './states';
import {
  explanationIn,
  faultIn,
  isAboutOverlay,
  missingFeatureIn,
  tellsUnknownOption,
  tooLargeMessage,
  unknownFilesystemIn,
  withoutHints,
} from './words';

export {
  AbortError,
  errorFor,
  type Failed,
  faultOf,
  GuestfsError,
  inNames,
  isUnwanted,
  type OptionNames,
  tell,
  wordsOf,
} from './guestfs-error';

const errnoNames = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  if (!errnoNames.has(number)) errnoNames.set(number, name);
}

/** What is known of a call beyond its name. */
export interface CallFacts {
  /** Options of the call that came later than its function: `format came with version 1.2.3`. */
  readonly laterOptions?: readonly string[] | undefined;
  /** Methods that take any size, where a message of this one would be too large. */
  readonly instead?: readonly string[] | undefined;
}

export function callFailed(
  operation: string,
  failure: Failure,
  cause?: unknown,
  { laterOptions = [], instead = [] }: CallFacts = {},
): GuestfsError {
  const { errno, message } = failure;
  const state = stateIn(failure);
  if (state) {
    const { code, problem, advice: hint } = state;
    return errorFor({ code, errno, operation, cause, problem, hint });
  }
  if (tellsUnknownOption(message)) {
    if (laterOptions.length > 0) {
      return tooOld(operation, `option ${laterOptions.join(', option ')}`, { errno, cause });
    }
    const code = 'ERR_GUESTFS_UNSUPPORTED';
    return errorFor({ code, errno, operation, cause, problem: withoutHints(message), unnamed: true });
  }
  const tooLarge = tooLargeMessage(message);
  if (tooLarge) return messageTooLarge(operation, tooLarge, instead, { errno, cause });
  const filesystem = unknownFilesystemIn(message);
  if (filesystem !== undefined) return withoutDriver(operation, filesystem, { errno, cause });
  const code = errnoNames.get(errno) ?? 'ERR_GUESTFS';
  const feature = missingFeature(failure);
  return feature === undefined
    ? errorFor({ code, errno, operation, cause, problem: withoutHints(message), unnamed: true })
    : errorFor({ code, errno, operation, cause, ...lacking(feature) });
}

/** Error of a mount for which the kernel that the appliance has of this machine lacks what it takes. */
function withoutDriver(
  operation: string,
  filesystem: string,
  details: { errno: number; cause: unknown },
): GuestfsError {
  return errorFor({
    ...details,
    ...{ code: 'ERR_GUESTFS_FILESYSTEM', operation },
    problem: `the kernel of libguestfs's appliance has no driver for filesystems of the type ${filesystem}: what is in it could not be looked at`,
    hint: 'The appliance has the kernel of this machine: use one whose kernel has that driver (Ubuntu has some apart, as linux-modules-extra), or name another kernel by SUPERMIN_KERNEL and SUPERMIN_MODULES',
  });
}

/** Error of a call of which an answer, or arguments, are larger than libguestfs's protocol allows. */
function messageTooLarge(
  operation: string,
  what: 'answer' | 'arguments',
  instead: readonly string[],
  details: { errno: number; cause: unknown },
): GuestfsError {
  const [is, more] = what === 'answer' ? ['is', 'Ask for less at a time'] : ['are', 'Pass less at a time'];
  const methods = instead.map((method) => `${method}()`).join(' or ');
  return errorFor({
    ...details,
    ...{ code: 'ERR_GUESTFS_MESSAGE_TOO_LARGE', operation },
    problem: `the ${what} ${is} larger than a message of libguestfs can be, 4 MiB`,
    hint: methods ? `${more}, or use ${methods}, which takes any size` : more,
  });
}

/** Error of a write into a guest's filesystem that is full, or beyond the end of a device, of which libguestfs lost the errno. */
export function outOfSpace(operation: string, error: GuestfsError, place: string): GuestfsError {
  return errorFor({
    ...{ code: 'ENOSPC', errno: constants.errno.ENOSPC, operation, cause: error },
    problem: `No space left on device: not all could be written to ${place}`,
    hint: 'Make space in the guest, and write it again: a part may be there now',
  });
}

/** Error of a call for which libguestfs is too old: `what` came with a later version. */
export const tooOld = (operation: string, what: string, details: { errno?: number; cause?: unknown } = {}) =>
  errorFor({
    ...details,
    ...{ code: 'ERR_GUESTFS_UNSUPPORTED', operation },
    problem: `the libguestfs on this machine is too old; ${what}`,
  });

/** The feature group that the appliance lacks, where that is why a call failed. */
function missingFeature({ errno, message }: Failure): string | undefined {
  const isUnsupported = errno === constants.errno.ENOTSUP || errno === constants.errno.EOPNOTSUPP;
  return isUnsupported ? missingFeatureIn(message) : undefined;
}

const lacking = (feature: string) => ({
  problem: `this appliance lacks the feature group '${feature}'`,
  joint: '. ',
  hint: `libguestfs takes the tools for it from packages of this machine (Debian and Ubuntu have some apart, as libguestfs-xfs): install them and launch again. featureAvailable(['${feature}']) tells whether a group is there`,
});

/** Error of a call whose result is there, but JavaScript cannot have it. */
export function unrepresentable(operation: string, result: Unrepresentable): GuestfsError {
  const { reason, type, length, cause } = result;
  switch (reason) {
    case 'length': {
      const units = { array: 'elements', Map: 'entries', string: 'bytes', Buffer: 'bytes', '': '' };
      const problem = `the result does not fit into a JavaScript ${type}: it has ${length} ${units[type]}`;
      return errorFor({ code: 'ERR_STRING_TOO_LONG', operation, problem });
    }
    case 'memory':
      return noMemory(operation, 'the result');
    case 'exception': {
      const problem = 'the result could not be made into a JavaScript value';
      return errorFor({ code: 'ERR_GUESTFS', operation, problem, cause });
    }
  }
}

/** Error of a `kill()` that has not reached all processes of the handle. */
export function killMissed(errno: number): GuestfsError {
  const code = errnoNames.get(errno) ?? 'ERR_GUESTFS';
  const what = 'not all that the handle has started could be found and ended';
  if (code !== 'EMFILE' && code !== 'ENFILE')
    return errorFor({ code, errno, operation: 'kill', problem: `${what} (${code})` });
  const limit = limitReached(code);
  return faultError('kill', { ...limit, problem: `${what}: ${limit.problem}` });
}

export function closedError(operation: string): GuestfsError {
  const problem = 'the handle is closed';
  return errorFor({
    ...{ code: 'ERR_GUESTFS_CLOSED', operation },
    ...{ problem, joint: '; ', hint: 'make a new Guestfs' },
  });
}

/** Error of a call that works on this machine: what a program said that libguestfs has run for it may tell more. */
export function hostFailed(
  error: GuestfsError,
  program: string | undefined,
  said: string,
  path?: string,
): GuestfsError {
  const { code, errno, operation, cause } = error;
  const fault = faultIn({ message: wordsOf(error), said, path });
  if (fault) return faultError(operation, fault, error);
  const lines = printableLines(said);
  if (lines.length === 0) return error;
  return errorFor({
    ...{ code, errno, operation, cause, unnamed: true },
    ...explained(error),
    said: { whose: `${program ?? 'It'} said`, lines },
  });
}

/** Error of a setting that stands in the environment, or in the options of a handle, and cannot be. */
export function settingFailed(error: GuestfsError, isOfEnvironment: boolean): GuestfsError {
  const { operation } = error;
  const message = wordsOf(error);
  const fault = faultIn({ message }) ?? (isOfEnvironment ? refusedSetting(message) : undefined);
  return fault ? faultError(operation, fault, error) : error;
}

/** Where to find out more of errors of which nothing is known. */
export const seeDoctor = 'Run `npx guestfs doctor` to find out what is wrong with this machine.';
const seeMore = 'Run it with LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1 to see more.';

/** libguestfs's words, with its lengthy way of saying how to see more of them in one line. */
function explained({ message }: GuestfsError) {
  const { problem, isExplained } = explanationIn(message);
  return { problem, joint: '\n', hint: isExplained ? seeMore : undefined };
}

/** Error of a launch that failed by itself; `images` are the paths of the drives' images. */
export function launchFailed(
  error: GuestfsError,
  consoleTail: string,
  images?: readonly string[],
): GuestfsError {
  const { code, errno, operation } = error;
  // The stack of another one ends before the caller's line.
  if (isStateCode(code)) {
    const { message, shortMessage, hint } = error;
    return new GuestfsError(message, { code, errno, operation, shortMessage, hint });
  }
  const said = beforeKernel(consoleTail);
  const fault = faultIn({ message: wordsOf(error), said, isCut: isCut(consoleTail), images });
  if (fault) return faultError(operation, fault, error, consoleTail);
  return errorFor({
    ...{ code, errno, operation, cause: error, unnamed: true },
    ...{ ...explained(error), more: seeDoctor },
    said: consoleOf(consoleTail),
  });
}

/** Bytes of the console that the addon keeps: src-native/console_tail.h. */
const keptConsole = 16 * 1024;

/** Whether the beginning of the console may be missing. */
function isCut(consoleTail: string): boolean {
  return Buffer.byteLength(consoleTail) > keptConsole - 8;
}

/** Error of a known fault of this machine or of an image. */
export function faultError(operation: string, fault: Fault, cause?: unknown, consoleTail = ''): GuestfsError {
  const { code, errno, problem, advice: hint } = fault;
  const number = errno ? constants.errno[errno] : cause instanceof GuestfsError ? cause.errno : 0;
  const said = consoleOf(consoleTail);
  return errorFor({ code, errno: number, operation, cause, problem, hint, said, fault });
}

/** Error of a call whose appliance the program itself has killed. */
export function terminatedError(operation: string, consoleTail: string, cause?: unknown): GuestfsError {
  const problem = 'the appliance was terminated';
  return errorFor({
    ...{ code: 'ERR_GUESTFS_TERMINATED', operation, cause, killed: true },
    ...{ problem, said: consoleOf(consoleTail) },
  });
}

/** Error of a call whose appliance has ended, though nobody had asked for it. */
export function diedError(operation: string, consoleTail: string, cause: unknown): GuestfsError {
  const why =
    causeOfDeath(consoleTail) ??
    'its qemu has ended, or something on this machine has ended it (`dmesg` tells whether memory was short)';
  return errorFor({
    ...{ code: 'ERR_GUESTFS_TERMINATED', operation, cause },
    problem: `the appliance has died: ${why}. What was not synced is lost`,
    ...{ joint: '; ', hint: 'launch() starts it again, with its drives' },
    said: consoleOf(consoleTail),
  });
}

/** The last lines of the appliance's console; qemu's remarks on the appliance's own disk say nothing of the program's. */
export function consoleOf(consoleTail: string): NonNullable<Failed['said']> {
  const lines = printableLines(consoleTail).filter((line) => !isAboutOverlay(line));
  return { whose: "Last lines of the appliance's console", lines };
}

export function noMemory(operation: string, what: string): GuestfsError {
  const problem = `there is no memory for ${what}`;
  return errorFor({ code: 'ENOMEM', errno: constants.errno.ENOMEM, operation, problem });
}
