// Reads guestfs.h: what the compiler would see of functions, optional arguments, structs and events.

/** A C type in one spelling, whatever the blanks and whether it is C or C++. */
export const cType = (type) =>
  type
    .replaceAll('std::', '')
    .replace(/\s*\*\s*/g, '*')
    .replace(/\s+/g, ' ')
    .trim();

/** A member of a struct as its declaration. */
export const declared = ({ name, type }) => cType(type.replace(/^(.*?)(\[\d+\])?$/, `$1 ${name}$2;`));

export const isInternal = (name) => name?.startsWith('internal_') ?? false;

/** What a deprecated call is to be replaced by. What only libguestfs itself may call is nothing for us. */
export const replacement = (call) => (isInternal(call.deprecated) ? '' : call.deprecated);

/** `const char *path` and the like. An array, `char uuid[32]`, keeps its size with the type. */
function declarator(text) {
  const [, type, name, size = ''] = /^(.*?)(\w+)\s*(\[\d+\])?$/s.exec(text.trim());
  return { name, type: cType(type) + size };
}

function functions(text) {
  const found = new Map();
  const declaration = /^extern GUESTFS_DLL_PUBLIC ([^();]*?)guestfs_(\w+) ?\(([^()]*)\)([^;]*);/gm;
  for (const [, result, name, parameters, attributes] of text.matchAll(declaration)) {
    const [handle, ...rest] = parameters.split(',').map((p) => p.trim());
    if (handle !== 'guestfs_h *g') continue;
    const variadic = rest.at(-1) === '...';
    const deprecated = /GUESTFS_DEPRECATED_(?:REPLACED_BY ?\("(\w+)"\)|NO_REPLACEMENT)/.exec(attributes);
    found.set(name, {
      result: cType(result),
      parameters: (variadic ? rest.slice(0, -1) : rest).map(declarator),
      variadic,
      deprecated: deprecated ? (deprecated[1] ?? '') : undefined,
    });
  }
  return found;
}

/** The members of all structs, by their names without `guestfs_`: results, lists of them, optional arguments. */
function structs(text) {
  const found = new Map();
  for (const [, name, body] of text.matchAll(/^struct guestfs_(\w+) \{\n(.*?)^\};/gms))
    found.set(
      name,
      [...body.matchAll(/^ +([^#;\n]+); *$/gm)].map(([, member]) => declarator(member)),
    );
  return found;
}

/** The bit of every optional argument, by the names of its call and itself in capitals. */
function bits(text) {
  const define = /^# *define GUESTFS_(\w+)_BITMASK \(UINT64_C\(1\)<<(\d+)\)/gm;
  return new Map([...text.matchAll(define)].map(([, name, bit]) => [name, Number(bit)]));
}

function events(text) {
  const define = /^#define GUESTFS_EVENT_(\w+) +0x([0-9a-f]+)/gm;
  const found = [...text.matchAll(define)].map(([, name, mask]) => [name.toLowerCase(), BigInt(`0x${mask}`)]);
  return new Map(found.filter(([name]) => name !== 'all'));
}

/**
 * The calls of the API are those that the header announces by `GUESTFS_HAVE_…`; their variants with `va_list` or a
 * struct of options have no such macro.
 */
export function parseHeader(source) {
  const text = source.replace(/\/\*.*?\*\//gs, '');
  const found = functions(text);
  const structures = structs(text);
  const bit = bits(text);
  // Macros are in capitals, some names of calls are so only in part.
  const macros = new Set([...text.matchAll(/^#define GUESTFS_HAVE_(\w+) 1$/gm)].map(([, name]) => name));
  const calls = new Map();
  for (const [name, call] of found) {
    if (!macros.has(name.toUpperCase())) continue;
    const members = call.variadic ? (structures.get(`${name}_argv`) ?? []).slice(1) : [];
    const options = members.map((member) => ({
      ...member,
      bit: bit.get(`${name}_${member.name}`.toUpperCase()),
    }));
    calls.set(name, { ...call, options });
  }
  const results = [...structures].filter(([name]) => macros.has(`STRUCT_${name.toUpperCase()}`));
  return { calls, structs: new Map(results), events: events(text) };
}
