import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { failureOf, internalTest } from '../support/internal';

// Bytes that are not UTF-8 stand in strings as U+DC80 to U+DCFF, as in Python's PEP 383.

const g = new Guestfs();
afterAll(() => g.close());

/** The bytes that libguestfs receives for a string. */
const bytesOf = (text: string) => internalTest<Buffer>(g, 'Rbufferout', [text]);
/** The string that comes back for them. */
const echoOf = (text: string) => internalTest<string>(g, 'Rstring', [text]);

/** A string that stands for these bytes, with nothing but ASCII decoded. */
function escaped(bytes: readonly number[]): string {
  return String.fromCharCode(...bytes.map((byte) => (byte < 0x80 ? byte : 0xdc00 + byte)));
}

const escapeOf = (byte: number) => String.fromCharCode(0xdc00 + byte);

describe('text', () => {
  test.each([
    ['empty', ''],
    ['ASCII', 'plain text, with\ttabs\nand lines'],
    ['all of ASCII', String.fromCharCode(...Array.from({ length: 127 }, (_, i) => i + 1))],
    ['Latin-1', 'é ÿ \u0080'],
    ['the last of two bytes', '\u07ff'],
    ['the first and last of three bytes', '\u0800\uffff'],
    ['around the surrogates', '\ud7ff\ue000'],
    ['four bytes', '😀 𐀀 \u{10ffff}'],
    ['a byte order mark', '\ufeffx'],
    ['not normalised', 'e\u0301'],
    ['the replacement character', '\ufffd'],
  ])('%s', async (_, text) => {
    expect(await bytesOf(text)).toEqual(Buffer.from(text, 'utf8'));
    expect(await echoOf(text)).toBe(text);
  });

  test('a long one, of each width', async () => {
    for (const character of ['a', 'é', '€', '😀', '\udc80']) {
      const text = character.repeat(100_000);
      expect((await echoOf(text)) === text).toBe(true);
    }
  });
});

describe('bytes that are not UTF-8', () => {
  test('each alone', async () => {
    for (let byte = 0x80; byte <= 0xff; byte++) {
      expect(await bytesOf(escapeOf(byte))).toEqual(Buffer.from([byte]));
      expect(await echoOf(escapeOf(byte))).toBe(escapeOf(byte));
    }
  });

  test.each<[string, number[]]>([
    ['a continuation byte', [0x61, 0x80, 0x62]],
    ['overlong, two bytes', [0xc0, 0x80]],
    ['overlong, two bytes, slash', [0xc1, 0xaf]],
    ['overlong, three bytes', [0xe0, 0x9f, 0xbf]],
    ['overlong, four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['a high surrogate', [0xed, 0xa0, 0x80]],
    ['a low surrogate', [0xed, 0xbf, 0xbf]],
    ['one of our own escapes', [0xed, 0xb2, 0x80]],
    ['a pair of surrogates (CESU-8)', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['a cut of two bytes', [0x61, 0xc3]],
    ['a cut of three bytes', [0x61, 0xe2, 0x82]],
    ['a cut of four bytes', [0x61, 0xf0, 0x9f, 0x98]],
    ['a cut before text', [0xe2, 0x82, 0x61]],
  ])('%s', async (_, bytes) => {
    const text = escaped(bytes);
    expect(await bytesOf(text)).toEqual(Buffer.from(bytes));
    expect(await echoOf(text)).toBe(text);
  });

  test('between characters', async () => {
    expect(await echoOf(escaped([0xc3, 0xa9, 0xff, 0xe2, 0x82, 0xac, 0xe2, 0xf0, 0x9f, 0x98, 0x80]))).toBe(
      'é\udcff€\udce2😀',
    );
  });

  test('that become UTF-8 together come back as text', async () => {
    expect(await echoOf('\udcc3\udca9')).toBe('é');
  });

  test('any bytes survive the way there and back', async () => {
    let seed = 20;
    const random = (limit: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % limit;
    };
    const likely = [0x61, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0xf4, 0x90];
    for (let round = 0; round < 2000; round++) {
      const bytes = Array.from({ length: random(12) }, () => likely[random(likely.length)] as number);
      const text = await echoOf(escaped(bytes));
      expect([...(await bytesOf(text))]).toEqual(bytes);
      expect(Buffer.from(bytes).toString().includes('\ufffd')).toBe(/\p{Surrogate}/u.test(text));
    }
  });
});

describe('refused', () => {
  test.each([
    ['a NUL', 'a\0b', 'must not contain a NUL character'],
    ['a high surrogate alone', 'a\ud800', 'lone surrogate'],
    ['a high surrogate before text', '\udbffx', 'lone surrogate'],
    ['a low surrogate that stands for no byte', '\udc7f', 'lone surrogate'],
    ['the escape of an ASCII byte', '\udc00', 'lone surrogate'],
    ['a low surrogate above the escapes', '\udd00', 'lone surrogate'],
  ])('%s', async (_, text, why) => {
    const error = await failureOf(echoOf(text));
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain(why);
  });
});

describe('everywhere', () => {
  /** What `internal_test` wrote of its arguments, as Latin-1. */
  async function written(args: unknown[], options?: object): Promise<string[]> {
    using folder = temporaryFolder();
    await internalTest(g, 'SetOutput', [folder.file('output')]);
    await internalTest(g, '', args, options);
    await internalTest(g, 'CloseOutput');
    return readFileSync(folder.file('output'), 'latin1').split('\n');
  }

  const text = 'é\udcff😀';
  const bytes = Buffer.from([0xc3, 0xa9, 0xff, 0xf0, 0x9f, 0x98, 0x80]).toString('latin1');

  test('in required and optional arguments and in lists', async () => {
    const lines = await written([text, text, [text, 'b'], false, 0, 0, text, text, ''], {
      ostring: text,
      ostringlist: ['a', text],
    });
    expect(lines.slice(0, 3)).toEqual([bytes, bytes, `["${bytes}", "b"]`]);
    expect(lines.slice(6, 8)).toEqual([bytes, bytes]);
    expect(lines.slice(12, 14)).toEqual([`ostring: ${bytes}`, `ostringlist: ["a", "${bytes}"]`]);
  });

  test('null is not the empty string', async () => {
    expect((await written(['', null, [], false, 0, 0, '', '', '']))[1]).toBe('null');
    expect((await written(['', '', [], false, 0, 0, '', '', '']))[1]).toBe('');
  });

  test('a buffer takes text with NULs', async () => {
    const lines = await written(['', null, [], false, 0, 0, '', '', 'a\0é']);
    expect(lines[8]).toBe('<61><00><ffffffc3><ffffffa9>');
  });

  test('in lists that come back', async () => {
    await g.setBackendSettings([text, 'b', '\udc80']);
    expect(await g.getBackendSettings()).toEqual([text, 'b', '\udc80']);
    await g.setBackendSettings([]);
  });

  test('in properties', async () => {
    await g.setPath('/folder-\udcff');
    expect(await g.getPath()).toBe('/folder-\udcff');
    await g.setPath(null);
  });

  test('in error messages', async () => {
    expect((await failureOf(g.addDrive('/nonexistent/\udcff'))).message).toContain('/nonexistent/\udcff');
  });

  test('in events', async () => {
    const heard: string[] = [];
    g.on('trace', (line) => heard.push(line));
    await g.setTrace(true);
    await g.setProgram('p\udcff');
    await g.setTrace(false);
    g.removeAllListeners('trace');
    expect(heard.some((line) => line.includes('p\udcff'))).toBe(true);
  });
});
