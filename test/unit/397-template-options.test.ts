import { writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { diff, Guestfs, inspect, inspectAll } from '../../lib';
import { OpenGuest } from '../../lib/guests/open';
import { withoutAugeas } from '../../lib/launch/augeas';
import { watching } from '../../lib/options/callbacks';
import { program } from '../support/cli';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { resultOf, runNode } from '../support/script';

describe('the environment', () => {
  const made = (mode: string, options = '{}') =>
    resultOf<unknown>(
      `let code = null, message = '';
       try { await new Guestfs(${options}).close(); } catch (error) { ({ code, message } = error); }
       console.log(JSON.stringify({ code, message }));`,
      { env: { GUESTFS_TEMPLATE: mode } },
    );

  test.each(['auto', 'never', 'only', ''])('takes %p', async (mode) => {
    expect(await made(mode)).toEqual({ code: null, message: '' });
  });

  test('refuses what it does not know, and says where it stands', async () => {
    const message = expect.stringMatching(/GUESTFS_TEMPLATE.*'auto', 'never' or 'only' in the environment/);
    expect(await made('always')).toEqual({ code: 'ERR_INVALID_ARG_VALUE', message });
    const { code, stdout, stderr } = await runNode([program, 'warm'], {
      env: { GUESTFS_TEMPLATE: 'always' },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('GUESTFS_TEMPLATE');
  });

  test('is not read with environment: false, nor where the option says', async () => {
    expect(await made('always', '{ environment: false }')).toEqual({ code: null, message: '' });
    expect(await made('always', "{ template: 'never' }")).toEqual({ code: null, message: '' });
  });
});

describe('the lenses that inspection needs', () => {
  const nowhere = { path: '/nonexistent', backend: 'direct' };

  /** What the handle of a guest says for which a launch fails. */
  async function markWith(open: (image: string, onHandle: (g: Guestfs) => void) => Promise<unknown>) {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), Buffer.alloc(1024 * 1024));
    const marks: unknown[] = [];
    await open(folder.file('disk.img'), (g) => marks.push(g[withoutAugeas]));
    expect(marks).not.toEqual([]);
    return [...new Set(marks)];
  }

  test('are enough where nobody gets the handle, or nobody but our own', async () => {
    const guests = [{}, { onHandle: watching(() => undefined) }].map(
      (options) => new OpenGuest([], { operation: 'inspect', ...options }),
    );
    for (const { g } of guests) expect(g[withoutAugeas]).toBe(true);
    await Promise.all(guests.map((guest) => guest.close()));
  });

  test.each<[string, (image: string, onHandle: (g: Guestfs) => void) => Promise<unknown>]>([
    ['inspect', (image, onHandle) => failureOf(inspect(image, { onHandle, handleOptions: nowhere }))],
    ['inspectAll', (image, onHandle) => inspectAll([image], { onHandle, handleOptions: nowhere }).next()],
    ['diff', (image, onHandle) => failureOf(diff(image, image, { onHandle, handleOptions: nowhere }).next())],
  ])('are not all that %s asks for where a program gets the handle', async (_, open) => {
    expect(await markWith((image, onHandle) => open(image, onHandle))).toEqual([false]);
    expect(await markWith((image, onHandle) => open(image, watching(onHandle)))).toEqual([true]);
  });

  test('are never taken for a handle that a program makes', async () => {
    await using g = new Guestfs();
    expect(g[withoutAugeas]).toBeUndefined();
  });
});
