// What a test of the API says of its last call's result.
import { createHash } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { camel } from '../generator/api.mjs';
import { explain } from './call.mjs';
import { decode, show } from './values.mjs';

const comparisons = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const fileTypes = {
  REG: constants.S_IFREG,
  DIR: constants.S_IFDIR,
  CHR: constants.S_IFCHR,
  BLK: constants.S_IFBLK,
  FIFO: constants.S_IFIFO,
  LNK: constants.S_IFLNK,
  SOCK: constants.S_IFSOCK,
};

/** Checks of the result, each with what it found otherwise, undefined for nothing. */
const checks = {
  noError: () => undefined,
  truthy: ({ value }) => unless(Boolean(value), 'true', value),
  falsy: ({ value }) => unless(!value, 'false', value),
  strEq: ({ value, expected }) => unless(value === expected, show(expected), value),
  stringListEq: ({ value, expected }) => unless(isDeepStrictEqual(value, expected), show(expected), value),
  bufferEq: ({ value, expected }) => unless(isDeepStrictEqual(value, expected), show(expected), value),
  hashSize: ({ value, expected }) => unless(value.size === expected, `${expected} entries`, value),
  hashEq: ({ value, key, expected }) =>
    unless(value.get(key) === expected, `${key}: ${show(expected)}`, value),
  // Anywhere in the text, as libguestfs's own tests match.
  hashMatch: ({ value, key, pattern }) =>
    unless(value.has(key) && new RegExp(pattern).test(value.get(key)), `${key}: /${pattern}/`, value),
  strMatch: ({ value, pattern }) => unless(new RegExp(pattern).test(value), `/${pattern}/`, value),

  cmp: ({ value, expected, cmp }) =>
    unless(comparisons[cmp](BigInt(value), BigInt(expected)), `${cmp} ${expected}`, value),

  modeType: ({ value, type }) =>
    unless((Number(value) & constants.S_IFMT) === fileTypes[type], `a mode of type ${type}`, value),

  fileMd5Eq: ({ value, path }) => {
    const expected = createHash('md5').update(readFileSync(path)).digest('hex');
    return unless(value === expected, expected, value);
  },

  async deviceEq({ value, expected, g }) {
    return unless((await g.canonicalDeviceName(value)) === expected, show(expected), value);
  },

  async deviceListEq({ value, expected, g }) {
    const names = [];
    for (const device of value) names.push(await g.canonicalDeviceName(device));
    return unless(isDeepStrictEqual(names, expected), show(expected), value);
  },

  async and({ args, result, g }) {
    for (const part of args) {
      const reason = await check(part, { value: result }, g);
      if (reason !== undefined) return reason;
    }
    return undefined;
  },

  async or({ args, result, g }) {
    const reasons = [];
    for (const part of args) {
      const reason = await check(part, { value: result }, g);
      if (reason === undefined) return undefined;
      reasons.push(reason);
    }
    return reasons.join(', and ') || 'none of no checks holds';
  },
};

const isString = (value) => typeof value === 'string';
const isStruct = (value) => Object.getPrototypeOf(value) === Object.prototype;

/** What each return kind is in JavaScript. */
const returnKinds = {
  RErr: (value) => value === undefined,
  RBool: (value) => typeof value === 'boolean',
  RInt: (value) => Number.isInteger(value),
  RInt64: (value) => typeof value === 'bigint',
  RConstString: isString,
  RConstOptString: (value) => value === null || isString(value),
  RString: isString,
  RStringList: (value) => Array.isArray(value) && value.every(isString),
  RHashtable: (value) => value instanceof Map && [...value].flat().every(isString),
  RBufferOut: (value) => Buffer.isBuffer(value),
  RStruct: isStruct,
  RStructList: (value) => Array.isArray(value) && value.every(isStruct),
};

/** Whether a result is what calls of its return kind give. */
export function checkKind({ kind }, value) {
  if (!Object.hasOwn(returnKinds, kind)) throw new Error(`the return kind ${kind} is not known here`);
  return unless(returnKinds[kind](value), `a result of kind ${kind}`, value);
}

/** What is wrong with the last call's `{ value }` or `{ error }`, an answer of libguestfs; undefined for nothing. */
export async function check(spec, { value, error }, g) {
  if (spec.op === 'lastCallFails') return unless(error !== undefined, 'it to fail', value);
  if (spec.op === 'lastCallSucceedsOrErrno') {
    return error === undefined || error.code === spec.errno ? undefined : explain(error);
  }
  if (error) return explain(error);
  if (!Object.hasOwn(checks, spec.op)) throw new Error(`the check ${spec.op} is not known here`);
  const part = select(spec.value, value);
  return checks[spec.op]({ ...spec, value: part, expected: decode(spec.expected), result: value, g });
}

/** The part of the result that a check is about. */
function select({ field, mask } = {}, value) {
  const whole = field === undefined ? value : value[camel(field)];
  return mask === undefined ? whole : BigInt(whole) & BigInt(mask);
}

function unless(holds, expected, actual) {
  return holds ? undefined : `expected ${expected}, got ${show(actual)}`;
}
