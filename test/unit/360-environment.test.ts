import { realpathSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

/** What a handle made in such an environment says. */
function inEnvironment<T>(
  env: Record<string, string | undefined>,
  expression: string,
  options = '',
): Promise<T> {
  return resultOf<T>(
    `const g = new Guestfs(${options}); console.log(JSON.stringify(await ${expression})); await g.close();`,
    { env },
  );
}

describe('the environment', () => {
  test.each([
    ['LIBGUESTFS_MEMSIZE', '1234', 'g.getMemsize()', 1234],
    ['LIBGUESTFS_BACKEND', 'direct', 'g.getBackend()', 'direct'],
    ['LIBGUESTFS_BACKEND_SETTINGS', 'force_tcg:a=1', 'g.getBackendSettings()', ['force_tcg', 'a=1']],
    ['LIBGUESTFS_PATH', '/a:/b', 'g.getPath()', '/a:/b'],
    ['LIBGUESTFS_APPEND', 'debug', 'g.getAppend()', 'debug'],
    ['LIBGUESTFS_HV', '/usr/bin/my-qemu', 'g.getHv()', '/usr/bin/my-qemu'],
  ])('%s sets a property', async (name, text, expression, value) => {
    expect(await inEnvironment({ [name]: text }, expression)).toEqual(value);
  });

  test('names the folders', async () => {
    using folder = temporaryFolder();
    const env = { LIBGUESTFS_TMPDIR: folder.path, LIBGUESTFS_CACHEDIR: folder.path };
    const path = realpathSync(folder.path);
    expect(await inEnvironment(env, 'Promise.all([g.getTmpdir(), g.getCachedir()])')).toEqual([path, path]);
  });

  test('is not read with environment: false', async () => {
    const unset = await inEnvironment<number>({ LIBGUESTFS_MEMSIZE: undefined }, 'g.getMemsize()');
    expect(unset).not.toBe(4321);
    const env = { LIBGUESTFS_MEMSIZE: '4321' };
    expect(await inEnvironment(env, 'g.getMemsize()', '{ environment: false }')).toBe(unset);
    expect(await inEnvironment(env, 'g.getMemsize()', '{ environment: true }')).toBe(4321);
  });

  test('can be read later', async () => {
    const env = { LIBGUESTFS_MEMSIZE: '4321' };
    const size = 'g.parseEnvironment().then(() => g.getMemsize())';
    expect(await inEnvironment(env, size, '{ environment: false }')).toBe(4321);
  });

  test('may be set by the program itself', async () => {
    const size = await resultOf<number>(`
      process.env.LIBGUESTFS_MEMSIZE = '2345';
      const g = new Guestfs();
      console.log(await g.getMemsize());
      await g.close();
    `);
    expect(size).toBe(2345);
  });
});

describe('an environment that libguestfs refuses', () => {
  test.each([
    [{ LIBGUESTFS_MEMSIZE: 'abc' }, 'ERR_GUESTFS_SETTINGS', 'non-numeric value for LIBGUESTFS_MEMSIZE'],
    [{ LIBGUESTFS_MEMSIZE: '1' }, 'ERR_GUESTFS_SETTINGS', 'too small value for memsize'],
    [{ LIBGUESTFS_BACKEND: 'steam' }, 'ERR_GUESTFS_SETTINGS', 'invalid backend: steam'],
    [{ LIBGUESTFS_DEBUG: 'perhaps' }, 'ERR_GUESTFS_SETTINGS', 'LIBGUESTFS_DEBUG=perhaps'],
    [{ LIBGUESTFS_TMPDIR: '/nonexistent' }, 'ERR_GUESTFS_TMPDIR', '/nonexistent'],
  ])('%p', async (env, code, message) => {
    const error = await resultOf<Record<string, string>>(
      `try { new Guestfs(); } catch (error) {
        const { name, code, operation, message } = error;
        console.log(JSON.stringify({ name, code, operation, message, ours: error instanceof GuestfsError }));
      }`,
      { env },
    );
    expect(error).toMatchObject({ name: 'GuestfsError', code, operation: 'parseEnvironment', ours: true });
    expect(error.message).toContain(message);
  });

  test('does not matter with environment: false', async () => {
    const env = { LIBGUESTFS_MEMSIZE: 'abc' };
    expect(await inEnvironment(env, 'g.getVerbose()', '{ environment: false }')).toBe(false);
  });
});
