/** The API tables, as far as the installed guestfs.h knows them too. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './script';

export type ArgumentKind = 'String' | 'OptString' | 'StringList' | 'Bool' | 'Int' | 'Int64' | 'BufferIn';

export interface ApiArgument {
  readonly name: string;
  readonly kind: ArgumentKind;
  /** Of an Int64. */
  readonly min?: number;
}

export interface ApiFunction {
  readonly name: string;
  /** The C name, without the prefix. */
  readonly cName: string;
  readonly ret: { readonly kind: string; readonly struct?: string };
  readonly args: readonly ApiArgument[];
  readonly options: readonly ApiArgument[];
}

export interface ApiField {
  readonly name: string;
  /** The name in the installed guestfs.h. */
  readonly cName: string;
  readonly kind: string;
}

export interface ApiStruct {
  readonly name: string;
  readonly fields: readonly ApiField[];
}

export interface Api {
  readonly functions: readonly ApiFunction[];
  readonly structs: readonly ApiStruct[];
  /** Functions and options that the header does not know, by their C names. */
  readonly newer: readonly string[];
}

/** The compiler's, for guestfs.h with libguestfs's internal functions too. */
export const headerFlags = [
  '-DGUESTFS_PRIVATE=1',
  ...execFileSync('pkg-config', ['--cflags', 'libguestfs'], { encoding: 'utf8' })
    .split(/\s+/)
    .filter(Boolean),
];

interface FunctionRecord extends Partial<Omit<ApiFunction, 'name' | 'ret'>> {
  readonly name: string;
  readonly ret: ApiFunction['ret'];
  readonly opts?: boolean;
}

interface StructRecord {
  readonly name: string;
  readonly fields: readonly { name: string; kind: string; formerly?: string }[];
}

export function readApi(): Api {
  const header = execFileSync('cc', ['-E', '-dD', ...headerFlags, '-include', 'guestfs.h', '-'], {
    encoding: 'utf8',
    input: '',
    maxBuffer: 1 << 26,
  });
  const words = new Set(header.match(/\w+/g));
  const newer: string[] = [];
  const known = (word: string) => {
    if (!words.has(word)) newer.push(word);
    return words.has(word);
  };
  const functions = [...table<FunctionRecord>('functions'), ...table<FunctionRecord>('internal-test')]
    .map(({ opts, args = [], options = [], ...fn }) => {
      const cName = opts ? `${fn.name}_opts` : fn.name;
      return { ...fn, cName, args, options };
    })
    .filter((fn) => known(`guestfs_${fn.cName}`))
    .map((fn) => ({ ...fn, options: fn.options.filter((option) => known(bitOf(fn, option))) }));
  const structs = table<StructRecord>('structs').map(({ name, fields }) => ({
    name,
    fields: fields.map(({ formerly, ...field }) => {
      return { ...field, cName: formerly && !words.has(field.name) ? formerly : field.name };
    }),
  }));
  return { functions, structs, newer };
}

/** The macro with an option's bit. */
export function bitOf(fn: ApiFunction, option: ApiArgument): string {
  return `GUESTFS_${fn.cName}_${option.name}_BITMASK`.toUpperCase();
}

function table<T>(name: string): T[] {
  return JSON.parse(readFileSync(join(root, `api/${name}.json`), 'utf8'));
}
