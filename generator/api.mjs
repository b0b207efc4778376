// Loads the API tables and refuses records that contradict themselves.
import { readFileSync } from 'node:fs';

const argumentKinds = new Set(['String', 'OptString', 'StringList', 'Bool', 'Int', 'Int64', 'BufferIn']);
const optionKinds = new Set(['String', 'StringList', 'Bool', 'Int', 'Int64']);
const returnKinds = new Set([
  'RErr',
  'RInt',
  'RInt64',
  'RBool',
  'RConstString',
  'RConstOptString',
  'RString',
  'RStringList',
  'RStruct',
  'RStructList',
  'RHashtable',
  'RBufferOut',
]);
const fieldKinds = new Set([
  'FString',
  'FDevice',
  'FUUID',
  'FBuffer',
  'FChar',
  'FBytes',
  'FInt32',
  'FUInt32',
  'FInt64',
  'FUInt64',
  'FOptPercent',
]);

/** Names that JavaScript reserves for itself on our class, or that would hide one of its members. */
const takenNames = new Set([
  'constructor',
  'close',
  'kill',
  'private',
  'progress',
  'on',
  'off',
  'once',
  'emit',
]);

function read(name) {
  return JSON.parse(readFileSync(new URL(`../api/${name}.json`, import.meta.url), 'utf8'));
}

export const camel = (name) => name.replace(/_+([a-zA-Z0-9])/g, (_, c) => c.toUpperCase());

/** The C function behind a record: functions with optional arguments are called through their `_argv` variant. */
const hasArgument = (fn, subtype) => fn.args.some((a) => a.subtype === subtype);

/** Whether it writes a file on the host. */
export const writesFile = (fn) => hasArgument(fn, 'FileOut');

/** `guestfs_user_cancel` ends what sends or receives a file, also where the manual does not say so. */
export const isCancellable = (fn) => fn.cancellable === true || hasArgument(fn, 'FileIn') || writesFile(fn);

export function cName(fn) {
  return `guestfs_${cBase(fn)}${fn.options.length > 0 ? '_argv' : ''}`;
}

/** The name in headers: calls that gained optional arguments later have them under `_opts`. */
export function cBase(fn) {
  return fn.opts ? `${fn.name}_opts` : fn.name;
}

/** Names that other bindings give a function as well: that of the C function, where it has another. */
export const aliasesOf = (fn) => (fn.opts ? [cBase(fn)] : []);

function complete(fn) {
  return { args: [], options: [], ...fn };
}

function check(functions, structs) {
  const problems = [];
  const structNames = new Set(structs.map((s) => s.name));
  const seen = new Set();
  for (const fn of functions) {
    const bad = (what) => problems.push(`${fn.name}: ${what}`);
    if (seen.has(fn.name)) bad('listed twice');
    seen.add(fn.name);
    if (takenNames.has(camel(fn.name))) bad('its name is taken by the class itself');
    if (!returnKinds.has(fn.ret.kind)) bad(`unknown return kind ${fn.ret.kind}`);
    if (fn.ret.kind.startsWith('RStruct') && !structNames.has(fn.ret.struct))
      bad('returns an unknown struct');
    const names = [...fn.args, ...fn.options].map((a) => a.name);
    if (new Set(names).size !== names.length) bad('repeats the name of an argument');
    for (const a of fn.args) {
      if (!argumentKinds.has(a.kind)) bad(`unknown argument kind ${a.kind}`);
      if (a.min !== undefined && a.kind !== 'Int64') bad(`a ${a.kind} has no least value`);
    }
    for (const o of fn.options) if (!optionKinds.has(o.kind)) bad(`unknown option kind ${o.kind}`);
    for (const alias of aliasesOf(fn)) {
      if (functions.some((other) => other.name === alias)) bad(`${alias} is a function of its own`);
    }
    if (fn.instant && !fn.local) bad('cannot be instant: it asks the appliance');
    if (fn.options.length > 64) bad('has more than 64 options');
    if (fn.deprecated && !functions.some((other) => other.name === fn.deprecated))
      bad('replacement does not exist');
  }
  for (const s of structs) {
    for (const f of s.fields)
      if (!fieldKinds.has(f.kind)) problems.push(`${s.name}.${f.name}: unknown kind ${f.kind}`);
  }
  if (problems.length > 0) throw new Error(`api/ contradicts itself:\n  ${problems.join('\n  ')}`);
}

const needs = new Set(['nothing', 'config', 'launched', 'mounted']);

/** Every function, argument, option, struct and field is explained, and nothing else; every topic has its functions. */
function checkDocumentation(functions, structs, { texts, structTexts, topics }) {
  const problems = [];
  const same = (what, names, explained) => {
    const missing = names.filter((name) => !explained?.[name]);
    const extra = Object.keys(explained ?? {}).filter((name) => !names.includes(name));
    if (missing.length > 0) problems.push(`${what}: nothing is said of ${missing.join(', ')}`);
    if (extra.length > 0) problems.push(`${what}: explains ${extra.join(', ')}, which it does not have`);
  };
  for (const fn of functions) {
    const text = texts.get(fn.name);
    if (!text?.does || !text.topic || !needs.has(text.needs)) {
      problems.push(`${fn.name}: not documented`);
      continue;
    }
    if (!topics.has(text.topic)) problems.push(`${fn.name}: unknown topic ${text.topic}`);
    const argumentNames = fn.args.map((a) => a.name);
    same(`${fn.name}: arguments`, argumentNames, text.args);
    const optionNames = fn.options.map((o) => o.name);
    same(`${fn.name}: options`, optionNames, text.options);
    if ((fn.ret.kind === 'RErr') !== (text.returns === undefined))
      problems.push(`${fn.name}: what does it return?`);
  }
  for (const s of structs) {
    const fieldNames = s.fields.map((f) => f.name);
    same(`struct ${s.name}`, fieldNames, structTexts.get(s.name)?.fields);
  }
  const used = new Set([...texts.values()].map((text) => text.topic));
  const names = new Set(functions.map((fn) => fn.name));
  for (const { name, chapter, about, wants } of topics.values()) {
    if (!chapter || !about || !wants?.length) problems.push(`topic ${name}: not explained`);
    if (!used.has(name)) problems.push(`topic ${name}: has no functions`);
    const strange = wants?.flatMap((each) => each.methods).filter((method) => !names.has(method)) ?? [];
    if (strange.length > 0) problems.push(`topic ${name}: ${strange.join(', ')} does not exist`);
  }
  if (problems.length > 0) throw new Error(`api/ documentation is incomplete:\n  ${problems.join('\n  ')}`);
}

const byName = (records) => new Map(records.map((record) => [record.name, record]));

export function loadApi() {
  const functions = read('functions').map(complete);
  const internalTests = read('internal-test').map(complete);
  const structs = read('structs');
  const events = read('events');
  check([...functions, ...internalTests], structs);
  const documentation = {
    texts: byName(read('documentation')),
    structTexts: byName(read('struct-documentation')),
    topics: byName(read('topics')),
  };
  const public_ = new Set(functions.map((fn) => fn.ret.struct));
  const publicStructs = structs.filter((s) => public_.has(s.name));
  checkDocumentation(functions, publicStructs, documentation);
  const returned = new Set([...functions, ...internalTests].map((fn) => fn.ret.struct).filter(Boolean));
  return {
    functions,
    internalTests,
    structs: structs.filter((s) => returned.has(s.name)),
    allStructs: structs,
    events,
    ...documentation,
  };
}
