// Writes the native side's tables: declarations, one thunk and one descriptor per function, layouts, checks.
import { banner, camel, cBase, cName, isCancellable } from './api.mjs';

export const argumentType = {
  String: 'const char*',
  OptString: 'const char*',
  StringList: 'char* const*',
  Bool: 'int',
  Int: 'int',
  Int64: 'std::int64_t',
};

const slotMember = {
  String: 'text',
  OptString: 'text',
  StringList: 'list',
  Bool: 'i32',
  Int: 'i32',
  Int64: 'i64',
};

const returnType = {
  RErr: 'int',
  RInt: 'int',
  RBool: 'int',
  RInt64: 'std::int64_t',
  RConstString: 'const char*',
  RConstOptString: 'const char*',
  RString: 'char*',
  RBufferOut: 'char*',
  RStringList: 'char**',
  RHashtable: 'char**',
};

export const fieldTypes = {
  FString: (n) => [`char* ${n};`],
  FDevice: (n) => [`char* ${n};`],
  FUUID: (n) => [`char ${n}[32];`],
  FBuffer: (n) => [`std::uint32_t ${n}_len;`, `char* ${n};`],
  FChar: (n) => [`char ${n};`],
  FBytes: (n) => [`std::uint64_t ${n};`],
  FUInt64: (n) => [`std::uint64_t ${n};`],
  FInt64: (n) => [`std::int64_t ${n};`],
  FUInt32: (n) => [`std::uint32_t ${n};`],
  FInt32: (n) => [`std::int32_t ${n};`],
  FOptPercent: (n) => [`float ${n};`],
};

const optionsStruct = (fn) => `${cBase(fn)}_argv`;

/** The C parameters between the handle and the options: `BufferIn` is a pointer and a size. */
function parameters(fn) {
  return fn.args.flatMap((a) =>
    a.kind === 'BufferIn' ? ['const char*', 'std::size_t'] : [argumentType[a.kind]],
  );
}

function resultType(fn) {
  if (fn.ret.kind === 'RStruct') return `abi::${fn.ret.struct}*`;
  if (fn.ret.kind === 'RStructList') return `abi::list_of<abi::${fn.ret.struct}>*`;
  return returnType[fn.ret.kind];
}

function declaration(fn) {
  const types = ['guestfs_h*', ...parameters(fn)];
  if (fn.ret.kind === 'RBufferOut') types.push('std::size_t*');
  if (fn.options.length > 0) types.push(`const abi::${optionsStruct(fn)}*`);
  return `GUESTFS_NODE_WEAK ${resultType(fn)} ${cName(fn)}(${types.join(', ')});`;
}

function thunk(fn) {
  const values = ['g'];
  fn.args.forEach((a, i) => {
    if (a.kind === 'BufferIn') values.push(`a[${i}].bytes.data`, `a[${i}].bytes.size`);
    else values.push(`a[${i}].${slotMember[a.kind]}`);
  });
  if (fn.ret.kind === 'RBufferOut') values.push('&r->size');
  if (fn.options.length > 0) values.push(`static_cast<const abi::${optionsStruct(fn)}*>(o)`);
  const call = `${cName(fn)}(${values.join(', ')})`;
  const integer = ['RErr', 'RInt', 'RBool', 'RInt64'].includes(fn.ret.kind);
  const constant = fn.ret.kind.startsWith('RConst');
  const store = integer
    ? `r->integer = ${call}`
    : `r->pointer = ${constant ? `const_cast<char*>(${call})` : call}`;
  const a = fn.args.length > 0 ? 'a' : '';
  const o = fn.options.length > 0 ? 'o' : '';
  return `void ${fn.name}(guestfs_h* g, const Slot*${a && ` ${a}`}, const void*${o && ` ${o}`}, RawResult* r) { ${store}; }`;
}

export function abiHeader({ functions, internalTests, structs }) {
  const withOptions = [...functions, ...internalTests].filter((fn) => fn.options.length > 0);
  const results = structs.map((s) => {
    const fields = s.fields.flatMap((f) => fieldTypes[f.kind](f.name)).map((line) => `  ${line}`);
    return `struct ${s.name} {\n${fields.join('\n')}\n};`;
  });
  const options = withOptions.map((fn) => {
    const fields = fn.options.map((o) => `  ${argumentType[o.kind]} ${o.name};`);
    return `struct ${optionsStruct(fn)} {\n  std::uint64_t bitmask;\n${fields.join('\n')}\n};`;
  });
  return `${banner}
// Structs as libguestfs lays them out. They come from api/ and not from guestfs.h, so that one binary also serves
// libraries newer than the header it was compiled against.
#pragma once

#include <cstdint>

namespace guestfs_node::abi {

template <typename T>
struct list_of {
  std::uint32_t len;
  T* val;
};

${results.join('\n\n')}

${options.join('\n\n')}

}  // namespace guestfs_node::abi
`;
}

export function functionsHeader({ functions, internalTests, structs }) {
  const frees = structs.flatMap((s) => [
    `GUESTFS_NODE_WEAK void guestfs_free_${s.name}(abi::${s.name}*);`,
    `GUESTFS_NODE_WEAK void guestfs_free_${s.name}_list(abi::list_of<abi::${s.name}>*);`,
  ]);
  return `${banner}
// libguestfs's functions, referenced weakly: those that the running library lacks are null.
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi.h"

#define GUESTFS_NODE_WEAK __attribute__((weak))

struct guestfs_h;

extern "C" {
namespace abi = guestfs_node::abi;

${[...functions, ...internalTests].map(declaration).join('\n')}

${frees.join('\n')}
}  // extern "C"
`;
}

const lengthOf = (s, f) => (f.kind === 'FBuffer' ? `, offsetof(abi::${s.name}, ${f.name}_len)` : '');

function structTable(s) {
  const rows = s.fields.map(
    (f) =>
      `    {"${camel(f.name)}", FieldKind::${f.kind.slice(1)}, offsetof(abi::${s.name}, ${f.name})${lengthOf(s, f)}},`,
  );
  return `const Field ${s.name}_fields[] = {\n${rows.join('\n')}\n};`;
}

function structRow(s) {
  return [
    `const Struct ${s.name}_struct = {`,
    `    ${s.name}_fields, sizeof(abi::${s.name}),`,
    `    [](void* p) { guestfs_free_${s.name}(static_cast<abi::${s.name}*>(p)); },`,
    `    [](void* p) { guestfs_free_${s.name}_list(static_cast<abi::list_of<abi::${s.name}>*>(p)); },`,
    '};',
  ].join('\n');
}

function argumentKind(a) {
  if (a.kind === 'String' && a.subtype === 'Key') return 'Key';
  if (a.kind === 'String' && (a.subtype === 'FileIn' || a.subtype === 'FileOut')) return a.subtype;
  return a.kind;
}

function functionTables(fn) {
  const tables = [];
  if (fn.args.length > 0) {
    const least = (a) => (a.min === undefined ? '' : `, ${a.min}`);
    const rows = fn.args.map((a) => `{"${a.name}", ArgumentKind::${argumentKind(a)}${least(a)}}`);
    tables.push(`const Argument ${fn.name}_args[] = {${rows.join(', ')}};`);
  }
  if (fn.options.length > 0) {
    const struct = optionsStruct(fn);
    const rows = fn.options.map(
      (o) =>
        `    {"${o.name}", ArgumentKind::${o.kind}, offsetof(abi::${struct}, ${o.name}), "${o.since ?? ''}"},`,
    );
    tables.push(`const Option ${fn.name}_options[] = {\n${rows.join('\n')}\n};`);
  }
  return tables;
}

function mountRole({ localMount }) {
  return { makes: 'Makes', serves: 'Serves', ends: 'Ends' }[localMount] ?? 'None';
}

function functionRow(fn) {
  const struct = fn.ret.struct ? `&${fn.ret.struct}_struct` : 'nullptr';
  const args = fn.args.length > 0 ? `${fn.name}_args` : '{}';
  const options = fn.options.length > 0 ? `${fn.name}_options` : '{}';
  const size = fn.options.length > 0 ? `sizeof(abi::${optionsStruct(fn)})` : '0';
  const symbol = `reinterpret_cast<const void*>(&${cName(fn)})`;
  return `    {"${camel(fn.name)}", "${cName(fn)}", "${fn.since ?? ''}", ${symbol}, &thunks::${fn.name}, ReturnKind::${fn.ret.kind.slice(1)}, ${struct}, ${args}, ${options}, ${size}, ${isCancellable(fn)}, ${fn.appliance === 'starts'}, MountRole::${mountRole(fn)}},`;
}

export function functionsSource({ functions, internalTests, structs }) {
  const all = [...functions, ...internalTests];
  return `${banner}
#include "functions.h"

#include "../descriptors.h"

namespace guestfs_node {
namespace {

namespace thunks {

${all.map(thunk).join('\n')}

}  // namespace thunks

${structs.flatMap((s) => [structTable(s), structRow(s)]).join('\n')}

${all.flatMap(functionTables).join('\n')}

const Function table[] = {
${all.map(functionRow).join('\n')}
};

}  // namespace

std::span<const Function> Functions() { return table; }

}  // namespace guestfs_node
`;
}

function structCheck(s) {
  const header = `struct guestfs_${s.name}`;
  // Headers know a renamed field by one name or the other; its neighbours and the size hold it in place.
  const asserts = s.fields
    .filter((f) => f.formerly === undefined)
    .map((f) => `static_assert(offsetof(${header}, ${f.name}) == offsetof(abi::${s.name}, ${f.name}));`);
  return [
    `#ifdef GUESTFS_HAVE_STRUCT_${s.name.toUpperCase()}`,
    `static_assert(sizeof(${header}) == sizeof(abi::${s.name}));`,
    ...asserts,
    '#endif',
  ].join('\n');
}

/** The installed header may be older or newer than api/: what it has more or less at the end is no difference. */
function optionsCheck(fn) {
  const asserts = fn.options.map((o) =>
    [
      `#ifdef GUESTFS_${cBase(fn).toUpperCase()}_${o.name.toUpperCase()}_BITMASK`,
      `static_assert(offsetof(struct guestfs_${optionsStruct(fn)}, ${o.name}) == offsetof(abi::${optionsStruct(fn)}, ${o.name}));`,
      `static_assert(GUESTFS_${cBase(fn).toUpperCase()}_${o.name.toUpperCase()}_BITMASK == UINT64_C(1) << ${fn.options.indexOf(o)});`,
      '#endif',
    ].join('\n'),
  );
  return asserts.join('\n');
}

/** The function as guestfs.h declares it, without the options: what it returns, and what follows the handle. */
export function headerSignature(fn) {
  const result =
    fn.ret.kind === 'RStruct'
      ? `struct guestfs_${fn.ret.struct}*`
      : fn.ret.kind === 'RStructList'
        ? `struct guestfs_${fn.ret.struct}_list*`
        : returnType[fn.ret.kind];
  const types = parameters(fn);
  if (fn.ret.kind === 'RBufferOut') types.push('std::size_t*');
  return { result, types };
}

function signatureCheck(fn) {
  const { result, types } = headerSignature(fn);
  const all = ['guestfs_h*', ...types];
  if (fn.options.length > 0) all.push(`const struct guestfs_${optionsStruct(fn)}*`);
  return [
    `#ifdef GUESTFS_HAVE_${cBase(fn).toUpperCase()}`,
    `static_assert(std::is_same_v<decltype(&${cName(fn)}), ${result} (*)(${all.join(', ')})>);`,
    '#endif',
  ].join('\n');
}

export function abiCheck({ functions, internalTests, structs, events }) {
  const all = [...functions, ...internalTests];
  return `${banner}
// Compile-time proof that api/ and the installed guestfs.h agree on everything that both know.
#define GUESTFS_NO_WARN_DEPRECATED 1
#include <guestfs.h>

#include <cstddef>
#include <type_traits>

#include "abi.h"

namespace guestfs_node {

${events.map((e) => `static_assert(GUESTFS_EVENT_${e.name.toUpperCase()} == UINT64_C(1) << ${e.bit});`).join('\n')}

${structs.map(structCheck).join('\n\n')}

${all
  .filter((fn) => fn.options.length > 0)
  .map(optionsCheck)
  .join('\n')}

${all.map(signatureCheck).join('\n')}

}  // namespace guestfs_node
`;
}
