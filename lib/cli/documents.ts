// Files of this machine that say what a command is to do, in JSON or YAML, and modules with functions for it.
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bytesOf } from '../text/bytes';
import { UsageError } from './command';

const yaml = new Set(['.yaml', '.yml']);
const modules = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);

export function isModule(file: string): boolean {
  return modules.has(extname(file).toLowerCase());
}

/** What a file in JSON, or by its name in YAML, says. @throws UsageError where it cannot be read */
export async function readDocument(command: string, file: string): Promise<unknown> {
  const isYaml = yaml.has(extname(file).toLowerCase());
  try {
    const text = await readFile(bytesOf(file), 'utf8');
    if (!isYaml) return JSON.parse(text);
    const { parse } = require('yaml') as typeof import('yaml');
    return parse(text);
  } catch (error) {
    const kind = isYaml ? 'YAML' : 'JSON';
    throw new UsageError(`${command}: ${file} cannot be read as ${kind}: ${(error as Error).message}`);
  }
}

/** What a module exports by default. It is run: who names it trusts it. @throws UsageError where it cannot be loaded */
export async function loadModule(command: string, file: string): Promise<unknown> {
  try {
    const loaded = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown };
    const own = loaded.default;
    // A module of CommonJS that was made of one of ECMAScript.
    return own instanceof Object && 'default' in own ? own.default : own;
  } catch (error) {
    throw new UsageError(`${command}: ${file} cannot be loaded: ${(error as Error).message}`);
  }
}
