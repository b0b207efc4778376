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
    'compare',
    'diagnose',
    'diff',
    'inspect',
    'inspectAll',
    'privateKey',
  ]);
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
  const report = `console.log(JSON.stringify({ code: error.code, message: error.message, cause: !!error.cause }));`;
  const load = (addon: string) =>
    runNode(['-e', `try { require('guestfs'); } catch (error) { ${report} }`], {
      env: { GUESTFS_NODE_ADDON: addon },
    }).then(({ stdout }) => JSON.parse(stdout) as { code: string; message: string; cause: boolean });

  test('because it is missing: how to build it', async () => {
    const error = await load('/nowhere/guestfs.node');
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_LOADED', cause: true });
    expect(error.message).toMatch(/cannot be loaded\. Tried:\n {2}\/nowhere\/guestfs\.node: /);
    expect(error.message).toMatch(/Compile it\..* make .*`npm rebuild guestfs`/s);
  });

  test('because it is no binary of this machine: how to build it', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('guestfs.node'), 'something else');
    expect((await load(folder.file('guestfs.node'))).message).toMatch(/npm rebuild guestfs/);
  });

  test('because libguestfs is missing: how to install it', async () => {
    using folder = temporaryFolder();
    const reason = 'libguestfs.so.0: cannot open shared object file: No such file or directory';
    writeFileSync(folder.file('addon.js'), `throw new Error(${JSON.stringify(reason)});`);
    const error = await load(folder.file('addon.js'));
    expect(error.message).toContain(reason);
    expect(error.message).toMatch(/Install it:\n {2}.*libguestfs/);
    expect(error.message).not.toContain('Compile');
  });

  test('in a folder with libguestfs in its name: still how to build it', async () => {
    expect((await load('/nowhere/libguestfs/guestfs.node')).message).toMatch(/npm rebuild guestfs/);
  });

  test('ends a program that does not catch the error', async () => {
    const { code, stderr } = await runScript('', { env: { GUESTFS_NODE_ADDON: '/nowhere/guestfs.node' } });
    expect(code).toBe(1);
    expect(stderr).toContain('npm rebuild guestfs');
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
