import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiArgument, type ApiFunction, type ApiStruct, readApi } from '../support/api';
import { temporaryFolder } from '../support/folder';
import { runScript } from '../support/script';
import { compileStandIn, expectedField, type Received } from '../support/stand-in';

// Every function of api/, whichever libguestfs is installed, over a stand-in for it that says what reached it.

const { functions, structs } = readApi();
/** Every handle calls these by itself when it is made. */
const madeBefore = ['set_pgroup', 'parse_environment'];

const camel = (name: string) => name.replace(/_+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase());

/** How a function is called, and what is to come of it. */
interface Call {
  readonly fn: ApiFunction;
  readonly args: unknown[];
  readonly options: Record<string, unknown>;
  readonly turn: 0 | 1 | 2;
}

/** Least and most of each kind, as different from each other as can be. */
function argument({ name, kind, min }: ApiArgument, high: boolean, i: number): unknown {
  switch (kind) {
    case 'String':
      return high ? `${name} é\udcff` : '';
    case 'OptString':
      return high ? `${name} é\udcff` : null;
    case 'StringList':
      return high ? [name, '', '\udcff'] : [];
    case 'BufferIn':
      return high ? Buffer.from(`${name}\0\xff`, 'latin1') : '';
    case 'Bool':
      return high;
    case 'Int':
      return high ? 2 ** 31 - 1 - i : -(2 ** 31) + i;
    case 'Int64':
      return high ? 2n ** 63n - 1n - BigInt(i) : (min === undefined ? -(2n ** 63n) : BigInt(min)) + BigInt(i);
  }
}

/** All least without options, all most with all options, and each option alone. */
function callsOf(fn: ApiFunction): Call[] {
  const values = (list: readonly ApiArgument[], high: boolean) =>
    list.map((item, i) => argument(item, high, i));
  const chosen = (name: string, high: boolean) => fn.choices?.[name]?.at(high ? -1 : 0);
  const named = (list: readonly ApiArgument[], high: boolean) =>
    Object.fromEntries(
      list.map((item, i) => [item.name, chosen(item.name, high) ?? argument(item, high, i)]),
    );
  const plain = [
    { args: values(fn.args, false), options: {} },
    { args: values(fn.args, true), options: named(fn.options, true) },
    { args: values(fn.args, true), options: named(fn.options, false) },
  ];
  const alone = fn.options.map((option) => ({
    args: values(fn.args, false),
    options: named([option], true),
  }));
  const before = madeBefore.includes(fn.name) ? 1 : 0;
  return [...plain, ...alone].map((call, i) => ({ ...call, fn, turn: ((before + i) % 3) as 0 | 1 | 2 }));
}

const calls = functions.flatMap(callsOf);
/** By the names that functions have besides. */
const callsByOtherNames = functions.filter(({ name, cName }) => name !== cName).flatMap(callsOf);

/** What the stand-in writes of a call. */
function sent({ fn, args, options }: Call): Received {
  const values = Object.entries(options).map(([name, value]) => [name, written(value)]);
  return { fn: fn.name, args: args.map(written), options: Object.fromEntries(values) };
}

/** What the stand-in writes of a value. */
function written(value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === 'string') return hexOf(value);
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return String(typeof value === 'boolean' ? Number(value) : value);
}

/** With the bytes that lone surrogates stand for. */
function hexOf(text: string): string {
  const parts = text.match(/[\udc80-\udcff]|[^\udc80-\udcff]+/g) ?? [];
  const isByte = (part: string) => part >= '\udc80' && part <= '\udcff';
  return parts
    .map((part) => (isByte(part) ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part)).toString('hex'))
    .join('');
}

function structValue(struct: ApiStruct, variant: number): object {
  return Object.fromEntries(
    struct.fields.map((field, i) => [camel(field.name), expectedField(field, i)[variant]]),
  );
}

const noReason = { code: 'ERR_GUESTFS', errno: 0, message: 'libguestfs gave no reason' };

/** What a function returns in its turns. */
function expected({ kind, struct: name }: ApiFunction['ret'], turn: 0 | 1 | 2): unknown {
  if (turn === 2) return kind === 'RConstOptString' ? null : noReason;
  const struct = structs.find((s) => s.name === name) as ApiStruct;
  const values: Record<string, () => [low: unknown, high: unknown]> = {
    RErr: () => [undefined, undefined],
    RBool: () => [false, true],
    RInt: () => [-(2 ** 31), 2 ** 31 - 1],
    RInt64: () => [-(2n ** 63n), 2n ** 63n - 1n],
    RConstString: () => ['', 'é\udcff'],
    RConstOptString: () => ['', 'é\udcff'],
    RString: () => ['', 'é\udcff'],
    RBufferOut: () => [Buffer.of(), Buffer.of(0x61, 0, 0xff)],
    RStringList: () => [[], ['', '\udcff', 'b']],
    RHashtable: () => [
      new Map(),
      new Map([
        ['', ''],
        ['\udcff', 'v'],
      ]),
    ],
    RStruct: () => [structValue(struct, 0), structValue(struct, 1)],
    RStructList: () => [[], [0, 1, 2].map((variant) => structValue(struct, variant))],
  };
  return values[kind]?.()[turn];
}

const folder = temporaryFolder();
let received: Received[] = [];
let results: unknown[] = [];

beforeAll(async () => {
  const library = compileStandIn({ functions, structs }, folder);
  const plan = {
    calls: calls.map(({ fn, args, options }) => [camel(fn.name), args, options]),
    byOtherNames: callsByOtherNames.map(({ fn, args, options }) => [camel(fn.cName), args, options]),
  };
  writeFileSync(folder.file('plan'), serialize(plan));
  const { code, stderr } = await runScript(
    `
      const { readFileSync, writeFileSync } = require('node:fs');
      const { deserialize, serialize } = require('node:v8');
      const g = new Guestfs();
      const results = [];
      const plan = deserialize(readFileSync(process.env.PLAN));
      for (const [name, args, options] of plan.calls) {
        const result = g[invoke](name, args, options);
        results.push(await result.then(
          (value) => ({ value }),
          ({ code, errno, message }) => ({ error: { code, errno, message } }),
        ));
      }
      for (const [name, args, options] of plan.byOtherNames) {
        await g[name](...args, options).catch(() => undefined);
      }
      writeFileSync(process.env.RESULTS, serialize(results));
      await g.close();
    `,
    {
      env: {
        LD_PRELOAD: library,
        STAND_IN_OUTPUT: folder.file('output'),
        PLAN: folder.file('plan'),
        RESULTS: folder.file('results'),
      },
    },
  );
  if (code !== 0) throw new Error(`the calls over the stand-in ended with ${code}:\n${stderr}`);
  const lines = readFileSync(folder.file('output'), 'utf8').trimEnd().split('\n');
  received = lines.map((line) => JSON.parse(line) as Received);
  results = deserialize(readFileSync(folder.file('results')));
}, 60_000);

afterAll(() => folder[Symbol.dispose]());

test('there are hundreds of them', () => {
  expect(functions.length).toBeGreaterThan(620);
  expect(results).toHaveLength(calls.length);
});

test('each is reached with all arguments and options in their places', () => {
  expect(received.slice(0, madeBefore.length).map(({ fn }) => fn)).toEqual(madeBefore);
  expect(received.slice(madeBefore.length, madeBefore.length + calls.length)).toEqual(calls.map(sent));
});

test('17 of them also by the name of the C function', () => {
  expect(new Set(callsByOtherNames.map(({ fn }) => fn)).size).toBe(17);
  expect(received.slice(madeBefore.length + calls.length)).toEqual(callsByOtherNames.map(sent));
});

describe('each return kind', () => {
  const kinds = [...new Set(functions.map(({ ret }) => ret.kind))];

  test('is there', () => {
    expect(kinds).toHaveLength(12);
  });

  test.each(kinds)('%s: least, most and error, whichever function', (kind) => {
    for (const [i, { fn, turn }] of calls.entries()) {
      if (fn.ret.kind !== kind) continue;
      const value = expected(fn.ret, turn);
      const result = value === noReason ? { error: noReason } : { value };
      expect([fn.name, results[i]]).toEqual([fn.name, result]);
    }
  });
});

describe('each struct', () => {
  test.each(structs.map((struct) => [struct.name, struct] as const))('%s', (name, struct) => {
    const i = calls.findIndex(({ fn, turn }) => fn.ret.struct === name && turn === 1);
    const { value } = results[i] as { value: object | object[] };
    const [found] = [value].flat().slice(-1);
    expect(Object.keys(found as object)).toEqual(struct.fields.map((field) => camel(field.name)));
  });
});
