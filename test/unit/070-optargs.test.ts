import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { internalTest } from '../support/internal';

/** What `internal_test_63_optargs` or `internal_test` wrote of its arguments, line by line. */
async function written(body: (g: Guestfs) => Promise<void>): Promise<string[]> {
  using folder = temporaryFolder();
  await using g = new Guestfs();
  await internalTest(g, 'SetOutput', [folder.file('output')]);
  await body(g);
  await internalTest(g, 'CloseOutput');
  return readFileSync(folder.file('output'), 'utf8').trimEnd().split('\n');
}

const required = ['abc', null, [], false, 0, 0, '/dev/null', '/dev/null', ''];

async function optional(options?: object): Promise<string[]> {
  const lines = await written((g) => internalTest(g, '', required, options));
  return lines.filter((line) => /^o/.test(line));
}

const unset = ['obool: unset', 'oint: unset', 'oint64: unset', 'ostring: unset', 'ostringlist: unset'];

/** The lines of `unset` with others in their places. */
function except(...lines: string[]): string[] {
  return unset.map((line) => lines.find((other) => other.split(':')[0] === line.split(':')[0]) ?? line);
}

describe('optional arguments', () => {
  test('none', async () => {
    expect(await optional()).toEqual(unset);
    expect(await optional({})).toEqual(unset);
  });

  test('all', async () => {
    const options = { obool: true, oint: 5, oint64: 6n, ostring: 's', ostringlist: ['a', 'b'] };
    const lines = ['obool: true', 'oint: 5', 'oint64: 6', 'ostring: s', 'ostringlist: ["a", "b"]'];
    expect(await optional(options)).toEqual(lines);
  });

  test.each<[string, unknown, string]>([
    ['obool', true, 'obool: true'],
    ['obool', false, 'obool: false'],
    ['oint', 0, 'oint: 0'],
    ['oint', -(2 ** 31), 'oint: -2147483648'],
    ['oint', 2 ** 31 - 1, 'oint: 2147483647'],
    ['oint64', 0, 'oint64: 0'],
    ['oint64', -(2n ** 63n), 'oint64: -9223372036854775808'],
    ['oint64', 2n ** 63n - 1n, 'oint64: 9223372036854775807'],
    ['oint64', Number.MAX_SAFE_INTEGER, 'oint64: 9007199254740991'],
    ['ostring', '', 'ostring: '],
    ['ostringlist', [], 'ostringlist: []'],
    ['ostringlist', [''], 'ostringlist: [""]'],
  ])('only %s: %p', async (name, value, line) => {
    expect(await optional({ [name]: value })).toEqual(except(line));
  });

  test('one that is undefined is not set', async () => {
    expect(await optional({ obool: undefined, oint: 1 })).toEqual(except('oint: 1'));
  });

  test('in any order', async () => {
    const lines = except('ostring: x', 'obool: true');
    expect(await optional({ ostring: 'x', obool: true })).toEqual(lines);
  });

  test('beside a signal and onProgress', async () => {
    const { signal } = new AbortController();
    const options = { signal, onProgress: () => undefined, killOnAbort: false, oint: 7 };
    expect(await optional(options)).toEqual(except('oint: 7'));
  });

  test('inherited from defaults', async () => {
    const options = Object.assign(Object.create({ oint: 7 }), { obool: true });
    expect(await optional(options)).toEqual(except('oint: 7', 'obool: true'));
  });
});

describe('63 optional arguments', () => {
  test('each has its own bit', async () => {
    const options = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`opt${i + 1}`, i + 1]));
    await written((g) => internalTest(g, '63Optargs', [], options));
  });

  test('the last alone', async () => {
    await written((g) => internalTest(g, '63Optargs', [], { opt63: 63 }));
  });
});

test('nothing but optional arguments', async () => {
  await written((g) => internalTest(g, 'OnlyOptargs'));
  await written((g) => internalTest(g, 'OnlyOptargs', [], { test: 42 }));
});

test('of a real function', async () => {
  await using g = new Guestfs();
  await g.addDriveScratch(1024 * 1024, { label: 'data', name: 'sdx' });
  const drives = await g.debugDrives();
  expect(drives).toHaveLength(1);
  expect(drives[0]).toContain('label=data');
  expect(drives[0]).toContain('name=sdx');
});
