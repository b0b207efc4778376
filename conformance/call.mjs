// Makes a call that a data file describes by libguestfs's names.
import { createRequire } from 'node:module';
import { GuestfsError } from 'guestfs';
import { camel } from '../generator/api.mjs';
import { decode } from './values.mjs';

const require = createRequire(import.meta.url);
const { invoke } = require('../dist/calls/invoke.js');
const { functions } = require('../dist/native/addon.js');

/** `extra` are options of this package's own, as a signal. Without any option at all none are passed. */
export async function call(g, { fn, args, optargs = {}, optargsOmitted }, extra) {
  const name = camel(fn);
  if (!functions.has(name)) throw new Error(`this package does not have the function ${fn}`);
  const options = optargsOmitted && !extra ? undefined : { ...decodeOptions(optargs), ...extra };
  // libguestfs's internal functions have no methods.
  if (fn.startsWith('internal_')) return g[invoke](name, decode(args), options);
  return g[name](...decode(args), options);
}

/** Options keep libguestfs's names. */
function decodeOptions(optargs) {
  return Object.fromEntries(Object.entries(optargs).map(([name, value]) => [name, decode(value)]));
}

const notFromLibguestfs = new Set([
  'ERR_GUESTFS_CLOSED',
  'ERR_GUESTFS_TERMINATED',
  'ERR_GUESTFS_TIMEOUT',
  'ERR_GUESTFS_UNSUPPORTED',
]);

/** Whether an error is libguestfs's answer to the call: not this package's refusal, not the end of the appliance. */
export function isAnswer(error) {
  return error instanceof GuestfsError && !notFromLibguestfs.has(error.code);
}

export function explain(error) {
  return error.code ? `${error.message} (${error.code})` : `${error.name}: ${error.message}`;
}
