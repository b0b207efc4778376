import { constants } from 'node:os';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from '@jest/globals';
import { AbortError, Guestfs, GuestfsError } from '../../lib';
import { Calls } from '../../lib/calls/calls';
import { functions, MessageKind } from '../../lib/native/addon';
import { FakeNative } from '../support/fake-native';
import { failureOf, internalTest } from '../support/internal';
import { resultOf, runScript } from '../support/script';

const g = new Guestfs();
afterAll(() => g.close());

describe('an error of libguestfs', () => {
  test('with an errno', async () => {
    const error = await failureOf(g.addDrive('/nonexistent'));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'GuestfsError',
      code: 'ENOENT',
      errno: constants.errno.ENOENT,
      operation: 'addDrive',
      message: '/nonexistent: No such file or directory',
    });
  });

  test('without an errno', async () => {
    const error = await failureOf(g.setSmp(0));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS', errno: 0, operation: 'setSmp' });
    expect(error.message).toBe('invalid smp parameter: 0');
  });

  test('does not inherit the errno of an earlier one', async () => {
    await failureOf(g.addDrive('/nonexistent'));
    expect(await failureOf(internalTest(g, 'Rinterr'))).toMatchObject({ code: 'ERR_GUESTFS', errno: 0 });
  });

  test('of which libguestfs did not say the reason is not that of an earlier call', async () => {
    await failureOf(g.addDrive('/nonexistent'));
    const error = await failureOf(internalTest(g, 'Rint', ['-1']));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS', errno: 0, operation: 'internalTestRint' });
    expect(error.message).toMatch(/^libguestfs gave no reason; its last error was: .*\/nonexistent/);
    await using fresh = new Guestfs();
    const { message } = await failureOf(internalTest(fresh, 'Rint', ['-1']));
    expect(message).toBe('libguestfs gave no reason');
  });

  test('shows itself fully', async () => {
    const text = inspect(await failureOf(g.addDrive('/nonexistent')));
    expect(text).toMatch(/^GuestfsError: \/nonexistent: No such file or directory\n/);
    expect(text).toMatch(/code: 'ENOENT'/);
    expect(text).toMatch(/operation: 'addDrive'/);
  });
});

describe('the codes', () => {
  /** The error that the facade makes of what libguestfs said. */
  function errorFor(errno: number, message = 'something') {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const call = calls.call('mount', ['/dev/sda1', '/']);
    native.receive(MessageKind.failed, native.calls[0] as number, { errno, message });
    return failureOf(call);
  }

  test.each([
    'EPERM',
    'ENOENT',
    'EIO',
    'EACCES',
    'EEXIST',
    'EINVAL',
    'ENOSPC',
    'EROFS',
    'EBUSY',
    'ETIMEDOUT',
  ])('%s', async (name) => {
    const errno = constants.errno[name as keyof typeof constants.errno];
    expect(await errorFor(errno)).toMatchObject({
      code: name,
      errno,
      operation: 'mount',
      message: 'something',
    });
  });

  test('an unknown errno', async () => {
    expect(await errorFor(4321)).toMatchObject({ code: 'ERR_GUESTFS', errno: 4321 });
  });

  test('a program of the appliance that did not say why', async () => {
    expect((await errorFor(0, 'blkid: ')).message).toBe('blkid: it gave no reason');
  });

  test('an option that the library does not know', async () => {
    const error = await errorFor(
      0,
      'unknown option in guestfs_mount_opts_argv->bitmask (this can happen if a program is compiled against a newer version of libguestfs, then run against an older version of libguestfs)',
    );
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_UNSUPPORTED', operation: 'mount' });
  });

  test('an option that came later than its function', async () => {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const call = calls.call('tarIn', ['tarball', '/'], { compress: 'gzip', keepdirlink: true } as object);
    native.receive(MessageKind.failed, native.calls[0] as number, {
      errno: 22,
      message: 'tar_in: unknown option in guestfs_tar_in_opts_argv->bitmask (this can happen if …)',
    });
    expect(await failureOf(call)).toMatchObject({
      code: 'ERR_GUESTFS_UNSUPPORTED',
      message:
        'tarIn: the libguestfs on this machine is too old; option keepdirlink came with version 1.59.1',
    });
  });

  test('a feature group that the appliance lacks', async () => {
    const { ENOTSUP } = constants.errno;
    const error = await errorFor(
      ENOTSUP,
      "feature 'xfs' is not available in this\nbuild of libguestfs.  Read 'AVAILABILITY' in the guestfs(3) man page for\nhow to check for the availability of features.",
    );
    expect(error).toMatchObject({ errno: ENOTSUP, operation: 'mount' });
    expect(error.code).toMatch(/^(ENOTSUP|EOPNOTSUPP)$/);
    expect(error.message).toMatch(/lacks the feature group 'xfs'.*install.*featureAvailable\(\['xfs'\]\)/);
    expect((await errorFor(ENOTSUP)).message).toBe('something');
  });

  test('a filesystem for which the kernel of the appliance has no driver, and a name that only says so', async () => {
    const words = (place: string) =>
      `mount exited with status 32: mount: ${place}: unknown filesystem type 'ReFS'.\n       dmesg(1) may have more information`;
    const error = await errorFor(0, words('/sysroot/mnt'));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_FILESYSTEM', operation: 'mount' });
    expect(error.message).toMatch(/no driver for filesystems of the type ReFS.*whose kernel has that driver/);
    expect((await errorFor(0, words("/sysroot/a: unknown filesystem type 'x': b"))).code).toBe(
      'ERR_GUESTFS_FILESYSTEM',
    );
    expect((await errorFor(0, words('/sysroot/a b'))).code).toBe('ERR_GUESTFS');
  });

  test('a result that the program keeps JavaScript from having', async () => {
    const native = new FakeNative();
    const calls = new Calls(native, {
      event: () => undefined,
      progress: () => undefined,
      applianceDied: () => undefined,
    });
    const call = calls.call('readFile', ['/huge']);
    const cause = new Error("a setter's");
    native.receive(MessageKind.unrepresentable, native.calls[0] as number, {
      ...{ reason: 'exception', type: '', length: 0, cause },
    });
    expect(await failureOf(call)).toMatchObject({
      code: 'ERR_GUESTFS',
      operation: 'readFile',
      message: 'readFile: the result could not be made into a JavaScript value',
      cause,
    });
  });
});

describe('a function that the library lacks', () => {
  const missing = [...functions.values()].find(({ available }) => !available);

  (missing ? test : test.skip)('says which version has it', async () => {
    const { name, since, cName } = missing as NonNullable<typeof missing>;
    const method = (g as unknown as Record<string, () => Promise<unknown>>)[name];
    const error = await failureOf((method as () => Promise<unknown>).call(g));
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_UNSUPPORTED', operation: name });
    expect(error.message).toContain(`${cName.replace(/(_opts)?_argv$/, '')} came with version ${since}`);
  });
});

describe('the stack shows the caller', () => {
  test.each([
    ['with await', `async function caller() { await fail(); }`],
    ['with Promise.all', `async function caller() { await Promise.all([g.getSmp(), fail()]); }`],
    [
      'with await and .catch()',
      `async function caller() { await fail().catch((error) => { throw error; }); }`,
    ],
    ['of a queued call', `async function caller() { void g.version(); void g.getSmp(); await fail(); }`],
    ['of a refused call', `async function caller() { await g.setSmp(1.5); }`],
    ['of an unknown option', `async function caller() { await g.addDrive('/', { formt: 'raw' }); }`],
    [
      'of a call that was aborted',
      `async function caller() { await g.getSmp({ signal: AbortSignal.abort() }); }`,
    ],
    ['of a launch', `async function caller() { await g.launch(); }`],
    ['of a bad option of launch', `async function caller() { await g.launch({ timeout: -1 }); }`],
    ['of a closed handle', `async function caller() { await g.close(); await g.getSmp(); }`],
  ])('%s', async (_, caller) => {
    const stack = await resultOf<string>(`
      const g = new Guestfs();
      const fail = () => g.addDrive('/nonexistent');
      ${caller}
      await caller().catch(({ stack }) => console.log(JSON.stringify(stack)));
      await g.close();
    `);
    expect(stack).toMatch(/^ +at (async )?caller \(/m);
  });
});

describe('AbortError', () => {
  test('has the name and code of Node’s', async () => {
    const reason = new Error('enough');
    const error = await failureOf(g.version({ signal: AbortSignal.abort(reason) }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).not.toBeInstanceOf(GuestfsError);
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      operation: 'version',
      cause: reason,
    });
  });
});

test('an error that nobody handles ends the program with its code and its caller', async () => {
  const { code, stderr } = await runScript(`
    const g = new Guestfs();
    async function caller() { await g.addDrive('/nonexistent'); }
    await caller();
  `);
  expect(code).toBe(1);
  expect(stderr).toContain("code: 'ENOENT'");
  expect(stderr).toMatch(/at (async )?caller/);
});
