import { realpathSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Guestfs, GuestfsError, type GuestfsOptions } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { runScript } from '../support/script';

/** The error that a constructor throws. */
function refusalOf(options: unknown): Error & { code?: string } {
  try {
    void new Guestfs(options as GuestfsOptions).close();
  } catch (error) {
    return error as Error;
  }
  throw new Error('the options were taken');
}

describe('an option of the constructor', () => {
  test.each<[keyof GuestfsOptions, unknown, (g: Guestfs) => Promise<unknown>]>([
    ['identifier', 'job-7', (g) => g.getIdentifier()],
    ['memsize', 1234, (g) => g.getMemsize()],
    ['smp', 3, (g) => g.getSmp()],
    ['backend', 'direct', (g) => g.getBackend()],
    ['backendSettings', ['force_tcg', 'network_bridge=virbr1'], (g) => g.getBackendSettings()],
    ['path', '/usr/lib/a:/usr/lib/b', (g) => g.getPath()],
  ])('%s', async (name, value, get) => {
    await using g = new Guestfs({ [name]: value });
    expect(await get(g)).toEqual(value);
  });

  test('cachedir and tmpdir', async () => {
    using folder = temporaryFolder();
    await using g = new Guestfs({ cachedir: folder.path, tmpdir: folder.path });
    expect(await g.getCachedir()).toBe(realpathSync(folder.path));
    expect(await g.getTmpdir()).toBe(realpathSync(folder.path));
  });

  test('wins over the environment', async () => {
    const { stdout } = await runScript(
      `const g = new Guestfs({ memsize: 777 }); console.log(await g.getMemsize()); await g.close();`,
      { env: { LIBGUESTFS_MEMSIZE: '999' } },
    );
    expect(stdout).toBe('777\n');
  });

  test('that is undefined is none', async () => {
    await using plain = new Guestfs();
    await using g = new Guestfs({ memsize: undefined, backend: undefined, environment: undefined });
    expect(await g.getMemsize()).toBe(await plain.getMemsize());
  });
});

describe('refused', () => {
  test.each([
    ['memsize', '1024'],
    ['memsize', 10n],
    ['smp', null],
    ['backend', 5],
    ['backendSettings', 'force_tcg'],
    ['backendSettings', [1]],
    ['identifier', {}],
    ['environment', 1],
  ])('%s: %p has the wrong type', (name, value) => {
    const error = refusalOf({ [name]: value });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.code).toBe('ERR_INVALID_ARG_TYPE');
    expect(error.message).toContain(name === 'backendSettings' ? 'settings' : name);
  });

  test.each([[null], ['direct'], [7], [[]], [() => undefined]])(
    'options that are no object: %p',
    (options) => {
      expect(refusalOf(options)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    },
  );

  test('a number out of range', () => {
    expect(refusalOf({ memsize: 2 ** 31 })).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    expect(refusalOf({ smp: 1.5 })).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  });

  test('a NUL', () => {
    expect(refusalOf({ path: '/a\0b' })).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  });

  test('an unknown option, with the nearest one', () => {
    const error = refusalOf({ memSize: 1024 });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('did you mean "memsize"?');
    expect(refusalOf({ colour: 'red' }).message).toContain('it knows environment, identifier, memsize');
  });

  test('a getter that throws', () => {
    const cause = new Error('mine');
    const options = {
      get memsize() {
        throw cause;
      },
    };
    expect(refusalOf(options)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', cause });
  });

  test.each([
    ['smp', 0, 'setSmp'],
    ['memsize', 1, 'setMemsize'],
    ['backend', 'steam', 'setBackend'],
    ['identifier', 'a b', 'setIdentifier'],
  ])('%s: %p by libguestfs', (name, value, operation) => {
    const error = refusalOf({ [name]: value });
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS', operation });
  });

  test('a folder that does not exist', () => {
    expect(refusalOf({ tmpdir: '/nonexistent' })).toMatchObject({
      ...{ code: 'ERR_GUESTFS_TMPDIR', errno: 2, operation: 'setTmpdir' },
    });
  });

  test('and nothing of the handle keeps the process alive', async () => {
    const { code, stdout } = await runScript(`
      try { new Guestfs({ smp: 0 }); } catch (error) { console.log(error.code); }
    `);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ERR_GUESTFS\n' });
  });
});
