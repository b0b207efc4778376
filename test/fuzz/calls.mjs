// Calls of libguestfs's functions with all kinds of arguments, and what must come of them.
import fc from 'fast-check';
import { judgeOptions, mostlyGood, optionsOf, refuse } from './options.mjs';
import { anything, aText, typed, undefinedValue } from './values/index.mjs';
import { addWords, judge } from './verdicts.mjs';

/** Of every call, each with the name of its kind. */
export const ourOptions = ['signal', 'onProgress', 'killOnAbort'].map((name) => [name, name]);

const writesFile = (fn) => fn.args.some(({ subtype }) => subtype === 'FileOut');
const readsFile = (fn) => fn.args.some(({ subtype }) => subtype === 'FileIn');
const ownOptions = (fn) =>
  fn.options.map(({ name, kind }) => [name, fn.choices?.[name] ? kindOfWords(fn.choices[name]) : kind]);
const commonOptions = (fn) => (writesFile(fn) ? [...ourOptions, ['keepPartial', 'keepPartial']] : ourOptions);

/** What kind of values an argument takes: its own or a narrower one. */
export function kindOf({ kind, subtype, min }) {
  if (min === 0) return 'Natural';
  return subtype === 'FileIn' || subtype === 'FileOut' ? subtype : kind;
}

/** The kind of an option that takes only some words. */
function kindOfWords(words) {
  const kind = words.join(' or ');
  typed[kind] ??= fc.oneof(fc.constantFrom(...words).map(aText), typed.String);
  addWords(kind, words);
  return kind;
}

/** A call that is yet to be made. */
class Call {
  #kinds;
  #values;
  #made = [];

  /** @param kinds - of the arguments */
  constructor(fn, kinds, args, options, missing, extra) {
    this.fn = fn;
    this.#kinds = kinds;
    this.#values = [...args, options, ...extra].slice(
      0,
      missing > 0 ? -missing - extra.length - 1 : undefined,
    );
  }

  [fc.toStringMethod]() {
    return this.toString();
  }

  toString() {
    return `${this.fn.method}(${this.#values.join(', ')})`;
  }

  /** The arguments, options included. */
  make() {
    this.#made = this.#values.map((value) => value.make());
    return this.#made;
  }

  /** In the place of a file: not for the one function that has two, a test function of libguestfs's own. */
  hasStream() {
    const isFile = (i) => ['FileIn', 'FileOut'].includes(this.fn.args[i]?.subtype);
    return this.#values.some(
      ({ nature }, i) => isFile(i) && !['text', 'number', 'boolean', 'undefined'].includes(nature.is),
    );
  }

  /** What a program may do with its values as soon as the call is made. */
  meddle() {
    for (const [i, value] of this.#values.entries()) value.meddle(this.#made[i]);
  }

  /**
   * `codes`: those with which the call may be refused, before anything reaches libguestfs; `mayPass`: whether it may
   * reach libguestfs, with the text `trace`; `aborted`: whether it must not be made, or `'later'`; `kills`: whether it may kill the
   * appliance; `fails`: whether a stream may make it fail with an error of its own.
   */
  verdict() {
    const { fn } = this;
    const given = (i) => this.#values[i] ?? undefinedValue;
    const codes = new Set();
    const trace = [fn.name];
    let fails = false;
    for (const [i, { kind, subtype }] of fn.args.entries()) {
      const judged = judge(this.#kinds[i], given(i));
      refuse(codes, judged);
      if (!judged.code) trace.push(' ', traceOf(kind, subtype, judged));
      fails ||= judged.fails === true;
    }
    const options = judgeOptions([...ownOptions(fn), ...commonOptions(fn)], given(fn.args.length));
    for (const { name, kind } of fn.options) {
      if (options.accepted.has(name))
        trace.push(` "${name}:`, optionTrace(kind, options.accepted.get(name)), '"');
    }
    const aborted = options.accepted.get('signal')?.aborted ?? false;
    return {
      mayPass: codes.size === 0 && options.mayPass,
      codes: new Set([...codes, ...options.codes]),
      fails,
      aborted,
      kills: aborted === 'later' && options.accepted.get('killOnAbort')?.value === true,
      trace: () => Buffer.concat(trace.flat(3).map((part) => Buffer.from(part))),
    };
  }
}

/** What stands for the file descriptor of a pipe, the number of which nobody knows beforehand. */
const streamPath = '/proc/self/fd/N';

/** A trace without the numbers of descriptors. */
export function withoutNumbers(trace) {
  return trace.replace(/(?<="\/proc\/self\/fd\/)\d+(?=")/g, 'N');
}

/** How libguestfs writes an argument into a trace message. */
function traceOf(kind, subtype, judged) {
  if (subtype === 'Key') return '"***"';
  if (judged.stream) return `"${streamPath}"`;
  switch (kind) {
    case 'String':
    case 'OptString':
      return judged.bytes ? ['"', judged.bytes, '"'] : 'null';
    case 'StringList':
      return ['"', joined(judged.items), '"'];
    case 'BufferIn':
      return shownBytes(judged.bytes);
    default:
      return `${shownValue(judged.value)}`;
  }
}

function optionTrace(kind, judged) {
  if (kind === 'StringList') return joined(judged.items);
  return judged.bytes ?? `${shownValue(judged.value)}`;
}

/** A number as a bigint, so that -0 is 0. */
function shownValue(value) {
  return typeof value === 'number' ? BigInt(value) : value;
}

function joined(items) {
  return items.flatMap((item, i) => (i > 0 ? [' ', item] : [item]));
}

function shownBytes(bytes) {
  const shown = [...bytes.subarray(0, 256)]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
  return `"${shown}"${bytes.length > 256 ? `<truncated, original size ${bytes.length} bytes>` : ''}`;
}

/** Arbitrary calls of a function: about every second of them is right. */
export function callsOf(fn, kindOfArgument = kindOf) {
  const kinds = fn.args.map(kindOfArgument);
  const args = fc.tuple(...kinds.map((kind) => mostlyGood(kind, kinds.length)));
  const missing = fc.oneof(
    { weight: 15, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: fn.args.length }) },
  );
  const extra = fc.oneof(
    { weight: 15, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(anything, { maxLength: 3 }) },
  );
  const options = optionsOf(ownOptions(fn), commonOptions(fn));
  const calls = fc.tuple(args, options, missing, extra).map((parts) => new Call(fn, kinds, ...parts));
  return readsFile(fn) && writesFile(fn) ? calls.filter((call) => !call.hasStream()) : calls;
}
