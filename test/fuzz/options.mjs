// Options objects of all kinds, and what the library must make of them.
import fc from 'fast-check';
import { anything, typed, undefinedValue, Value } from './values/index.mjs';
import { judge, TYPE, VALUE } from './verdicts.mjs';

/** Names that no function has an option of, and that objects may be sensitive about. */
const strangeNames = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', '0', '-1', ''],
  ...[
    'Signal',
    'onprogress',
    'READONLY',
    'readOnly',
    'timeOut',
    'a\0b',
    'readonly\0',
    '\ud800',
    '\udc80',
    'é',
  ],
  'x'.repeat(100_000),
];

/** The ways in which an options object can be made of its entries. */
const shapes = {
  '': (entries) => Object.fromEntries(entries),
  'without a prototype ': (entries) => Object.assign(Object.create(null), Object.fromEntries(entries)),
  'frozen ': (entries) => Object.freeze(Object.fromEntries(entries)),
  'inherited ': (entries) => Object.create(Object.fromEntries(entries)),
  'a proxy of ': (entries) => new Proxy(Object.fromEntries(entries), {}),
  'with getters that throw when read again ': readOnce,
  'with what is no option ': (entries) =>
    Object.defineProperty({ ...Object.fromEntries(entries), [Symbol('x')]: 5 }, 'hidden', { value: 5 }),
};

function readOnce(entries) {
  const options = {};
  for (const [name, value] of entries) {
    let reads = 0;
    const get = () => {
      if (reads++ > 0) throw new Error(`${name} was read again`);
      return value;
    };
    Object.defineProperty(options, name, { get, enumerable: true });
  }
  return options;
}

function optionsValue([shape, entries]) {
  const shown = entries.map(([name, value]) => `${JSON.stringify(name.slice(0, 20))}: ${value}`);
  let contents = [];
  const make = () => {
    contents = entries.map(([name, value]) => [name, value.make()]);
    return shapes[shape](contents);
  };
  const meddle = (options) => {
    for (const [i, [, value]] of entries.entries()) value.meddle(contents[i][1]);
    if (shape === '') for (const name of Object.keys(options)) options[name] = 'meddled';
  };
  return new Value(`${shape}{${shown.join(', ')}}`, { is: 'options', entries }, make, meddle);
}

export const good = (kind) => typed[kind].filter((value) => !judge(kind, value).code);
const bad = (kind) => fc.oneof(anything, typed[kind]).filter((value) => Boolean(judge(kind, value).code));

/** Mostly good: of `count` such values at once, about every second time all are good. */
export function mostlyGood(kind, count) {
  const share = Math.round(1000 * 0.5 ** (1 / count));
  return fc.oneof({ weight: share, arbitrary: good(kind) }, { weight: 1000 - share, arbitrary: bad(kind) });
}

/**
 * Options for something that has options of its own and some that many have: lists of names and their kinds. Often
 * there are none, now and then it is something else than options.
 */
export function optionsOf(own, common = []) {
  const known = new Set([...own, ...common].map(([name]) => name));
  const entry = ([name, kind]) => mostlyGood(kind, 3).map((value) => [name, value]);
  const strange = fc
    .constantFrom(...strangeNames)
    .filter((name) => !known.has(name))
    .chain((name) => anything.map((value) => [name, value]));
  const anyOf = (weight, kinds) =>
    kinds.length > 0 ? [{ weight, arbitrary: fc.oneof(...kinds.map(entry)) }] : [];
  const entries = fc.uniqueArray(
    fc.oneof(...anyOf(10, own), ...anyOf(3, common), { weight: 1, arbitrary: strange }),
    { selector: ([name]) => name, maxLength: 4 },
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefinedValue) },
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...Object.keys(shapes)), entries).map(optionsValue) },
    { weight: 1, arbitrary: anything },
  );
}

/** Objects that may have no property that could be an option. */
const mayCountAsOptions = new Set([
  ...['thing', 'detached', 'signal', 'broken signal'],
  ...['source', 'target', 'duplex', 'broken stream'],
]);

/**
 * `codes`: those with which the options may be refused; `mayPass`: whether they may count as options; `accepted`: what
 * each good option is to the library.
 */
export function judgeOptions(known, { nature }) {
  const codes = new Set();
  const accepted = new Map();
  if (nature.is === 'undefined') return { codes, accepted, mayPass: true };
  if (nature.is !== 'options') {
    return { codes: codes.add(TYPE).add(VALUE), accepted, mayPass: mayCountAsOptions.has(nature.is) };
  }
  const kinds = new Map(known);
  for (const [name, value] of nature.entries) {
    if (value.nature.is === 'undefined') continue;
    const judged = kinds.has(name) ? judge(kinds.get(name), value) : { code: VALUE };
    refuse(codes, judged);
    if (!judged.code) accepted.set(name, judged);
  }
  return { codes, accepted, mayPass: codes.size === 0 };
}

/** Adds the codes of a refusal. */
export function refuse(codes, { code, orCode }) {
  if (code) codes.add(code);
  if (orCode) codes.add(orCode);
}
