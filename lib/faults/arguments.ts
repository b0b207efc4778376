import { inspect } from 'node:util';
import { nearest } from '../text/nearest';
import { unseen } from '../text/printable';
import { closedError, noMemory } from './errors';
import type { ArgumentProblem } from './native-problem';

export function coded<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code });
}

export function invalidType(
  operation: string,
  argument: string,
  expected: string,
  received: unknown,
): TypeError {
  const what =
    typeof received === 'object' && received !== null
      ? `an instance of ${className(received)}`
      : brief(received);
  return coded(
    new TypeError(`${operation}: the "${argument}" argument must be of type ${expected}. Received ${what}`),
    'ERR_INVALID_ARG_TYPE',
  );
}

export function invalidValue(operation: string, argument: string, why: string, cause?: unknown): TypeError {
  const error = new TypeError(
    `${operation}: the "${argument}" argument ${why}`,
    cause === undefined ? undefined : { cause },
  );
  return coded(error, 'ERR_INVALID_ARG_VALUE');
}

export function outOfRange(
  operation: string,
  argument: string,
  expected: string,
  received: unknown,
): RangeError {
  return coded(
    new RangeError(
      `${operation}: the "${argument}" argument must be ${expected}. Received ${brief(received)}`,
    ),
    'ERR_OUT_OF_RANGE',
  );
}

/** Name of an object's class, as the object says itself: it may say anything, or throw. */
function className(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' ? visible(shortened(name)) : 'Object';
  } catch {
    return 'Object';
  }
}

export function brief(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return visible(inspect(shortened(value)));
    case 'function':
      return 'a function';
    case 'bigint':
      return BigInt.asIntN(128, value) === value ? inspect(value) : 'a bigint of more than 128 bits';
    case 'symbol':
      return visible(shortened(inspect(value)));
    default:
      return typeof value === 'object' && value !== null ? className(value) : inspect(value);
  }
}

/** Text in which unseen characters are written as `inspect` writes control characters. */
function visible(text: string): string {
  return text.replace(unseen, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

export function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

export const ranges: Record<string, string> = {
  int32: 'an integer >= -2147483648 and <= 2147483647',
  int64: 'an integer >= -2^63 and < 2^63',
  'safe integer': 'an integer that a number holds exactly; use a bigint beyond Number.MAX_SAFE_INTEGER',
};

/** The error for arguments that the addon refused. */
export function argumentError(
  operation: string,
  problem: ArgumentProblem,
  knownOptions: readonly string[],
): Error {
  const argument = problem.element >= 0 ? `${problem.argument}[${problem.element}]` : problem.argument;
  switch (problem.reason) {
    case 'type':
      return invalidType(operation, argument, problem.expected, problem.value);
    case 'integer':
    case 'range':
      return outOfRange(operation, argument, ranges[problem.expected] ?? problem.expected, problem.value);
    case 'nul':
      return invalidValue(operation, argument, 'must not contain a NUL character');
    case 'surrogate':
      return invalidValue(operation, argument, 'contains a lone surrogate that stands for no byte');
    case 'detached':
      return invalidValue(operation, argument, 'is a detached buffer');
    case 'throws':
      return invalidValue(operation, argument, 'could not be read', problem.value);
    case 'memory':
      return noMemory(operation, `a copy of the "${argument}" argument`);
    case 'closed':
      return closedError(operation);
    case 'unknown':
      return unknownOption(operation, problem.argument, knownOptions);
  }
}

export function unknownOption(operation: string, name: string, known: readonly string[]): TypeError {
  const closest = nearest(name, known);
  const hint = closest
    ? `; did you mean "${closest}"?`
    : known.length > 0
      ? `; it knows ${known.join(', ')}`
      : '';
  const error = new TypeError(`${operation}: unknown option ${brief(name)}${hint}`);
  return coded(error, 'ERR_INVALID_ARG_VALUE');
}
