import { existsSync, mkdirSync, readdirSync, realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { diff, Guestfs, inspect, inspectAll, type WarmResult } from '../../lib';
import { describe as describeWarm } from '../../lib/cli/warm';
import { OpenGuest } from '../../lib/guests/open';
import { withoutAugeas } from '../../lib/launch/augeas';
import { watching } from '../../lib/options/callbacks';
import { files, TemplateStore } from '../../lib/templates/store';
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
    const guests = await Promise.all(
      [{}, { onHandle: watching(() => undefined) }].map((options) =>
        OpenGuest.prepare([], { operation: 'inspect', ...options }),
      ),
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

describe('the templates of a cache folder', () => {
  const key = (digit: string) => digit.repeat(32);

  /** Puts a template there, as a maker would publish it. */
  async function put(cachedir: string, name: string, words: readonly string[] = ['kernel 1']) {
    const store = new TemplateStore(cachedir);
    mkdirSync(store.folder, { recursive: true, mode: 0o755 });
    const draft = await store.begin(name);
    if (!draft) throw new Error('somebody makes it already');
    for (const file of Object.values(files))
      writeFileSync(`${draft.path}/${file}`, `${file} of ${name}`, { mode: 0o444 });
    await store.publish(draft, { key: name, words, incoming: 'file', cycles: 2000 });
    return join(store.folder, name);
  }

  test('are listed, with the one that was used last before the others', async () => {
    using folder = temporaryFolder();
    const cachedir = realpathSync(folder.path);
    expect(await Guestfs.listTemplates({ cachedir })).toEqual([]);
    await put(cachedir, key('a'));
    const place = await put(cachedir, key('b'), ['kernel 2']);
    writeFileSync(join(place, 'used'), '');
    utimesSync(join(place, 'used'), new Date(), new Date(Date.now() + 60_000));
    const templates = await Guestfs.listTemplates({ cachedir, environment: false });
    expect(templates.map((each) => each.key)).toEqual([key('b'), key('a')]);
    expect(templates[0]).toEqual({
      ...{ key: key('b'), folder: place, words: ['kernel 2'], shared: false },
      ...{ made: expect.any(Date), used: expect.anything(), bytes: expect.any(Number) },
    });
    expect(templates.map(({ used }) => used === null)).toEqual([false, true]);
    expect(templates[0]?.bytes).toBeGreaterThan(0);
    expect(Math.abs((templates[0]?.made.getTime() ?? 0) - Date.now())).toBeLessThan(600_000);
  });

  test('are removed, those that are named or all, and what is none stays', async () => {
    using folder = temporaryFolder();
    const cachedir = folder.path;
    const places = [
      await put(cachedir, key('a')),
      await put(cachedir, key('b')),
      await put(cachedir, key('c')),
    ];
    writeFileSync(join(dirname(places[0] as string), 'mine'), '');
    const some = await Guestfs.removeTemplates({ cachedir, keys: [key('b'), '../..', ''] });
    expect(some.map((each) => each.key)).toEqual([key('b')]);
    expect(places.map((place) => existsSync(place))).toEqual([true, false, true]);
    expect(await Guestfs.removeTemplates({ cachedir, keys: [] })).toEqual([]);
    expect(await Guestfs.removeTemplates({ cachedir })).toHaveLength(2);
    expect(readdirSync(dirname(places[0] as string))).toEqual(['mine']);
    expect(await Guestfs.listTemplates({ cachedir })).toEqual([]);
  });

  test('are told by the command, as a table and as JSON', async () => {
    using folder = temporaryFolder();
    await put(folder.path, key('a'));
    const warm = (...args: string[]) =>
      runNode([program, 'warm', ...args], { env: { LIBGUESTFS_CACHEDIR: folder.path } });
    expect(await warm('--list')).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringMatching(
        /^KEY +MADE +USED +SIZE +OWNER\na{32} {2}\d{4}-\d\d-\d\d \d\d:\d\dZ .* KiB +you\n$/,
      ),
    });
    const [listed] = JSON.parse((await warm('--list', '--json')).stdout);
    expect(Object.keys(listed).sort()).toEqual(['bytes', 'folder', 'key', 'made', 'shared', 'used', 'words']);
    expect(listed).toMatchObject({ key: key('a'), shared: false });
    expect(await warm('--remove', key('b'), '\x1b[31m')).toMatchObject({
      ...{ code: 1, stdout: 'Nothing was removed.\n' },
      stderr: expect.stringMatching(
        /^guestfs: warm: .*'b{32}'\nguestfs: warm: this user has no template '[^\p{Cc}]*'\n$/u,
      ),
    });
    expect(await warm('--remove', key('a'))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Removed a{32}, .* KiB\.\n$/),
    });
    expect(await warm('--list')).toMatchObject({ code: 0, stdout: 'There are no templates.\n' });
    expect((await warm('--remove', '--json')).stdout).toBe('[]\n');
  }, 60_000);

  test.each<[object, string]>([
    [{ keys: 'a' }, 'ERR_INVALID_ARG_TYPE'],
    [{ keys: [5] }, 'ERR_INVALID_ARG_TYPE'],
    [{ cachdir: '/' }, 'ERR_INVALID_ARG_VALUE'],
    [{ cachedir: '/nonexistent' }, 'ERR_GUESTFS_CACHEDIR'],
  ])('are not asked for with the options %j', async (options, code) => {
    expect(await failureOf(Guestfs.removeTemplates(options))).toMatchObject({ code });
    if (!('keys' in options)) expect(await failureOf(Guestfs.listTemplates(options))).toMatchObject({ code });
  });

  test.each([
    [['--list', '--remove'], /--list and --remove exclude each other/],
    [['--list', '--template', 'auto'], /--template is for what is made/],
    [['--list', 'a'], /'a': a KEY is for --remove/],
  ])('%j is wrong', async (args, message) => {
    const { code, stderr } = await runNode([program, 'warm', ...args]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  });
});

describe('what warm tells', () => {
  const result = { built: false, ms: 1234, cachedir: '/c' };

  test.each<[WarmResult, string]>([
    [
      { ...result, template: { state: 'ready', key: 'k', folder: '/f', bytes: 2 ** 20 } },
      'The appliance in /c is ready; nothing had to be built.\nIts template is ready: /f, 1 MiB.\n',
    ],
    [
      { ...result, built: true, template: { state: 'made', key: 'k', folder: '/f', bytes: 2 ** 20 } },
      'The appliance has been built, in /c.\nIts template has been made: /f, 1 MiB.\nThat took 1.2 s.\n',
    ],
    [
      { ...result, template: { state: 'none', reason: 'off', why: 'templates are switched off' } },
      'The appliance in /c is ready; nothing had to be built.\nIt has no template, and launches boot: templates are switched off.\n',
    ],
  ])('%j', (told, text) => {
    expect(describeWarm(told)).toBe(text);
  });
});
