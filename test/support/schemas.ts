/** The schemas of what commands print, more strictly than they are for others: no member may be there that they do not tell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import { root } from './script';

const ajv = new Ajv({ strict: false, allErrors: true });

interface Schema {
  [name: string]: unknown;
}

function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema as Schema).map(([key, value]) => [key, strict(value)]),
  );
  const isClosed = inner.properties !== undefined && inner.additionalProperties === undefined;
  return isClosed ? { ...inner, additionalProperties: false } : inner;
}

export function schemaOf(name: string): ValidateFunction {
  const path = join(root, `schemas/${name}-1.json`);
  const known = ajv.getSchema(name);
  if (known) return known;
  const { $id: _, ...schema } = strict(JSON.parse(readFileSync(path, 'utf8'))) as Schema;
  ajv.addSchema({ ...schema, $id: name });
  return ajv.getSchema(name) as ValidateFunction;
}

/** What is wrong with a value; null when nothing is. */
export function schemaErrors(name: string, value: unknown): unknown {
  const validate = schemaOf(name);
  validate(value);
  return validate.errors ?? null;
}
