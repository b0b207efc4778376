// Between the values of JavaScript and those of the addon, as the description of a function says.
import { argumentError, invalidValue } from '../faults/arguments';
import type { ArgumentProblem } from '../faults/native-problem';
import type { NumberedFunction } from '../native/addon';
import { facadeOptions, type SplitOptions } from '../options/read';
import { sourceTransfer, type Transfer, targetTransfer } from '../streams/transfer';
import type { FileSource, FileTarget } from '../streams/types';

/** The options of a call that the library may lack though it has the function. */
export function laterOptions(fn: NumberedFunction, { names, values }: SplitOptions): string[] {
  const given = names.filter((_, i) => values[i] !== undefined);
  return given.flatMap((name) => {
    const since = fn.optionsSince[fn.options.indexOf(name)];
    return since ? [`${name} came with version ${since}`] : [];
  });
}

/** The arguments for the addon where a stream stands in the place of a file. */
export function withoutFile({ fileIn, fileOut }: NumberedFunction, args: readonly unknown[]): unknown[] {
  return args.map((value, i) => (i === fileIn || i === fileOut ? null : value));
}

/** The stream in the place of the call's file on the host, if there is one. */
export function transferOf(fn: NumberedFunction, args: readonly unknown[]): Transfer | undefined {
  const { fileIn, fileOut } = fn;
  if (fileIn < 0 && fileOut < 0) return undefined;
  const argument = (place: number) => fn.arguments[place] ?? '';
  const source = fileIn >= 0 && sourceTransfer(fn.name, argument(fileIn), args[fileIn] as FileSource);
  const target = fileOut >= 0 && targetTransfer(fn.name, argument(fileOut), args[fileOut] as FileTarget);
  return source || target || undefined; // no function has both
}

/**
 * Checks the words of options that libguestfs does not check in time.
 *
 * @throws TypeError
 */
export function checkChoices({ name, choices }: NumberedFunction, { names, values }: SplitOptions): void {
  for (const [option, words] of Object.entries(choices ?? {})) {
    const value = values[names.indexOf(option)];
    if (typeof value === 'string' && !words.includes(value)) {
      throw invalidValue(name, option, `must be one of ${words.join(', ')}`);
    }
  }
}

/** The error for arguments that the addon has refused. */
export function refused(fn: NumberedFunction, problem: ArgumentProblem): Error {
  return argumentError(fn.name, problem, [...fn.options, ...facadeOptions(fn.fileOut >= 0)]);
}

/** The value for the program. */
export function resultOf(fn: NumberedFunction, value: unknown): unknown {
  return fn.returnsMap ? toMap(value as string[]) : value;
}

/** Keys and values alternate, in libguestfs's order. */
function toMap(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(flat[i] as string, flat[i + 1] as string);
  return map;
}
