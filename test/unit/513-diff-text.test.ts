/** Unified differences of text files: right, bounded, and in the guests' own words. */
import { describe, expect, test } from '@jest/globals';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import type { Difference, Guestfs } from '../../lib';
import { walk } from '../../lib/bulk/walk';
import { checkWalkOptions, type WalkOptions } from '../../lib/bulk/walk-options';
import { differenceToJson, parse } from '../../lib/cli/diff';
import { compareTrees } from '../../lib/diff/compare';
import { unified } from '../../lib/diff/text';
import { toJson } from '../../lib/text/json';
import { type FakeFolder, FakeGuest, FakeOther } from '../support/fake-guest';

class WalkedGuest extends FakeGuest {
  walk(path: string, options: WalkOptions) {
    return walk(this, path, checkWalkOptions('walk', options));
  }
}

async function differences(before: FakeFolder, after: FakeFolder, options: object = { text: true }) {
  const tree = (root: FakeFolder) => ({ g: new WalkedGuest(root) as unknown as Guestfs, directory: '/' });
  const found: Difference[] = [];
  for await (const each of compareTrees(tree(before), tree(after), options)) found.push(each);
  return found;
}

async function textOf(before: string | Uint8Array, after: string | Uint8Array, options?: object) {
  const [found] = await differences({ f: before }, { f: after }, options);
  return (found as { text?: string | null } | undefined)?.text;
}

describe('the difference of text files', () => {
  test('is told as diff does', async () => {
    expect(await textOf('a\nb\nc\n', 'a\nB\nc\nd\n')).toBe(
      '--- a/f\n+++ b/f\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n',
    );
    expect(await textOf('a', 'a\n')).toContain('\\ No newline at end of file');
    expect(await textOf('', 'new\n')).toContain('+new');
    expect(await textOf('a\n', 'b\n', {})).toBeUndefined();
  });

  test('is what makes the one of the other', () => {
    const line = fc.constantFrom('a', 'b', 'c', '', '-x', '+y', '@@ -1 +1 @@', '\udce9', 'ü', '\r');
    const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        if (old === fresh) return;
        expect(applyPatch(old, unified('/f', old, fresh) ?? '', { autoConvertLineEndings: false })).toBe(
          fresh,
        );
      }),
    );
  });

  test('is null of what is no text, of what is large, and of what has nothing in common', async () => {
    expect(await textOf('a\n', 'a\0b\n')).toBeNull();
    expect(await textOf('a\n', 'x'.repeat(2 ** 20 + 1))).toBeNull();
    const started = performance.now();
    const lines = (word: string) =>
      Array.from({ length: 100_000 }, (_, index) => `${word}${index % 7}`).join('\n');
    expect(await textOf(lines('a'), lines('bb'))).toBeNull();
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('is not there where only the rest has changed', async () => {
    const later = new FakeOther({ stat: { stMtimeSec: 1n }, content: 'same' });
    const [found] = await differences({ f: 'same' }, { f: later });
    expect([found?.change, found && 'text' in found]).toEqual(['changed', false]);
  });

  test('keeps bytes that are not UTF-8, and can play with nothing', async () => {
    const text = await textOf(Buffer.from([0x61, 0x0a]), Buffer.from([0xe9, 0x1b, 0x5b, 0x32, 0x4a, 0x0a]));
    expect(text).toContain('+\udce9\u001b[2J');
    const name = 'x\n+++ b';
    const [found] = await differences({ [name]: 'a\n' }, { [name]: 'bb\n' });
    expect((found as { text: string }).text.split('\n').slice(0, 2)).toEqual([
      '--- "a/x\\n+++ b"',
      '+++ "b/x\\n+++ b"',
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(toJson(differenceToJson(found as Difference))).not.toMatch(/[\x00-\x1f]/);
  });

  test('is told as a problem where it cannot be read', async () => {
    class Unreadable extends WalkedGuest {
      override pread(): Promise<Buffer> {
        return Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
      }
    }
    const tree = (g: FakeGuest) => ({ g: g as unknown as Guestfs, directory: '/' });
    const errors: string[] = [];
    const options = {
      text: true,
      onError: (error: Error, path: string) => errors.push(`${path} ${error.message}`),
    };
    const found: Difference[] = [];
    for await (const each of compareTrees(
      tree(new Unreadable({ f: 'a' })),
      tree(new WalkedGuest({ f: 'bb' })),
      options,
    ))
      found.push(each);
    expect(found).toMatchObject([{ path: '/f', text: null }]);
    expect(errors).toEqual(['/f broken']);
  });

  test('is an option of the command, and not of packages', () => {
    expect(parse(['--text', 'a', 'b']).options).toMatchObject({ text: true });
    expect(() => parse(['--text', '--packages', 'a', 'b'])).toThrow(
      '--packages and --text exclude each other',
    );
  });
});
