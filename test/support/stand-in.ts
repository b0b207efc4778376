/**
 * A stand-in for libguestfs's functions, put before the real library: it writes down what it received, and returns values
 * of our choice. So every function, option and struct can be tried, whatever an appliance would say, and whichever
 * libguestfs is installed: the code comes from `api/` alone. That `api/` and guestfs.h agree where both know something
 * is proved when the addon is compiled (`abi_check.cc`).
 */
import type { Api, ApiArgument, ApiField, ApiFunction, ApiStruct } from './api';
import { compileLibrary } from './c-library';
import type { TemporaryFolder } from './folder';

/** Each function returns these in turn. */
export const turns = ['low', 'high', 'error'] as const;

/** What it received, a line of JSON each: text and bytes as hexadecimal digits, numbers as decimal ones. */
export interface Received {
  readonly fn: string;
  readonly args: unknown[];
  readonly options: Record<string, unknown>;
}

/** Returns the path of the library. It writes to the file that `STAND_IN_OUTPUT` names. */
export function compileStandIn(api: Api, folder: TemporaryFolder): string {
  const structs = api.structs.flatMap((struct) => [
    structType(struct),
    structMaker(struct),
    structFree(struct),
  ]);
  const code = [prelude, ...structs, ...api.functions.map(fake)].join('\n');
  return compileLibrary(code, folder);
}

const prelude = `
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct guestfs_h guestfs_h;

static FILE *out;
static int first;

static void begin(const char *fn) {
  if (!out) out = fopen(getenv("STAND_IN_OUTPUT"), "w");
  fprintf(out, "{\\"fn\\":\\"%s\\",\\"args\\":[", fn);
  first = 1;
}
static void comma(void) {
  if (!first) fputc(',', out);
  first = 0;
}
static void options(void) {
  fputs("],\\"options\\":{", out);
  first = 1;
}
static void option(const char *name) {
  comma();
  fprintf(out, "\\"%s\\":", name);
  first = 1;
}
static void end(void) {
  fputs("}}\\n", out);
  fflush(out);
}
static void put_bytes(const char *data, size_t size) {
  comma();
  fputc('"', out);
  for (size_t i = 0; i < size; i++) fprintf(out, "%02x", (unsigned char)data[i]);
  fputc('"', out);
}
static void put_String(const char *text) {
  if (text) { put_bytes(text, strlen(text)); return; }
  comma();
  fputs("null", out);
}
static void put_OptString(const char *text) { put_String(text); }
static void put_StringList(char *const *list) {
  comma();
  fputc('[', out);
  first = 1;
  for (; *list; list++) put_String(*list);
  fputc(']', out);
  first = 0;
}
static void put_Int64(int64_t number) {
  comma();
  fprintf(out, "\\"%" PRId64 "\\"", number);
}
static void put_Int(int number) { put_Int64(number); }
static void put_Bool(int number) { put_Int64(number); }

static char *copy(const char *data, size_t size) { return memcpy(malloc(size + 1), data, size); }
static char **copy_list(const char *const *list, size_t length) {
  char **result = calloc(length + 1, sizeof *result);
  for (size_t i = 0; i < length; i++) result[i] = strdup(list[i]);
  return result;
}
`;

/** A field's declaration, as libguestfs lays structs out. */
function fieldType({ name, kind }: ApiField): string {
  switch (kind) {
    case 'FString':
    case 'FDevice':
      return `char *${name};`;
    case 'FUUID':
      return `char ${name}[32];`;
    case 'FBuffer':
      return `uint32_t ${name}_len; char *${name};`;
    case 'FChar':
      return `char ${name};`;
    case 'FInt32':
      return `int32_t ${name};`;
    case 'FUInt32':
      return `uint32_t ${name};`;
    case 'FInt64':
      return `int64_t ${name};`;
    case 'FBytes':
    case 'FUInt64':
      return `uint64_t ${name};`;
    case 'FOptPercent':
      return `float ${name};`;
    default:
      throw new Error(`the stand-in does not know the field kind ${kind}`);
  }
}

/** Values that break what is weak: nothing or the least, the most with bytes that are no UTF-8, the field's number. */
function fieldValues({ name, kind }: ApiField, index: number): [string, string, string] {
  const set = (value: string | number) => `r.${name} = ${value};`;
  switch (kind) {
    case 'FString':
    case 'FDevice':
      return [set('strdup("")'), set('strdup("\\xc3\\xa9\\xff")'), set(`strdup("${index}")`)];
    case 'FUUID':
      return [
        '',
        `memset(r.${name}, 'f', 32);`,
        `memcpy(r.${name}, "${String(index).padStart(32, '0')}", 32);`,
      ];
    case 'FBuffer': {
      const buffer = (data: string, size: number) =>
        `r.${name} = copy("${data}", ${size}); r.${name}_len = ${size};`;
      return [buffer('', 0), buffer('a\\0\\xff', 3), buffer(String(index), String(index).length)];
    }
    case 'FChar':
      return ['', set("'\\xff'"), set(`'a' + ${index}`)];
    case 'FInt32':
      return [set('INT32_MIN'), set('INT32_MAX'), set(index)];
    case 'FUInt32':
      return [set(0), set('UINT32_MAX'), set(index)];
    case 'FInt64':
      return [set('INT64_MIN'), set('INT64_MAX'), set(index)];
    case 'FBytes':
    case 'FUInt64':
      return [set(0), set('UINT64_MAX'), set(index)];
    case 'FOptPercent':
      return [set(-1), set(100), set(index + 0.5)];
    default:
      throw new Error(`the stand-in does not know the field kind ${kind}`);
  }
}

/** The same, in JavaScript. */
export function expectedField({ kind }: ApiField, index: number): [unknown, unknown, unknown] {
  const text = String(index);
  switch (kind) {
    case 'FString':
    case 'FDevice':
      return ['', 'é\udcff', text];
    case 'FUUID':
      return ['', 'f'.repeat(32), text.padStart(32, '0')];
    case 'FBuffer':
      return [Buffer.of(), Buffer.of(0x61, 0, 0xff), Buffer.from(text)];
    case 'FChar':
      return ['', '\udcff', String.fromCharCode('a'.charCodeAt(0) + index)];
    case 'FInt32':
      return [-(2 ** 31), 2 ** 31 - 1, index];
    case 'FUInt32':
      return [0, 2 ** 32 - 1, index];
    case 'FInt64':
      return [-(2n ** 63n), 2n ** 63n - 1n, BigInt(index)];
    case 'FBytes':
    case 'FUInt64':
      return [0n, 2n ** 64n - 1n, BigInt(index)];
    case 'FOptPercent':
      return [null, 100, index + 0.5];
    default:
      throw new Error(`the stand-in does not know the field kind ${kind}`);
  }
}

function structType({ name, fields }: ApiStruct): string {
  return `
struct guestfs_${name} { ${fields.map(fieldType).join(' ')} };
struct guestfs_${name}_list { uint32_t len; struct guestfs_${name} *val; };`;
}

/** A struct's free functions: the installed libguestfs has them only of structs that it knows. */
function structFree({ name, fields }: ApiStruct): string {
  const owned = fields.filter(({ kind }) => ['FString', 'FDevice', 'FBuffer'].includes(kind));
  return `
static void clear_${name}(struct guestfs_${name} *r) { ${owned.map((field) => `free(r->${field.name});`).join(' ')} }
void guestfs_free_${name}(struct guestfs_${name} *r) {
  clear_${name}(r);
  free(r);
}
void guestfs_free_${name}_list(struct guestfs_${name}_list *r) {
  for (uint32_t i = 0; i < r->len; i++) clear_${name}(&r->val[i]);
  free(r->val);
  free(r);
}`;
}

function structMaker({ name, fields }: ApiStruct): string {
  const type = `struct guestfs_${name}`;
  const values = fields.map(fieldValues);
  const branches = [0, 1, 2].map((i) => `  if (variant == ${i}) { ${values.map((v) => v[i]).join(' ')} }`);
  return `
static ${type} make_${name}(int variant) {
  ${type} r;
  memset(&r, 0, sizeof r);
${branches.join('\n')}
  return r;
}
static ${type} *new_${name}(int variant) {
  ${type} *r = malloc(sizeof *r);
  *r = make_${name}(variant);
  return r;
}
static ${type}_list *new_${name}_list(uint32_t length) {
  ${type}_list *r = malloc(sizeof *r);
  r->len = length;
  r->val = calloc(length + 1, sizeof *r->val);
  for (uint32_t i = 0; i < length; i++) r->val[i] = make_${name}(i);
  return r;
}`;
}

const argumentTypes = {
  String: 'const char *',
  OptString: 'const char *',
  StringList: 'char *const *',
  Bool: 'int ',
  Int: 'int ',
  Int64: 'int64_t ',
};

function returnType({ kind, struct }: ApiFunction['ret']): string {
  if (kind === 'RStruct') return `struct guestfs_${struct} *`;
  if (kind === 'RStructList') return `struct guestfs_${struct}_list *`;
  if (/^RConst/.test(kind)) return 'const char *';
  if (kind === 'RString' || kind === 'RBufferOut') return 'char *';
  if (kind === 'RStringList' || kind === 'RHashtable') return 'char **';
  return kind === 'RInt64' ? 'int64_t ' : 'int ';
}

/** C's expressions of what a function returns in its turns. */
function returns({ kind, struct }: ApiFunction['ret']): [string, string, string] {
  switch (kind) {
    case 'RErr':
      return ['0', '0', '-1'];
    case 'RBool':
      return ['0', '1', '-1'];
    case 'RInt':
      return ['INT_MIN', 'INT_MAX', '-1'];
    case 'RInt64':
      return ['INT64_MIN', 'INT64_MAX', '-1'];
    case 'RConstString':
    case 'RConstOptString':
      return ['""', '"\\xc3\\xa9\\xff"', 'NULL'];
    case 'RString':
      return ['strdup("")', 'strdup("\\xc3\\xa9\\xff")', 'NULL'];
    case 'RBufferOut':
      return ['(*size = 0, copy("", 0))', '(*size = 3, copy("a\\0\\xff", 3))', 'NULL'];
    case 'RStringList':
      return ['copy_list(NULL, 0)', 'copy_list((const char *[]){"", "\\xff", "b"}, 3)', 'NULL'];
    case 'RHashtable':
      return ['copy_list(NULL, 0)', 'copy_list((const char *[]){"", "", "\\xff", "v"}, 4)', 'NULL'];
    case 'RStruct':
      return [`new_${struct}(0)`, `new_${struct}(1)`, 'NULL'];
    case 'RStructList':
      return [`new_${struct}_list(0)`, `new_${struct}_list(3)`, 'NULL'];
    default:
      throw new Error(`the stand-in does not know the return kind ${kind}`);
  }
}

function parameter({ name, kind }: ApiArgument): string {
  if (kind === 'BufferIn') return `const char *p_${name}, size_t p_${name}_size`;
  return `${argumentTypes[kind]}p_${name}`;
}

function record({ name, kind }: ApiArgument): string {
  if (kind === 'BufferIn') return `  put_bytes(p_${name}, p_${name}_size);`;
  return `  put_${kind}(p_${name});`;
}

function optionsType({ cName, options }: ApiFunction): string {
  const members = options.map(({ name, kind }) => `${argumentTypes[kind]}${name};`);
  return `struct guestfs_${cName}_argv { uint64_t bitmask; ${members.join(' ')} };`;
}

function fake(fn: ApiFunction): string {
  const { name, cName, args, options, ret } = fn;
  const argv = options.length > 0 ? [`const struct guestfs_${cName}_argv *o`] : [];
  const size = ret.kind === 'RBufferOut' ? ['size_t *size'] : [];
  const parameters = ['guestfs_h *g', ...args.map(parameter), ...size, ...argv];
  const [low, high, error] = returns(ret);
  const records = options.map(
    (o, bit) =>
      `  if (o->bitmask & UINT64_C(1) << ${bit}) { option("${o.name}"); put_${o.kind}(o->${o.name}); }`,
  );
  return `
${options.length > 0 ? optionsType(fn) : ''}
${returnType(ret)}guestfs_${cName}${argv.length > 0 ? '_argv' : ''}(${parameters.join(', ')}) {
  static int calls;
  const int turn = calls++ % 3;
  begin("${name}");
${args.map(record).join('\n')}
  options();
${records.join('\n')}
  end();
  return turn == 0 ? ${low} : turn == 1 ? ${high} : ${error};
}`;
}
