/** The API tables, as the generator's own input: what the generated code is tried against. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './script';

export type ArgumentKind = 'String' | 'OptString' | 'StringList' | 'Bool' | 'Int' | 'Int64' | 'BufferIn';

export interface ApiArgument {
  readonly name: string;
  readonly kind: ArgumentKind;
  /** The least value of an Int64. */
  readonly min?: number;
}

export interface ApiOption extends ApiArgument {
  readonly kind: Exclude<ArgumentKind, 'BufferIn'>;
}

export interface ApiFunction {
  readonly name: string;
  /** The C name, without the prefix. */
  readonly cName: string;
  readonly ret: { readonly kind: string; readonly struct?: string };
  readonly args: readonly ApiArgument[];
  readonly options: readonly ApiOption[];
  /** Words that an option takes, by its name. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiField {
  readonly name: string;
  readonly kind: string;
}

export interface ApiStruct {
  readonly name: string;
  readonly fields: readonly ApiField[];
}

export interface Api {
  readonly functions: readonly ApiFunction[];
  /** Those that functions return. */
  readonly structs: readonly ApiStruct[];
}

interface FunctionRecord extends Partial<Omit<ApiFunction, 'name' | 'ret'>> {
  readonly name: string;
  readonly ret: ApiFunction['ret'];
  readonly opts?: boolean;
}

export function readApi(): Api {
  const functions = [...table<FunctionRecord>('functions'), ...table<FunctionRecord>('internal-test')].map(
    ({ opts, args = [], options = [], ...fn }) => {
      return { ...fn, cName: opts ? `${fn.name}_opts` : fn.name, args, options };
    },
  );
  const returned = new Set(functions.map(({ ret }) => ret.struct));
  const structs = table<ApiStruct>('structs').filter(({ name }) => returned.has(name));
  return { functions, structs };
}

function table<T>(name: string): T[] {
  return JSON.parse(readFileSync(join(root, `api/${name}.json`), 'utf8'));
}
