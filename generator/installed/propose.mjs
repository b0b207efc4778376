// Proposes records for what api/ lacks: facts from header and manual, and where both leave a choice, what the records
// that are there suggest.
import { fieldTypes } from '../cpp.mjs';
import { cType, declared, replacement } from './header.mjs';

/** Kinds that C types allow, the likelier first. */
const kinds = {
  'const char*': ['String', 'OptString'],
  'char*const*': ['StringList'],
  int: ['Bool', 'Int'],
  int64_t: ['Int64'],
};

const results = {
  int: ['RErr', 'RInt', 'RBool'],
  int64_t: ['RInt64'],
  'const char*': ['RConstString', 'RConstOptString'],
  'char*': ['RString', 'RBufferOut'],
  'char**': ['RStringList', 'RHashtable'],
};

const described = (a) => (a.subtype ? `${a.kind} ${a.subtype}` : a.kind);

/** What arguments of that name and C type are elsewhere, the most frequent first. */
function precedents(api, name, type) {
  const count = new Map();
  for (const a of api.functions.flatMap((fn) => [...fn.args, ...fn.options])) {
    if (a.name !== name || !kinds[type]?.includes(a.kind)) continue;
    const key = described(a);
    count.set(key, { a, times: (count.get(key)?.times ?? 0) + 1 });
  }
  return [...count.values()].sort((a, b) => b.times - a.times).map(({ a }) => a);
}

function argument(api, { name, type }, doubts) {
  if (!kinds[type]) {
    doubts.push(`${name} is a ${type}, for which there is no kind yet`);
    return { name, kind: type };
  }
  const known = precedents(api, name, type);
  const { kind, subtype } = known[0] ?? { kind: kinds[type][0] };
  const others = known.length > 0 ? known.slice(1).map(described) : kinds[type].slice(1);
  if (known.length === 0 && kind.startsWith('String')) others.push('one with a subtype');
  // Names of arguments do not tell which way a file goes.
  const opposite = { FileIn: 'String FileOut', FileOut: 'String FileIn' }[subtype];
  if (opposite && !others.includes(opposite)) others.push(opposite);
  if (others.length > 0)
    doubts.push(`${name} is ${described({ kind, subtype })}, or is it ${others.join(' or ')}?`);
  return { name, kind, ...(subtype && { subtype }) };
}

/** A buffer is a pointer and a size. */
function argumentsOf(api, parameters, doubts) {
  const isSize = (p) => p.type === 'size_t' && p.name.endsWith('_size');
  return parameters
    .filter((p) => !isSize(p) && p.type !== 'size_t*')
    .map((p) =>
      parameters.some((q) => isSize(q) && q.name === `${p.name}_size`)
        ? { name: p.name, kind: 'BufferIn' }
        : argument(api, p, doubts),
    );
}

function result(call, text, doubts) {
  const [, struct, isList] = /^struct guestfs_(\w+?)(_list)?\*$/.exec(call.result) ?? [];
  if (struct) return { kind: isList ? 'RStructList' : 'RStruct', struct };
  const possible = results[call.result] ?? [call.result];
  if (possible.length === 1) return { kind: possible[0] };
  if (possible.includes(text?.returnKind)) return { kind: text.returnKind };
  const buffer = call.parameters.some((p) => p.type === 'size_t*');
  if (buffer) return { kind: 'RBufferOut' };
  doubts.push(`the result is ${possible.join(' or ')}`);
  return { kind: possible[0] };
}

/** The record of a call, and what a person has to decide. */
export function proposeFunction(api, name, header, manual) {
  const call = header.calls.get(name);
  const text = manual?.calls.get(name);
  const doubts = [];
  const base = name.replace(/_opts$/, '');
  const opts = base !== name && header.calls.has(base);
  if (opts && api.functions.some((fn) => fn.name === base)) doubts.push(`it takes the place of ${base}`);
  if (!text) doubts.push('since, progress and group are in the manual only');
  const args = argumentsOf(api, call.parameters, doubts);
  const options = argumentsOf(api, call.options, doubts);
  const transfers = args.some((a) => a.subtype === 'FileIn' || a.subtype === 'FileOut');
  const record = {
    name: opts ? base : name,
    since: text?.since ?? '',
    ret: result(call, text, doubts),
    ...(args.length > 0 && { args }),
    ...(options.length > 0 && { options }),
    ...(opts && { opts }),
    ...(text?.progress && { progress: true }),
    ...(transfers && { cancellable: true }),
    ...(text?.group && { group: text.group }),
    ...(call.deprecated !== undefined && { deprecated: replacement(call) }),
  };
  return { record, doubts };
}

/** The kind of a member by its C declaration. FDevice and FBytes only say more than FString and FUInt64. */
const fieldKinds = new Map(
  Object.entries(fieldTypes)
    .filter(([kind]) => kind !== 'FDevice' && kind !== 'FBytes' && kind !== 'FBuffer')
    .map(([kind, declare]) => [cType(declare('x')[0]), kind]),
);

/** The record of a struct. A member `…_len` before a pointer belongs to it. */
export function proposeStruct(name, header) {
  const members = header.structs.get(name);
  const doubts = [];
  const isLength = (m, i) => m.type === 'uint32_t' && m.name === `${members[i + 1]?.name}_len`;
  const fields = members.flatMap((member, i) => {
    if (isLength(member, i)) return [];
    const measured = i > 0 && isLength(members[i - 1], i - 1);
    const kind = measured ? 'FBuffer' : fieldKinds.get(declared({ ...member, name: 'x' }));
    if (!kind) doubts.push(`${member.name} is a ${member.type}, for which there is no kind yet`);
    return [{ name: member.name, kind: kind ?? member.type }];
  });
  return { record: { name, fields }, doubts };
}

/** As the tables have it: a record a line. */
export function oneLine(record) {
  return JSON.stringify(record, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/([{[]) | (?=[}\]])/g, '$1');
}
