import { type Observable, observe } from '../calls/operations';
import { invalidType, invalidValue, outOfRange, unknownOption } from '../faults/arguments';
import { isBranded } from '../faults/brand';
import { reading, readSettings } from '../options/read';
import { ciSystems, ciVariables } from '../text/ci/systems';
import { colourVariables } from '../text/colour';
import { estimateVariables } from './durations';
import { taskbarVariables } from './taskbar';

/**
 * Format in which progress is shown: `'bar'` for a terminal, `'text'` for a log (a line now and then), `'json'` for
 * programs (a line an event), `'none'`; `'auto'` takes the bar on a terminal, and text in CI, in a pipe and on a dumb
 * terminal.
 */
export type ProgressFormat = 'auto' | 'bar' | 'text' | 'json' | 'none';

/**
 * System whose log `'text'` is for: its lines are folded into groups, its bar moves, failures are annotations, as the
 * system can; `'plain'` for Jenkins and others: nothing but lines. `'auto'` takes the one in whose job the program runs.
 */
export type ProgressCi = 'auto' | 'github' | 'gitlab' | 'azure' | 'buildkite' | 'teamcity' | 'plain';

/** Options of a {@link ProgressReporter}. */
export interface ProgressReporterOptions {
  /** Format; default `'auto'`. */
  readonly format?: ProgressFormat | undefined;
  /** Stream to write to; default `process.stderr`, so that results on `process.stdout` stay clean. */
  readonly stream?: NodeJS.WritableStream | undefined;
  /** System whose log it is; default `'auto'`. Another one also makes `'text'` of the format `'auto'`. */
  readonly ci?: ProgressCi | undefined;
  /** Whether a failed operation is an annotation, where the `ci` has such; default true. */
  readonly annotations?: boolean | undefined;
  /**
   * Whether a bar also moves the terminal's taskbar or tab (OSC 9;4); default: where the terminal is known to have that,
   * and as `GUESTFS_TASKBAR` says, `0` or `1`.
   */
  readonly taskbar?: boolean | undefined;
  /** Milliseconds between two lines of `'text'` about one operation, news or not, more than 0; default 10000. */
  readonly interval?: number | undefined;
  /** Text before the name of each operation, for instance the name of an image; not part of `'json'`. Default: none. */
  readonly label?: string | undefined;
  /**
   * Environment that is searched for `CI`, `TERM`, `NO_COLOR`, `FORCE_COLOR`, `CLICOLOR`, the variables by which systems that run jobs are known,
   * `GITHUB_STEP_SUMMARY`, `GUESTFS_ESTIMATES`, and, for the folder in which durations are remembered, `XDG_CACHE_HOME`
   * and `HOME`; default `process.env`.
   */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Clock, in milliseconds since 1970; default: the time of day, but never set back. */
  readonly now?: (() => number) | undefined;
}

/** Options of {@link ProgressReporter.attach}. */
export interface AttachOptions {
  /** Text before the names of this handle's operations, instead of the reporter's label; a member of `'json'`, too. */
  readonly label?: string | undefined;
  /**
   * Another attached handle, while a call of which this one's run: in `'json'` its call is their `parent`.
   */
  readonly parent?: Observable | undefined;
}

const formats: readonly unknown[] = ['auto', 'bar', 'text', 'json', 'none'] satisfies ProgressFormat[];

const optionTypes: ReadonlyMap<string, string> = new Map([
  ['format', 'string'],
  ['ci', 'string'],
  ['annotations', 'boolean'],
  ['taskbar', 'boolean'],
  ['stream', 'object'],
  ['interval', 'number'],
  ['label', 'string'],
  ['env', 'object'],
  ['now', 'function'],
] satisfies [keyof ProgressReporterOptions, string][]);

const operation = 'ProgressReporter';

/** The options, each read once and checked. */
export function checkReporterOptions(options: ProgressReporterOptions): ProgressReporterOptions {
  const checked: ProgressReporterOptions = readSettings(operation, options);
  for (const [name, value] of Object.entries(checked)) {
    const expected = optionTypes.get(name);
    if (expected === undefined) throw unknownOption(operation, name, [...optionTypes.keys()]);
    const matches = typeof value === expected && value !== null;
    if (!matches) throw invalidType(operation, `options.${name}`, expected, value);
  }
  const { format, ci, stream, interval, env } = checked;
  if (format !== undefined && !formats.includes(format)) {
    throw invalidValue(operation, 'options.format', `must be one of ${formats.join(', ')}`);
  }
  if (ci !== undefined && !['auto', ...ciSystems].includes(ci)) {
    throw invalidValue(operation, 'options.ci', `must be one of auto, ${ciSystems.join(', ')}`);
  }
  if (interval !== undefined && !(interval > 0)) {
    throw outOfRange(operation, 'options.interval', 'a positive number of milliseconds', interval);
  }
  if (stream !== undefined && !isStream(stream)) {
    throw invalidType(operation, 'options.stream', 'Writable', stream);
  }
  return env === undefined ? checked : { ...checked, env: readVariables(env) };
}

export function checkAttachOptions(options: AttachOptions | undefined): AttachOptions {
  const { label, parent, ...others } = readSettings('attach', options);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw unknownOption('attach', unknown, ['label', 'parent']);
  if (label !== undefined && typeof label !== 'string') {
    throw invalidType('attach', 'options.label', 'string', label);
  }
  if (parent !== undefined && !isObservable(parent)) {
    throw notObservable('options.parent', parent);
  }
  return { label, parent };
}

function isStream(value: object): boolean {
  const methods = ['write', 'on', 'off'];
  return reading(operation, 'options.stream', () =>
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  );
}

const variables: readonly string[] = [
  ...ciVariables,
  ...colourVariables,
  ...taskbarVariables,
  ...estimateVariables,
];

/** Variables that matter, as the texts that variables are. */
function readVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return reading(operation, 'options.env', () =>
    Object.fromEntries(
      variables.map((name) => [name, env[name]] as const).map(([name, value]) => [name, value && `${value}`]),
    ),
  );
}

export function isObservable(value: unknown): value is Observable {
  if (typeof value !== 'object' || value === null) return false;
  return reading('attach', 'handle', () => typeof (value as Partial<Observable>)[observe] === 'function');
}

/** Why a handle cannot be attached. */
export function notObservable(argument: string, value: unknown): TypeError {
  if (!reading('attach', argument, () => isBranded(value, 'guestfs.Guestfs')))
    return invalidType('attach', argument, 'Guestfs', value);
  const why = 'is a handle of another version of the package: make both of one (`npm ls guestfs` shows them)';
  return invalidValue('attach', argument, why);
}
