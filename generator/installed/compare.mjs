// Compares api/ with what an installed libguestfs declares and documents.
import { cBase } from '../api.mjs';
import { argumentType, fieldTypes, headerSignature } from '../cpp.mjs';
import { cType, declared, isInternal, replacement } from './header.mjs';
import { asOf, isAfter } from './versions.mjs';

/** What the header has and api/ lacks. A call that gained its options later is in the header under both names. */
export function unknown({ functions, internalTests, allStructs, withoutMethods }, header) {
  const calls = new Set([
    ...[...functions, ...internalTests].flatMap((fn) => [fn.name, cBase(fn)]),
    ...withoutMethods.map(({ name }) => name),
  ]);
  const results = new Set(allStructs.map((s) => s.name));
  const lacking = (found, known) => [...found.keys()].filter((name) => !known.has(name) && !isInternal(name));
  return {
    calls: lacking(header.calls, calls).filter((name) => !header.calls.has(`${name}_opts`)),
    structs: lacking(header.structs, results),
  };
}

const list = (items) => (items.length > 0 ? items.map((i) => `${i.type} ${i.name}`).join(', ') : 'none');

function parameterNames(fn) {
  const names = fn.args.flatMap((a) => (a.kind === 'BufferIn' ? [a.name, `${a.name}_size`] : [a.name]));
  return fn.ret.kind === 'RBufferOut' ? [...names, 'size_r'] : names;
}

/** The members of a struct, as C declares them; a library from before a member's renaming has its former name. */
function members(struct, theirs) {
  const names = new Set(theirs.map((member) => member.name));
  return struct.fields
    .flatMap((f) => fieldTypes[f.kind](f.formerly && !names.has(f.name) ? f.formerly : f.name))
    .map(cType);
}

class Comparison {
  differences = [];

  same(name, what, ours, theirs) {
    const text = (value) => (value === '' ? 'without replacement' : (value ?? 'none'));
    if ((ours ?? undefined) !== (theirs ?? undefined))
      this.differences.push(`${name}: ${what}: api/ has ${text(ours)}, libguestfs has ${text(theirs)}`);
  }

  call(fn, call) {
    if (!call) return this.same(fn.name, 'function', `it since ${fn.since ?? 'ever'}`, undefined);
    const { result, types } = headerSignature(fn);
    const names = parameterNames(fn);
    const parameters = types.map((type, i) => ({ name: names[i], type: cType(type) }));
    const options = fn.options.map((o) => ({ name: o.name, type: cType(argumentType[o.kind]) }));
    this.same(fn.name, 'result', cType(result), call.result);
    this.same(fn.name, 'arguments', list(parameters), list(call.parameters));
    this.same(fn.name, 'options', list(options), list(call.options));
    for (const [bit, option] of call.options.entries())
      this.same(fn.name, `bit of option ${option.name}`, bit, option.bit);
    this.same(fn.name, 'deprecated for', fn.deprecated, replacement(call));
  }

  struct(struct, theirs) {
    if (!theirs) return this.same(`struct ${struct.name}`, 'struct', 'it', undefined);
    const ours = members(struct, theirs);
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++)
      this.same(`struct ${struct.name}`, `member ${i + 1}`, ours[i], theirs[i] && declared(theirs[i]));
  }

  events(ours, theirs) {
    const bits = new Map(ours.map((event) => [event.name, 1n << BigInt(event.bit)]));
    for (const name of new Set([...bits.keys(), ...theirs.keys()]))
      this.same(`event ${name}`, 'bit', bits.get(name), theirs.get(name));
  }

  manual(fn, text) {
    // Functions for libguestfs's own debugging are in the header only.
    if (!text && fn.visibility === 'Debug') return;
    if (!text) return this.same(fn.name, 'in the manual', 'it', undefined);
    this.same(fn.name, 'since', fn.since, text.since);
    this.same(fn.name, 'progress', fn.progress ?? false, text.progress);
    this.same(fn.name, 'feature group', fn.group, text.group);
    this.same(fn.name, 'kind of result', manualKind(fn), text.returnKind);
    this.same(
      fn.name,
      'key among the arguments',
      fn.args.some((a) => a.subtype === 'Key'),
      text.key,
    );
  }
}

/** The manual has the same sentence for both sizes of integers, and names structs rather than kinds. */
function manualKind({ ret }) {
  return (
    { RInt64: 'RInt', RStruct: undefined, RStructList: undefined }[ret.kind] ??
    (ret.struct ? undefined : ret.kind)
  );
}

/**
 * Compares with the library of that version. What came after it is left out and counted. Without a manual only what
 * the header knows is compared.
 */
export function compare(api, header, manual, version) {
  const comparison = new Comparison();
  const byName = new Map(api.functions.map((fn) => [fn.name, fn]));
  const all = [...api.functions, ...api.internalTests];
  const here = all.filter((fn) => header.calls.has(cBase(fn)) || !fn.since || !isAfter(fn.since, version));
  const then = here.map((fn) => asOf(version, fn, byName));
  for (const fn of then) comparison.call(fn, header.calls.get(cBase(fn)));
  for (const struct of api.allStructs) comparison.struct(struct, header.structs.get(struct.name));
  comparison.events(api.events, header.events);
  if (manual)
    for (const fn of then.filter((fn) => fn.since)) comparison.manual(fn, manual.calls.get(cBase(fn)));
  const options = (functions) => functions.reduce((sum, fn) => sum + fn.options.length, 0);
  return {
    differences: comparison.differences,
    compared: then.length,
    newer: { functions: all.length - here.length, options: options(here) - options(then) },
  };
}
