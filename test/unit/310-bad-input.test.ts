import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type FileSource, type FileTarget, Guestfs, GuestfsError } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { closeGate } from '../support/gate';
import { failureOf, internalTest } from '../support/internal';
import { resultOf } from '../support/script';

const g = new Guestfs();
afterAll(() => g.close());

/** The required arguments of `internal_test`, by name. */
const good = {
  str: 's',
  optstr: null,
  strlist: [],
  b: true,
  integer: 1,
  integer64: 1n,
  filein: '/dev/null',
  fileout: '/dev/null',
  bufferin: '',
} as const;

/** The error of `internal_test` with one argument replaced. */
function refusal(name: keyof typeof good, value: unknown) {
  return failureOf(internalTest(g, '', Object.values({ ...good, [name]: value })));
}

/** The error of `internal_test` with these options. */
function optionRefusal(options: unknown) {
  return failureOf(internalTest(g, '', Object.values(good), options as object));
}

class Thing {}

const mine = new Error('mine');
function fail(): never {
  throw mine;
}

describe('a word that an option does not take', () => {
  const refused = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'tarIn: the "compress" argument must be one of compress, gzip, bzip2, xz, lzop, lzma, zstd',
  };

  test('is refused before the appliance sees it, which would not survive it', async () => {
    expect(await failureOf(g.tarIn('/dev/null', '/', { compress: 'gz' }))).toMatchObject(refused);
    expect(await failureOf(g.tarIn('/dev/null', '/', { compress: '' }))).toMatchObject(refused);
  });

  test('others are left to libguestfs', async () => {
    const notLaunched = { code: 'ERR_GUESTFS_NOT_LAUNCHED' };
    expect(await failureOf(g.tarIn('/dev/null', '/', { compress: 'gzip' }))).toMatchObject(notLaunched);
    expect(await failureOf(g.tarOut('/', '/dev/null', { compress: 'gz' }))).toMatchObject(notLaunched);
    const wrong = { compress: 5 as unknown as string };
    expect(await failureOf(g.tarIn('/dev/null', '/', wrong))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('a wrong type', () => {
  const values: Record<string, unknown> = {
    undefined,
    null: null,
    number: 5,
    bigint: 5n,
    boolean: true,
    string: 'text',
    symbol: Symbol('s'),
    function: () => 'text',
    object: { toString: () => 'text', valueOf: () => 5 },
    array: ['text'],
    'boxed string': Object('text'),
    'boxed number': Object(5),
    date: new Date(0),
    proxy: new Proxy(['text'], {}),
    bytes: Buffer.from('text'),
    Uint16Array: new Uint16Array(2),
    DataView: new DataView(new ArrayBuffer(2)),
    ArrayBuffer: new ArrayBuffer(2),
  };

  const accepted: Record<keyof typeof good, readonly string[]> = {
    str: ['string'],
    optstr: ['string', 'null'],
    strlist: ['array'],
    b: ['boolean'],
    integer: ['number'],
    integer64: ['number', 'bigint'],
    filein: ['string', 'bytes'],
    fileout: ['string'],
    bufferin: ['string', 'bytes'],
  };

  const cases = Object.entries(accepted).flatMap(([argument, kinds]) =>
    Object.keys(values)
      .filter((kind) => !kinds.includes(kind))
      .map((kind) => [argument, kind] as [keyof typeof good, string]),
  );

  test.each(cases)('%s: %s', async (argument, kind) => {
    const error = await refusal(argument, values[kind]);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toMatch(
      new RegExp(`^internalTest: the "${argument}" argument must be of type .*Received `),
    );
  });

  test.each([
    [1, 'Received 1'],
    ['a very long text that would fill the whole line of an error', /Received 'a very long text.{1,30}…'$/],
    [{ a: 1 }, 'Received an instance of Object'],
    [new Thing(), 'Received an instance of Thing'],
    [Object.create(null), 'Received an instance of Object'],
    [() => 1, 'Received a function'],
    [undefined, 'Received undefined'],
    [null, 'Received null'],
    [Symbol('s'), 'Received Symbol(s)'],
    [10n, 'Received 10n'],
    [2n ** 1_000_000n, /Received a bigint of more than 128 bits$/],
    [Symbol('x'.repeat(1000)), /Received Symbol\(x{30,40}…$/],
    [{ constructor: { name: 'x'.repeat(1000) } }, /Received an instance of x{40}…$/],
    [{ constructor: { name: Symbol('s') } }, 'Received an instance of Object'],
    [{ constructor: { name: { toString: fail } } }, 'Received an instance of Object'],
  ])('says what it was: %p', async (value, text) => {
    expect((await refusal('b', value)).message).toMatch(text);
  });

  test('a missing argument', async () => {
    const mount = g.mount as (mountable?: string) => Promise<void>;
    const error = await failureOf(mount.call(g, '/dev/sda1'));
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toMatch(/^mount: the "mountpoint" argument .*Received undefined$/);
  });

  test.each([
    [[1], 0],
    [['a', null], 1],
    [['a', 'b', ['c']], 2],
    [new Array(3), 0],
    [['a', undefined], 1],
  ])('an element of a list: %p', async (list, element) => {
    const error = await refusal('strlist', list);
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain(`"strlist[${element}]" argument must be of type string`);
  });
});

describe('a number', () => {
  const integer: [unknown, string][] = [
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [1.5, '1.5'],
    [2 ** 31, '2147483648'],
    [-(2 ** 31) - 1, '-2147483649'],
    [2 ** 53, '9007199254740992'],
    [1e300, '1e+300'],
  ];

  test.each(integer)('%p is no 32-bit integer', async (value, shown) => {
    const error = await refusal('integer', value);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    expect(error.message).toContain(`"integer" argument must be an integer >= -2147483648 and <= 2147483647`);
    expect(error.message).toContain(`Received ${shown}`);
  });

  test.each([[Number.NaN], [Number.NEGATIVE_INFINITY], [0.1], [2 ** 53], [-(2 ** 53)], [2 ** 63]])(
    '%p is no 64-bit integer that a number holds',
    async (value) => {
      const error = await refusal('integer64', value);
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
      expect(error.message).toContain('"integer64" argument must be an integer');
    },
  );

  test('that is too large for a number says that a bigint does', async () => {
    expect((await refusal('integer64', 2 ** 53)).message).toContain('use a bigint');
  });

  // libguestfs's appliance ends at an upload to a negative offset.
  test.each([
    ['uploadOffset', () => g.uploadOffset('/dev/null', '/file', -1), 'offset'],
    ['uploadOffset', () => g.uploadOffset(Buffer.from('bytes'), '/file', -(2n ** 63n)), 'offset'],
    ['downloadOffset', () => g.downloadOffset('/file', '/dev/null', -1n, 1), 'offset'],
    ['downloadOffset', () => g.downloadOffset('/file', '/dev/null', 0, -1), 'size'],
  ])('%s takes nothing negative: %s', async (_, call, argument) => {
    const error = await failureOf(call());
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    expect(error.message).toContain(`"${argument}" argument must be an integer >= 0. Received -`);
  });

  test.each([[2n ** 63n], [-(2n ** 63n) - 1n], [2n ** 64n], [10n ** 100n]])(
    '%p is too large',
    async (value) => {
      const error = await refusal('integer64', value);
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
      expect(error.message).toContain('>= -2^63 and < 2^63');
    },
  );

  test('in an option', async () => {
    expect(await optionRefusal({ oint: 2 ** 31 })).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(await optionRefusal({ oint64: 2n ** 63n })).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(await optionRefusal({ obool: 1 })).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('an embedded NUL', () => {
  test.each(['str', 'optstr', 'filein', 'fileout'] as const)('%s', async (name) => {
    const error = await refusal(name, 'a\0b');
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toBe(`internalTest: the "${name}" argument must not contain a NUL character`);
  });

  test('in a list', async () => {
    expect((await refusal('strlist', ['a', '\0'])).message).toContain(
      '"strlist[1]" argument must not contain a NUL',
    );
  });

  test('in an option', async () => {
    const error = await optionRefusal({ ostring: 'a\0' });
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('"ostring"');
  });
});

describe('options', () => {
  test.each([['text'], [5], [true], [null], [() => 1], [Symbol('s')], [['a']], [5n]])(
    'that are %p',
    async (options) => {
      const error = await optionRefusal(options);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(error.message).toContain('"options" argument must be of type object');
    },
  );

  test.each([
    ['oInt', 'did you mean "oint"?'],
    ['ostrng', 'did you mean "ostring"?'],
    ['onprogress', 'did you mean "onProgress"?'],
    ['Signal', 'did you mean "signal"?'],
    ['something', 'it knows obool, oint, oint64, ostring, ostringlist, signal, onProgress, killOnAbort'],
    ['', 'it knows obool'],
    ['__proto__', 'it knows obool'],
    ['constructor', 'it knows obool'],
    ['x'.repeat(10_000), 'it knows obool'],
  ])('that are unknown: %.20s', async (name, hint) => {
    const error = await optionRefusal(Object.fromEntries([[name, 1]]));
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toMatch(/^internalTest: unknown option '/);
    expect(error.message).toContain(hint);
    expect(error.message.length).toBeLessThan(250);
  });

  test('of a method that has none but ours', async () => {
    const version = g.version as (options: object) => Promise<unknown>;
    const error = await failureOf(version.call(g, { timeout: 5 }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('it knows signal, onProgress, killOnAbort');
  });

  test.each([
    ['signal', {}],
    ['signal', 'abort'],
    ['signal', null],
    ['onProgress', 'draw'],
    ['onProgress', null],
    ['killOnAbort', 1],
  ])('%s: %p', async (name, value) => {
    const error = await optionRefusal({ [name]: value });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain(`"options.${name}"`);
  });

  test.each<[string, object]>([
    ['with a getter that throws', Object.defineProperty({}, 'oint', { get: fail, enumerable: true })],
    ['that are a proxy which does not list its keys', new Proxy({}, { ownKeys: fail })],
    ['that are a proxy which does not give its values', new Proxy({ oint: 1 }, { get: fail })],
  ])('%s', async (_, options) => {
    expect(await optionRefusal(options)).toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      cause: mine,
    });
  });

  test('that are bytes, however many', async () => {
    const start = performance.now();
    expect(await optionRefusal(Buffer.alloc(10 ** 7))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('are read once, also by the methods that remember them', async () => {
    await using handle = new Guestfs();
    let reads = 0;
    const options = {
      get label() {
        return reads++ === 0 ? 'data' : fail();
      },
    };
    await handle.addDriveScratch(1024 * 1024, options);
    expect(reads).toBe(1);
    expect((await handle.debugDrives())[0]).toContain('label=data');
  });

  test('with a list whose getter throws', async () => {
    const list = Object.defineProperty(['a', 'b'], 1, { get: fail });
    const error = { code: 'ERR_INVALID_ARG_VALUE', cause: mine };
    expect(await optionRefusal({ ostringlist: list })).toMatchObject(error);
    expect(await refusal('strlist', list)).toMatchObject(error);
    expect(await failureOf(g.addDrive('disk.img', { server: list }))).toMatchObject(error);
  });

  test('with a list whose getter throws when it is read for the error', async () => {
    let reads = 0;
    const list = Object.defineProperty(['a'], 0, { get: () => (reads++ === 0 ? 5 : fail()) });
    const error = await refusal('strlist', list);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toMatch(/"strlist\[0\]" argument must be of type string\. Received 5$/);
  });

  test('with a list that is nothing but holes', async () => {
    const error = await failureOf(g.addDrive('disk.img', { server: new Array(2 ** 32 - 1) }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain('"server[0]"');
  });

  test('with a list whose getter uses the handle', async () => {
    await using handle = new Guestfs();
    let inner: Promise<unknown> | undefined;
    const list = Object.defineProperty(['a', ''], 1, {
      get: () => {
        inner = handle.setMemsize(1234);
        return 'b';
      },
    });
    await handle.setBackendSettings(list);
    await inner;
    expect([await handle.getBackendSettings(), await handle.getMemsize()]).toEqual([['a', 'b'], 1234]);
  });

  test.each<[string, (g: Guestfs, list: string[]) => Promise<unknown>]>([
    ['at once', (g, list) => g.setBackendSettings(list)],
    ['on the thread of the handle', (g, list) => g.command(list)],
  ])('with a list whose getter closes the handle, for a call %s', async (_, call) => {
    const handle = new Guestfs();
    const closing = Object.defineProperty([''], 0, {
      get: () => {
        void handle.close();
        return 'b';
      },
    });
    expect(await failureOf(call(handle, closing))).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });

  test('that are a well-behaved proxy are fine', async () => {
    await using handle = new Guestfs();
    await handle.addDriveScratch(1024 * 1024, new Proxy({ label: 'data' }, {}));
    expect((await handle.debugDrives())[0]).toContain('label=data');
  });

  test('whose value is a revoked proxy', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(await optionRefusal(proxy)).toMatchObject({
      name: 'TypeError',
      code: expect.stringMatching(/^ERR_INVALID_ARG/),
    });
    expect(await optionRefusal({ oint: proxy })).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(await refusal('strlist', proxy)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});

describe('keepPartial', () => {
  test('is an option of calls that write a file on the host, and of no others', async () => {
    const keepPartial = 1 as unknown as boolean;
    expect(await failureOf(g.download('/file', '/no/such/folder/file', { keepPartial }))).toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: expect.stringContaining('"options.keepPartial"'),
    });
    const upload = g.upload('/dev/null', '/file', { keepPartial: true } as object);
    expect(await failureOf(upload)).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  });

  test('or not: a call that fails before it writes leaves the file alone', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('older'), 'older');
    for (const options of [{}, { keepPartial: true }]) {
      await failureOf(g.download('/file', folder.file('older'), options));
      expect(readFileSync(folder.file('older'), 'utf8')).toBe('older');
    }
  });
});

describe('a buffer', () => {
  /** The bytes that libguestfs received, from what `internal_test` wrote of its last argument: each as `<hex>`. */
  async function bytesOf(
    bufferin: unknown,
    whileTheCallWaits: () => void = () => undefined,
  ): Promise<number[]> {
    using folder = temporaryFolder();
    await using gate = await closeGate(g);
    const calls = [
      internalTest(g, 'SetOutput', [folder.file('output')]),
      internalTest(g, '', Object.values({ ...good, bufferin })),
      internalTest(g, 'CloseOutput'),
    ];
    whileTheCallWaits();
    await gate.open();
    await Promise.all(calls);
    const line = readFileSync(folder.file('output'), 'latin1').split('\n')[8] as string;
    return [...line.matchAll(/<(?:f{6})?([0-9a-f]{2})>/g)].map(([, hex]) =>
      Number.parseInt(hex as string, 16),
    );
  }

  test('is copied when the call is made', async () => {
    const buffer = Buffer.from([1, 2, 3]);
    expect(await bytesOf(buffer, () => buffer.fill(9))).toEqual([1, 2, 3]);
  });

  test('may be detached when the call has been made', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    expect(await bytesOf(bytes, () => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }))).toEqual([
      1, 2, 3,
    ]);
  });

  test('may be a part of another', async () => {
    expect(await bytesOf(new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4))).toEqual([2, 3, 4]);
  });

  test('may be empty', async () => {
    expect(await bytesOf(new Uint8Array())).toEqual([]);
    expect(await bytesOf('')).toEqual([]);
  });

  test('may be shared', async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(3));
    bytes.set([1, 2, 3]);
    expect(await bytesOf(bytes)).toEqual([1, 2, 3]);
  });

  // TypeScript's es2022 does not know resizable buffers.
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: object,
  ) => ArrayBuffer & { resize(length: number): void };

  test('may be resizable', async () => {
    const buffer = new Resizable(3, { maxByteLength: 8 });
    const bytes = new Uint8Array(buffer);
    bytes.set([1, 2, 3]);
    expect(await bytesOf(bytes)).toEqual([1, 2, 3]);
    buffer.resize(5);
    expect(await bytesOf(bytes)).toEqual([1, 2, 3, 0, 0]);
    buffer.resize(1);
    expect(await bytesOf(bytes)).toEqual([1]);
  });

  test('that a shrunken buffer no longer holds is empty', async () => {
    const buffer = new Resizable(8, { maxByteLength: 8 });
    const bytes = new Uint8Array(buffer, 4, 4);
    buffer.resize(2);
    expect(await bytesOf(bytes)).toEqual([]);
  });

  test('must not be detached', async () => {
    const bytes = new Uint8Array([1, 2, 3]);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    const error = await refusal('bufferin', bytes);
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('"bufferin" argument is a detached buffer');
  });
});

describe('a stream in the place of a file', () => {
  const upload = (source: unknown) => failureOf(g.upload(source as FileSource, '/file'));
  const download = (target: unknown) => failureOf(g.download('/file', target as FileTarget));
  const notLaunched = { name: 'GuestfsError', code: 'ERR_GUESTFS_NOT_LAUNCHED' };

  test.each<[string, unknown]>([
    ['an iterable whose iterator cannot be called', { [Symbol.asyncIterator]: 5 }],
    ['a proxy that throws', new Proxy(Readable.from([]), { get: fail })],
    ['null', null],
  ])('to read must not be %s', async (_, source) => {
    expect(await upload(source)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  test.each<[string, unknown]>([
    ['one whose methods are none', { write: 5, end: 5, on: 5, once: 5, off: 5 }],
    ['a proxy that throws', new Proxy(new Writable(), { get: fail })],
    ['a proxy of a WritableStream', new Proxy(new WritableStream(), {})],
    ['null', null],
  ])('to write must not be %s', async (_, target) => {
    expect(await download(target)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  test('must not be in use', async () => {
    const stream = new WritableStream();
    stream.getWriter();
    expect(await download(stream)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  });

  test('of a call that is refused stays as it was', async () => {
    const stream = new WritableStream();
    const target = new Writable();
    for (const each of [stream, target]) {
      const call = g.download(5 as unknown as string, each);
      expect(await failureOf(call)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    }
    expect(stream.locked).toBe(false);
    expect([target.destroyed, target.eventNames()]).toEqual([false, []]);
  });

  const methods = ['write', 'end', 'on', 'once', 'off', 'destroy'];
  test.each<[string, () => Promise<unknown>]>([
    ['to read', () => upload({ async *[Symbol.asyncIterator]() {}, on: fail })],
    ['to write', () => download(Object.fromEntries(methods.map((name) => [name, fail])))],
  ])('%s makes its call fail when its methods throw', async (_, call) => {
    expect(await call()).toBe(mine);
    expect(await upload('/dev/null')).toMatchObject(notLaunched);
  });

  test('that is stuck fails for the same reason as its call', async () => {
    const controller = new AbortController();
    const target = new Writable({ write: () => undefined });
    const call = failureOf(g.download('/file', target, { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(target.destroyed).toBe(true);
  });

  test('of a call that never began tells nobody else of its error', async () => {
    await using gate = await closeGate(g);
    const controller = new AbortController();
    const target = new Writable();
    const call = failureOf(g.download('/file', target, { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ code: 'ABORT_ERR' });
    if (!target.closed) await once(target, 'close');
    expect(target.errored).toMatchObject({ code: 'ABORT_ERR' });
    await gate.open();
  });
});

describe('what there is no memory for', () => {
  test('is refused', async () => {
    const error = await resultOf<object>(`
      const { execFileSync } = require('node:child_process');
      const g = new Guestfs();
      const size = 2 ** 30;
      const bytes = Buffer.alloc(size);
      const used = /VmSize:\\s+(\\d+) kB/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1] * 1024;
      execFileSync('prlimit', ['--pid', process.pid, '--as=' + (used + size / 2)]);
      const error = await g.write('/file', bytes).catch((error) => error);
      console.log(JSON.stringify({ ...error, name: error.name, message: error.message }));
    `);
    expect(error).toMatchObject({ name: 'GuestfsError', code: 'ENOMEM', operation: 'write' });
    expect(error).toMatchObject({
      message: expect.stringContaining('no memory for a copy of the "content"'),
    });
  });
});

describe('a refused call', () => {
  test('leaves the handle as it was', async () => {
    await using handle = new Guestfs({ memsize: 1234 });
    await failureOf(handle.setMemsize('x' as unknown as number));
    expect(await handle.getMemsize()).toBe(1234);
  });

  test('does not reach libguestfs', async () => {
    await using handle = new Guestfs();
    const entered: string[] = [];
    handle.on('enter', (name) => entered.push(name));
    await failureOf(handle.setMemsize(1.5));
    await handle.getSmp();
    expect(entered).toEqual(['get_smp']);
  });

  test('rejects: it never throws', async () => {
    let promise: Promise<unknown> | undefined;
    expect(() => {
      promise = g.setMemsize(undefined as unknown as number);
    }).not.toThrow();
    await failureOf(promise as Promise<unknown>);
  });

  test('before launch', async () => {
    const error = await failureOf(g.listFilesystems());
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED', operation: 'listFilesystems' });
  });

  test('after close', async () => {
    const handle = new Guestfs();
    await handle.close();
    expect(await failureOf(handle.mount('/dev/sda1', '/'))).toMatchObject({ code: 'ERR_GUESTFS_CLOSED' });
  });
});

describe('a borrowed method', () => {
  const { version, close, kill } = Guestfs.prototype;

  test.each([[undefined], [{}], [5], [Object.create(Guestfs.prototype)]])(
    'with %p as its handle',
    async (self) => {
      const call = async () => version.call(self as Guestfs);
      expect(await failureOf(call())).toBeInstanceOf(TypeError);
      expect(await failureOf((async () => close.call(self as Guestfs))())).toBeInstanceOf(TypeError);
      expect(await failureOf((async () => kill.call(self as Guestfs))())).toBeInstanceOf(TypeError);
    },
  );

  test('works on another handle', async () => {
    expect((await version.call(g)).major).toBe(1n);
  });

  test('of the addon does not harm the process', async () => {
    const refused = await resultOf<number[]>(`
      const { openNativeHandle } = require(process.cwd() + '/dist/native/addon.js');
      const handle = openNativeHandle();
      const proto = Object.getPrototypeOf(handle);
      const names = Object.getOwnPropertyNames(proto).filter((name) => name !== 'constructor');
      const selves = [undefined, {}, Object.create(handle), new Proxy(handle, {}), proto, new Date()];
      let refused = 0;
      for (const name of names) for (const self of selves) {
        try { proto[name].call(self, 1, 1, [], [], [], false); } catch (error) { if (error instanceof TypeError) refused++; }
      }
      console.log(JSON.stringify([names.length * selves.length, refused]));
    `);
    expect(refused[0]).toBeGreaterThan(60);
    expect(refused[1]).toBe(refused[0]);
  });
});
