import { invalidType, invalidValue } from '../faults/arguments';
import { type CheckedInspectOptions, checkRead, type InspectOptions } from '../inspect/options';
import { isArray, isObject, readOptions } from '../options/read';
import { nearest } from '../text/nearest';
import { checkExpectations, type Expectations } from './expect/expectations';
import { expectationRules } from './expect/rules';
import { type CheckSeverity, type Rule, severities } from './rule';
import { ownRules } from './rules';

/** Findings that are not told. */
export interface IgnoredFindings {
  /** Name of the rule. */
  readonly rule: string;
  /** Path of the guest, or of a folder with all that lies in it; `*` stands for anything but a slash. Default: all. */
  readonly path?: string | undefined;
}

/** Options of {@link check}. */
export interface CheckOptions
  extends Omit<InspectOptions, 'applications' | 'icon' | 'volumes' | 'usage' | 'times'> {
  /** Rules of the program's own, beside those that are always there. */
  readonly rules?: readonly Rule[] | undefined;
  /** Findings that are not told: names of rules, or rules with paths. */
  readonly ignore?: readonly (string | IgnoredFindings)[] | undefined;
  /** Severities of rules by their names, in the place of their own; `'off'` does not evaluate the rule. */
  readonly severities?: Readonly<Record<string, CheckSeverity | 'off'>> | undefined;
  /** Least severity that is told; default `'note'`: all. */
  readonly severity?: CheckSeverity | undefined;
  /** What the guest is expected to contain; what is otherwise is a finding. */
  readonly expect?: Expectations | undefined;
}

export interface CheckedOptions {
  readonly rules: readonly Rule[];
  readonly ignored: readonly IgnoredFindings[];
  readonly levels: ReadonlyMap<string, CheckSeverity | 'off'>;
  readonly least: CheckSeverity;
  readonly inspection: CheckedInspectOptions;
}

const operation = 'check';
const names = ['rules', 'ignore', 'severities', 'severity', 'expect'];

export function checkCheckOptions(options: CheckOptions): CheckedOptions {
  const { rules, ignore, severities: levels, severity, expect, ...others } = readOptions(operation, options);
  const inspection = checkRead(operation, others, names);
  const own = rules === undefined ? [] : checkRules(rules);
  const expected = expect === undefined ? [] : expectationRules(checkExpectations(expect));
  const all = [...ownRules, ...own, ...expected];
  const ids = all.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalidValue(operation, 'options.rules', `has two rules named ${twice}`);
  const chosen = checkLevels(levels, ids);
  return {
    rules: all.filter(({ id }) => chosen.get(id) !== 'off'),
    ignored: checkIgnored(ignore, ids),
    levels: chosen,
    least: severity === undefined ? 'note' : checkSeverity('options.severity', severity),
    inspection,
  };
}

function checkRules(rules: unknown): Rule[] {
  if (!isArray(rules)) throw invalidType(operation, 'options.rules', 'Array', rules);
  return [...rules].map((rule: unknown, index) => checkRule(rule, `options.rules[${index}]`));
}

/** A rule, of which every part is what it should be. */
export function checkRule(rule: unknown, name: string): Rule {
  if (!isObject(rule)) throw invalidType(operation, name, 'object', rule);
  const { id, severity, title, advice, help, check, checkGuest, trees, wants } = rule as Record<
    string,
    unknown
  >;
  for (const [key, value] of Object.entries({ id, title, advice, help }))
    if (typeof value !== 'string') throw invalidType(operation, `${name}.${key}`, 'string', value);
  if (!/^[a-z\d]+(?:[-/][a-z\d]+)*$/.test(id as string))
    throw invalidValue(operation, `${name}.id`, 'must consist of small letters, digits and hyphens');
  checkSeverity(`${name}.severity`, severity);
  if (check === undefined && checkGuest === undefined)
    throw invalidType(operation, `${name}.check`, 'function', check);
  for (const [key, value] of Object.entries({ check, checkGuest, wants }))
    if (value !== undefined && typeof value !== 'function')
      throw invalidType(operation, `${name}.${key}`, 'function', value);
  if (check !== undefined && !isArray(trees)) throw invalidType(operation, `${name}.trees`, 'Array', trees);
  return rule as unknown as Rule;
}

function checkSeverity(name: string, value: unknown): CheckSeverity {
  if (typeof value !== 'string') throw invalidType(operation, name, 'string', value);
  const known = severities.find((each) => each === value);
  if (!known) throw invalidValue(operation, name, `must be one of ${severities.join(', ')}`, value);
  return known;
}

function checkLevels(levels: unknown, ids: readonly string[]): Map<string, CheckSeverity | 'off'> {
  if (levels === undefined) return new Map();
  if (!isObject(levels)) throw invalidType(operation, 'options.severities', 'object', levels);
  return new Map(
    Object.entries(levels).map(([id, value]: [string, unknown]) => {
      checkId('options.severities', id, ids);
      return [id, value === 'off' ? value : checkSeverity(`options.severities.${id}`, value)];
    }),
  );
}

function checkIgnored(ignore: unknown, ids: readonly string[]): IgnoredFindings[] {
  if (ignore === undefined) return [];
  if (!isArray(ignore)) throw invalidType(operation, 'options.ignore', 'Array', ignore);
  return [...ignore].map((each: unknown, index) => {
    const name = `options.ignore[${index}]`;
    const { rule, path } = (typeof each === 'string' ? { rule: each } : isObject(each) ? each : {}) as Record<
      string,
      unknown
    >;
    if (typeof rule !== 'string') throw invalidType(operation, name, 'string or { rule, path }', each);
    if (path !== undefined && typeof path !== 'string')
      throw invalidType(operation, `${name}.path`, 'string', path);
    checkId(name, rule, ids);
    return { rule, path };
  });
}

/** A rule that is not there is a slip of the pen: what was to be ignored would be told, or the other way round. */
function checkId(name: string, id: string, ids: readonly string[]): void {
  if (ids.includes(id)) return;
  const closest = nearest(id, ids);
  const hint = closest === undefined ? '' : `; did you mean ${closest}?`;
  throw invalidValue(operation, name, `names the rule ${id}, which is not there${hint}`, id);
}
