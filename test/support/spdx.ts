import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { root } from './script';

let validate: ValidateFunction | undefined;

/** What the official schema of SPDX 2.3 says is wrong with a document. */
export function spdxErrors(document: object): unknown[] {
  if (!validate) {
    const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
    validate = ajv.compile(JSON.parse(readFileSync(join(root, 'test/schemas/spdx-2.3.json'), 'utf8')));
  }
  // As it is read again from its text.
  return validate(JSON.parse(JSON.stringify(document))) ? [] : (validate.errors ?? []);
}
