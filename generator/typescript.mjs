// Writes the typed side: one method per function, one interface per struct.
import { aliasesOf, banner, camel, cBase, isCancellable, writesFile } from './api.mjs';

const argumentType = {
  String: 'string',
  OptString: 'string | null',
  StringList: 'readonly string[]',
  Bool: 'boolean',
  Int: 'number',
  Int64: 'number | bigint',
  BufferIn: 'Uint8Array | string',
};

const fileNote = {
  FileIn: ': its path, or bytes or a stream instead',
  FileOut: ': its path, or a stream instead',
};

const fileType = { FileIn: 'FileSource', FileOut: 'FileTarget' };

const returnType = {
  RErr: 'void',
  RInt: 'number',
  RInt64: 'bigint',
  RBool: 'boolean',
  RConstString: 'string',
  RConstOptString: 'string | null',
  RString: 'string',
  RStringList: 'string[]',
  RHashtable: 'Map<string, string>',
  RBufferOut: 'Buffer',
};

const fieldType = {
  FString: 'string',
  FDevice: 'string',
  FUUID: 'string',
  FBuffer: 'Buffer',
  FChar: 'string',
  FBytes: 'bigint',
  FUInt64: 'bigint',
  FInt64: 'bigint',
  FUInt32: 'number',
  FInt32: 'number',
  FOptPercent: 'number | null',
};

/** Names of arguments that cannot be names of parameters. */
const reserved = new Set([
  'function',
  'in',
  'new',
  'package',
  'class',
  'default',
  'delete',
  'arguments',
  'options',
]);
const parameter = (name) => (reserved.has(camel(name)) ? `${camel(name)}_` : camel(name));

const pascal = (name) => camel(`_${name}`);
const structName = (s) => pascal(s);
const optionsName = (fn) => `${pascal(fn.name)}Options`;

const baseOptions = (fn) => (writesFile(fn) ? 'OutputOptions' : 'CallOptions');

function result(fn) {
  if (fn.ret.kind === 'RStruct') return structName(fn.ret.struct);
  if (fn.ret.kind === 'RStructList') return `${structName(fn.ret.struct)}[]`;
  return returnType[fn.ret.kind];
}

const needs = {
  nothing: 'Needs no appliance.',
  config: 'Only before {@link GuestfsMethods.launch}.',
  launched: 'Needs a launched appliance.',
  mounted: "Needs a filesystem mounted at the guest's `/`.",
};

const sentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
const firstUpper = (text) => text[0].toUpperCase() + text.slice(1);

/** Breaks a text into comment lines; what follows the first line is indented. */
function wrap(text, indent = '', width = 108) {
  const lines = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const typeOf = (a) => fileType[a.subtype] ?? argumentType[a.kind];

function facts(fn, text) {
  const all = [needs[text.needs]];
  if (fn.group) all.push(`Needs the {@link GuestfsMethods.featureAvailable | feature} \`'${fn.group}'\`.`);
  if (fn.progress) all.push('Sends progress after its first two seconds.');
  if (isCancellable(fn)) all.push('Can be cancelled while running.');
  return all.join(' ');
}

function deprecation(fn, text) {
  if (text.deprecation) return `@deprecated ${text.deprecation}`;
  if (fn.deprecated === '') return `@deprecated There is no replacement.`;
  const how = text.replacement ? `: ${text.replacement}` : '';
  return `@deprecated Use {@link GuestfsMethods.${camel(fn.deprecated)}}${sentence(how)}`;
}

/** The C function and its place in the manual, whose anchors are in lower case; calls for debugging have none. */
function manual(fn) {
  const c = `guestfs_${cBase(fn)}`;
  if (fn.visibility === 'Debug') return `\`${c}\`, which the manual leaves out`;
  return `{@link https://libguestfs.org/guestfs.3.html#${c.toLowerCase()} | ${c}}`;
}

function errors(text) {
  if (text.errors?.startsWith('rejects ')) return text.errors.replace('rejects', '{@link GuestfsError}');
  if (text.errors) return `{@link GuestfsError}: ${text.errors}`;
  const who = text.needs === 'launched' || text.needs === 'mounted' ? 'the appliance' : 'libguestfs';
  return `{@link GuestfsError} when ${who} cannot do it; \`message\` says why`;
}

function docLines(fn, text) {
  const lines = [...wrap(text.does), '', ...wrap(facts(fn, text)), ''];
  for (const a of fn.args) {
    lines.push(
      ...wrap(`@param ${parameter(a.name)} - ${text.args[a.name]}${fileNote[a.subtype] ?? ''}`, '  '),
    );
  }
  if (text.returns) lines.push(...wrap(`@returns ${text.returns}`, '  '));
  lines.push(...wrap(`@throws ${errors(text)}`, '  '));
  if (fn.deprecated !== undefined) lines.push(...wrap(deprecation(fn, text), '  '));
  lines.push(`@see ${manual(fn)}`);
  lines.push(`@since libguestfs ${fn.since}`);
  lines.push(`@category ${text.topic}`);
  return lines;
}

function doc(lines, indent) {
  if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`].join('\n');
}

const optionSince = (o) => (o.since ? ` Since libguestfs ${o.since}.` : '');

function optionsInterface(fn, text) {
  const fields = fn.options.flatMap((o) => [
    doc(wrap(`${sentence(firstUpper(text.options[o.name]))}${optionSince(o)}`), '  '),
    `  readonly ${o.name}?: ${argumentType[o.kind]} | undefined;`,
  ]);
  return [
    `/** Options of {@link GuestfsMethods.${camel(fn.name)}}, beside {@link ${baseOptions(fn)} | those of every call}. */`,
    `export interface ${optionsName(fn)} extends ${baseOptions(fn)} {`,
    ...fields,
    '}',
  ].join('\n');
}

function signature(name, fn) {
  const parameters = fn.args.map((a) => `${parameter(a.name)}: ${typeOf(a)}`);
  parameters.push(`options?: ${fn.options.length > 0 ? optionsName(fn) : baseOptions(fn)}`);
  return `${name}(${parameters.join(', ')}): Promise<${result(fn)}>`;
}

function method(fn, text) {
  const values = fn.args.map((a) => parameter(a.name)).join(', ');
  return [
    doc(docLines(fn, text), '  '),
    `  ${signature(camel(fn.name), fn)} {`,
    `    return this[invoke]('${camel(fn.name)}', [${values}], options);`,
    '  }',
  ].join('\n');
}

function alias(name, fn, text) {
  const method = camel(fn.name);
  const values = [...fn.args.map((a) => parameter(a.name)), 'options'].join(', ');
  const lines = [
    ...wrap(
      `Second name of {@link GuestfsMethods.${method}}, that of the C function, for programs that come from other bindings.`,
    ),
    `@see ${manual(fn)}`,
    `@category ${text.topic}`,
  ];
  return [
    doc(lines, '  '),
    `  ${signature(camel(name), fn)} {`,
    `    return this.${method}(${values});`,
    '  }',
  ].join('\n');
}

/** A function's method, and those of its other names. */
function methods(fn, text) {
  return [method(fn, text), ...aliasesOf(fn).map((name) => alias(name, fn, text))].join('\n\n');
}

export function aliasesModule({ functions }) {
  const rows = functions.flatMap((fn) =>
    aliasesOf(fn).map((name) => `  ['${camel(name)}', '${camel(fn.name)}'],`),
  );
  return `${banner}
/** Methods by their other names. */
export const aliases: ReadonlyMap<string, string> = new Map([
${rows.join('\n')}
]);
`;
}

export function structsModule({ functions, structs, structTexts }) {
  const used = new Set(functions.map((fn) => fn.ret.struct));
  const interfaces = structs
    .filter((s) => used.has(s.name))
    .map((s) => {
      const text = structTexts.get(s.name);
      const fields = s.fields.flatMap((f) => [
        doc(wrap(sentence(firstUpper(text.fields[f.name]))), '  '),
        `  ${camel(f.name)}: ${fieldType[f.kind]};`,
      ]);
      const about = doc(wrap(`${sentence(text.is)} C: \`struct guestfs_${s.name}\`.`), '');
      return `${about}\nexport interface ${structName(s.name)} {\n${fields.join('\n')}\n}`;
    });
  return `${banner}\n${interfaces.join('\n\n')}\n`;
}

export function methodsModule({ functions, texts }) {
  const structs = [...new Set(functions.map((fn) => fn.ret.struct).filter(Boolean))].map(structName).sort();
  return `${banner}
import { invoke } from '../calls/invoke';
import type { FileSource, FileTarget } from '../streams/types';
import { TrackedEmitter } from '../calls/tracked-emitter';
import type { CallOptions, OutputOptions } from '../options/types';
import type { ${structs.join(', ')} } from './structs';

${functions
  .filter((fn) => fn.options.length > 0)
  .map((fn) => optionsInterface(fn, texts.get(fn.name)))
  .join('\n\n')}

/** Every function of libguestfs as a method; each is one call on the handle's own thread. */
export abstract class GuestfsMethods extends TrackedEmitter {
  /** @internal */
  abstract [invoke]<T>(method: string, args: readonly unknown[], options: CallOptions | undefined): Promise<T>;

${functions.map((fn) => methods(fn, texts.get(fn.name))).join('\n\n')}
}
`;
}
