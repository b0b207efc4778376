import { parseArgs } from 'node:util';
import { isWindowsPath } from '../guests/windows-names';
import { nearest } from '../text/nearest';
import { type Description, type Operand, type Option, UsageError } from './command';

/** Option that every command has. */
const helpOption: Option = { name: 'help', about: 'Show this help' };

/** A command line, checked against the command's description. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #command: string;
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(command: string, operands: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.#command = command;
    this.operands = operands;
    this.#values = values;
  }

  has(option: string): boolean {
    return this.#values.has(option);
  }

  values(option: string): readonly string[] {
    return this.#values.get(option) ?? [];
  }

  /** Value of an option; the last one counts. */
  value(option: string): string | undefined {
    return this.values(option).at(-1);
  }

  /** Value of an option that is a positive whole number. */
  count(option: string): number | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw this.wrong(`--${option} must be a positive whole number`);
  }

  /** Value of an option that is a number of seconds, in milliseconds. */
  milliseconds(option: string): number | undefined {
    const text = this.value(option);
    if (text === undefined) return undefined;
    const value = Number(text) * 1000;
    if (value > 0 && value < 2 ** 31) return value;
    throw this.wrong(`--${option} must be a positive number of seconds`);
  }

  wrong(message: string): UsageError {
    return new UsageError(`${this.#command}: ${message}`);
  }
}

/** @throws UsageError */
export function parseArguments(description: Description, args: readonly string[]): Arguments {
  const { options, operands } = split(description, args);
  const wrong = (message: string) => new UsageError(`${description.name}: ${message}`);
  const values = new Map<string, string[]>();
  for (const { option, rawName, value, isInline } of options) {
    if (!option) throw wrong(unknown(rawName, description));
    const { name, choices } = option;
    if (!takesValue(option)) {
      if (isInline) throw wrong(`--${name} takes no value`);
    } else if (!value) throw wrong(`${rawName} needs a value, ${option.value}`);
    else if (choices && !choices.includes(value)) {
      throw wrong(`--${name} must be one of ${choices.join(', ')}${suggestion(value, choices)}`);
    }
    const given = values.get(name) ?? [];
    values.set(name, value === undefined ? given : [...given, value]);
  }
  const domains = values.get('domain') ?? [];
  if (domains.length > 1 && !description.operands[0]?.repeated) throw wrong('--domain names one guest');
  const all = [...domains.map((name) => `domain:${name}`), ...operands];
  const problem = values.has('help') ? undefined : operandProblem(description.operands, all);
  if (problem !== undefined) throw wrong(problem);
  return new Arguments(description.name, all, values);
}

/** Whether the help is asked for, be the rest right or wrong. */
export function wantsHelp(description: Description, args: readonly string[]): boolean {
  const { options } = split(description, args);
  return options.some(({ option, rawName }) => option?.name === 'help' || (!option && rawName === '-h'));
}

export function optionsOf({ options }: Description): readonly Option[] {
  return [...options, helpOption];
}

export function takesValue({ value }: Option): boolean {
  return value !== undefined;
}

interface Given {
  readonly option: Option | undefined;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly isInline: boolean;
}

/** Not strict: what is wrong is told in our own words. */
function split(description: Description, args: readonly string[]): { options: Given[]; operands: string[] } {
  const known = new Map(optionsOf(description).map((option) => [option.name, option]));
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      [...known].map(([name, option]) => [
        name,
        {
          type: takesValue(option) ? ('string' as const) : ('boolean' as const),
          ...(option.short === undefined ? {} : { short: option.short }),
        },
      ]),
    ),
  });
  const options: Given[] = [];
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    else if (token.kind === 'option') {
      const { name, rawName, value, inlineValue } = token;
      options.push({ option: known.get(name), rawName, value, isInline: inlineValue === true });
    }
  }
  return { options, operands };
}

function unknown(rawName: string, description: Description): string {
  const names = optionsOf(description).map(({ name }) => `--${name}`);
  return `there is no option ${rawName}${rawName.startsWith('--') ? suggestion(rawName, names) : ''}`;
}

/** The known name that may have been meant. */
export function suggestion(name: string, known: readonly string[]): string {
  const closest = nearest(name, known);
  return closest === undefined ? '' : `; did you mean ${closest}?`;
}

function operandProblem(expected: readonly Operand[], given: readonly string[]): string | undefined {
  const needed = expected.filter(({ optional }) => !optional);
  const missing = needed[given.length];
  if (missing) return `${/^[AEIOU]/.test(missing.name) ? 'an' : 'a'} ${missing.name} is missing`;
  const most = expected.some(({ repeated }) => repeated) ? Number.POSITIVE_INFINITY : expected.length;
  if (given.length > most) return `there is nothing to be done with the argument '${given[most]}'`;
  for (const [{ name, choices, guestPath }, value] of assigned(expected, given)) {
    if (value === '') return `${name} is empty`;
    if (guestPath && !value.startsWith('/') && !isWindowsPath(value))
      return `${name} must begin with /, or as on Windows with C:\\: it is a path of the guest`;
    if (choices && !choices.includes(value)) {
      return `${name} must be one of ${choices.join(', ')}${suggestion(value, choices)}`;
    }
  }
  return undefined;
}

/** Which operand each argument is: those behind the repeated one are the last. */
function assigned(expected: readonly Operand[], given: readonly string[]): [Operand, string][] {
  const repeated = expected.findIndex((each) => each.repeated);
  const behind = repeated < 0 ? 0 : expected.length - repeated - 1;
  return given.map((value, index) => {
    const fromEnd = given.length - index;
    const isBehind = repeated >= 0 && fromEnd <= behind;
    const at = isBehind ? expected.length - fromEnd : Math.min(index, repeated < 0 ? index : repeated);
    return [expected[at] as Operand, value];
  });
}
