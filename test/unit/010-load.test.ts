import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as guestfs from '../../lib';
import { functions } from '../../lib/native/addon';
import { temporaryFolder } from '../support/folder';
import { resultOf, root, runNode, runScript } from '../support/script';

test('the public names', () => {
  expect(Object.keys(guestfs).sort()).toEqual([
    'AbortError',
    'Guestfs',
    'GuestfsError',
    'PrivateData',
    'ProgressReporter',
    'check',
    'checkRules',
    'compare',
    'diagnose',
    'diff',
    'diffPackages',
    'inspect',
    'inspectAll',
    'privateKey',
    'renderCheckHtml',
    'renderHtml',
    'renderJunit',
    'renderSarif',
    'sbom',
    'versions',
  ]);
});

test('versions', async () => {
  const g = new guestfs.Guestfs();
  const { major, minor, release } = await g.version();
  await g.close();
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect({ ...guestfs.versions }).toEqual({
    guestfs: manifest.version,
    libguestfs: `${major}.${minor}.${release}`,
    napi: '9',
  });
  expect(JSON.parse(JSON.stringify(guestfs.versions))).toEqual({ ...guestfs.versions });
});

describe('the functions of libguestfs', () => {
  // What has no version is libguestfs's internal business, bound for tests.
  const names = [...functions.values()].filter(({ since }) => since !== '').map(({ name }) => name);

  test('all have a method', () => {
    const methods = guestfs.Guestfs.prototype as unknown as Record<string, unknown>;
    const table = JSON.parse(readFileSync(join(root, 'api/functions.json'), 'utf8')) as unknown[];
    expect(names.length).toBe(table.length);
    expect(names.length).toBeGreaterThan(600);
    expect(names.filter((name) => typeof methods[name] !== 'function')).toEqual([]);
  });

  test('supports() knows those of the library on this machine', () => {
    expect(guestfs.Guestfs.supports('inspectOs')).toBe(true);
    for (const [name, { available, since }] of functions) {
      expect(guestfs.Guestfs.supports(name)).toBe(available && since !== '');
    }
  });

  test('supports() knows their other names', () => {
    expect(guestfs.Guestfs.supports('addDriveOpts')).toBe(true);
    expect(guestfs.Guestfs.supports('mountOpts')).toBe(false);
  });

  test.each(['inspectos', 'inspect_os', 'toString', '__proto__', ''])(
    'supports() does not know %j',
    (name) => {
      expect(guestfs.Guestfs.supports(name)).toBe(false);
    },
  );
});

describe('an addon that does not load', () => {
  interface NotLoaded {
    readonly code: string;
    readonly reason: string;
    readonly message: string;
    readonly cause: boolean;
  }
  const report = `console.log(JSON.stringify({ ...error, message: error.message, cause: !!error.cause }));`;
  const load = (addon: string, flags: readonly string[] = []) =>
    runNode([...flags, '-e', `try { require('guestfs'); } catch (error) { ${report} }`], {
      env: { GUESTFS_NODE_ADDON: addon },
    }).then(({ stdout }) => JSON.parse(stdout) as NotLoaded);

  test.each(['/nowhere/guestfs.node', '/nowhere/libguestfs/guestfs.node'])(
    'because %s is missing: what has named it',
    async (file) => {
      const error = await load(file);
      expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', reason: 'named', cause: true });
      expect(error.message).toContain(`Tried:\n  GUESTFS_NODE_ADDON, ${file}: cannot open`);
    },
  );

  test('because it is no binary of this machine: how to build it', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('guestfs.node'), 'something else');
    const error = await load(folder.file('guestfs.node'));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', reason: 'unfit' });
    expect(error.message).toMatch(/Compile it: `npx guestfs build`/);
  });

  test('because libguestfs is missing: how to install it', async () => {
    using folder = temporaryFolder();
    const binary = readFileSync(process.env.GUESTFS_NODE_ADDON ?? join(root, 'build/Release/guestfs.node'));
    binary.write('libguestfs.so.9', binary.indexOf('libguestfs.so.0'));
    writeFileSync(folder.file('guestfs.node'), binary);
    const error = await load(folder.file('guestfs.node'));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', reason: 'library' });
    expect(error.message).toMatch(/Install it:\n {2}.*libguestfs/);
    expect(error.message).not.toContain('Compile');
  });

  test('because Node.js allows no addons: which flag it is', async () => {
    expect(await load('', ['--no-addons'])).toMatchObject({
      code: 'ERR_GUESTFS_NOT_LOADED',
      reason: 'no-addons',
      message: expect.stringContaining('--no-addons'),
    });
  });

  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';

  test("because Node's permission model forbids it: which flags to add", async () => {
    const error = await load('', [permission, `--allow-fs-read=${root}`, '--no-warnings']);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', reason: 'permission-addons' });
    expect(error.message).toContain(`--allow-addons --allow-fs-read=${root}\n`.trimEnd());
  });

  test('ends a program that does not catch the error', async () => {
    const { code, stderr } = await runScript('', { env: { GUESTFS_NODE_ADDON: '/nowhere/guestfs.node' } });
    expect(code).toBe(1);
    expect(stderr).toContain('GUESTFS_NODE_ADDON names a file that is not there');
  });
});

describe('as CommonJS and as an ES module', () => {
  test('import and require give the same classes', async () => {
    const { names, same } = await resultOf<{ names: string[]; same: boolean }>(`
      const imported = await import('guestfs');
      const required = require('guestfs');
      const names = Object.keys(imported).filter((name) => name !== 'default').sort();
      const same = Object.keys(required).every((name) => required[name] === imported[name]);
      console.log(JSON.stringify({ names, same }));
    `);
    expect(names).toEqual(Object.keys(guestfs).sort());
    expect(same).toBe(true);
  });

  test('an ES module makes a handle', async () => {
    const { stdout, stderr } = await runNode([
      '--input-type=module',
      '-e',
      `import { Guestfs } from 'guestfs';
       const g = new Guestfs();
       console.log((await g.version()).major);
       await g.close();`,
    ]);
    expect(stderr).toBe('');
    expect(stdout).toBe('1n\n');
  });

  test('the addon can be loaded again beside itself', async () => {
    const majors = await resultOf<string[]>(`
      const first = new Guestfs();
      for (const file of Object.keys(require.cache)) if (file.includes('/dist/')) delete require.cache[file];
      const second = new (require(process.cwd() + '/dist/index.js').Guestfs)();
      const versions = await Promise.all([first.version(), second.version()]);
      await Promise.all([first.close(), second.close()]);
      console.log(JSON.stringify(versions.map(({ major }) => String(major))));
    `);
    expect(majors).toEqual(['1', '1']);
  });
});
