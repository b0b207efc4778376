import { afterAll, describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { Calls } from '../../lib/calls/calls';
import { FakeNative } from '../support/fake-native';
import { failureOf, internalTest } from '../support/internal';

const g = new Guestfs();
afterAll(() => g.close());

const call = <T>(name: string, ...args: unknown[]) => internalTest<T>(g, name, args);

describe('every return kind', () => {
  test('nothing', async () => {
    expect(await call('CloseOutput')).toBeUndefined();
  });

  test.each([
    ['0', 0],
    ['10', 10],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
  ])('Int %s', async (text, value) => {
    expect(await call('Rint', text)).toBe(value);
  });

  test.each([
    ['0', 0n],
    ['10', 10n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
  ])('Int64 %s', async (text, value) => {
    expect(await call('Rint64', text)).toBe(value);
  });

  test('Bool', async () => {
    expect(await call('Rbool', 'true')).toBe(true);
    expect(await call('Rbool', 'false')).toBe(false);
  });

  test('ConstString and ConstOptString', async () => {
    expect(await call('Rconststring', 'x')).toBe('static string');
    expect(await call('Rconstoptstring', 'x')).toBe('static string');
  });

  test('ConstOptString null, which is no error', async () => {
    expect(await call('Rconstoptstringerr')).toBeNull();
  });

  test('String', async () => {
    expect(await call('Rstring', 'string')).toBe('string');
    expect(await call('Rstring', '')).toBe('');
  });

  test('a string of ten million bytes', async () => {
    const long = 'x'.repeat(10_000_000);
    expect((await call<string>('Rstring', long)) === long).toBe(true);
  });

  test('StringList', async () => {
    expect(await call('Rstringlist', '0')).toEqual([]);
    expect(await call('Rstringlist', '3')).toEqual(['0', '1', '2']);
  });

  test('a list of a hundred thousand strings', async () => {
    const list = await call<string[]>('Rstringlist', '100000');
    expect(list).toHaveLength(100_000);
    expect(list.at(-1)).toBe('99999');
  });

  test('Struct', async () => {
    expect(await call('Rstruct', 'x')).toEqual(pv(0));
  });

  test('StructList', async () => {
    expect(await call('Rstructlist', '0')).toEqual([]);
    expect(await call('Rstructlist', '3')).toEqual([pv(0), pv(1), pv(2)]);
  });

  test('Hashtable', async () => {
    const map = await call<Map<string, string>>('Rhashtable', '12');
    expect(map).toBeInstanceOf(Map);
    expect([...map]).toEqual(Array.from({ length: 12 }, (_, i) => [`${i}`, `${i}`]));
    expect((await call<Map<string, string>>('Rhashtable', '0')).size).toBe(0);
  });

  test('BufferOut', async () => {
    const buffer = await call<Buffer>('Rbufferout', 'abc');
    expect(Buffer.isBuffer(buffer)).toBe(true);
    expect(buffer).toEqual(Buffer.from('abc'));
    expect(await call('Rbufferout', '')).toEqual(Buffer.alloc(0));
  });

  test('BufferOut of bytes that are no text', async () => {
    expect(await call('Rbufferout', '\udc80\udcffé\udcfe')).toEqual(
      Buffer.from([0x80, 0xff, 0xc3, 0xa9, 0xfe]),
    );
  });

  test('BufferOut is the program’s own', async () => {
    const [first, second] = [
      await call<Buffer>('Rbufferout', 'abc'),
      await call<Buffer>('Rbufferout', 'abc'),
    ];
    first.fill(0);
    expect(second.toString()).toBe('abc');
  });
});

/** The physical volume that libguestfs makes up. */
function pv(i: number) {
  const n = BigInt(i);
  return {
    pvName: `pv${i}`,
    pvUuid: '12345678901234567890123456789012',
    pvFmt: 'unknown',
    pvSize: n,
    devSize: n,
    pvFree: n,
    pvUsed: n,
    pvAttr: `attr${i}`,
    pvPeCount: n,
    pvPeAllocCount: n,
    pvTags: `tag${i}`,
    peStart: n,
    pvMdaCount: n,
    pvMdaFree: n,
  };
}

describe('every return kind fails', () => {
  test.each([
    'Rinterr',
    'Rint64err',
    'Rboolerr',
    'Rconststringerr',
    'Rstringerr',
    'Rstringlisterr',
    'Rstructerr',
    'Rstructlisterr',
    'Rhashtableerr',
    'Rbufferouterr',
  ])('%s', async (name) => {
    const error = await failureOf(call(name));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({
      message: 'error',
      code: 'ERR_GUESTFS',
      errno: 0,
      operation: `internalTest${name}`,
    });
  });

  test('nothing', async () => {
    expect(await failureOf(call('SetOutput', '/nonexistent/output'))).toMatchObject({
      code: 'ENOENT',
      errno: 2,
    });
  });

  // libguestfs can return the value that means an error without having set one.
  test.each(['Rint', 'Rint64'])('%s -1, without a reason', async (name) => {
    await using fresh = new Guestfs();
    expect(await failureOf(internalTest(fresh, name, ['-1']))).toMatchObject({
      message: 'libguestfs gave no reason',
      code: 'ERR_GUESTFS',
      errno: 0,
    });
  });

  test('and the next call is none the worse', async () => {
    await failureOf(call('Rstringerr'));
    expect(await call('Rstring', 'fine')).toBe('fine');
  });
});

describe('hash tables', () => {
  const answer = async (flat: string[]) => {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const result = calls.call<Map<string, string>>('listFilesystems', []);
    native.answer(flat);
    return await result;
  };

  test('keep names that objects treat specially', async () => {
    const map = await answer(['__proto__', 'a', 'constructor', 'b', '', 'c', '10', 'd', '9', 'e']);
    expect([...map]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['', 'c'],
      ['10', 'd'],
      ['9', 'e'],
    ]);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  test('keep the last of equal keys', async () => {
    expect([...(await answer(['a', '1', 'a', '2']))]).toEqual([['a', '2']]);
  });
});
