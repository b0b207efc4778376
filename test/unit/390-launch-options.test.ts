import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type LaunchOptions } from '../../lib';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { resultOf } from '../support/script';

// There is no appliance at this path: a launch whose options are accepted fails for that reason.
const g = new Guestfs({ environment: false, path: '/nonexistent', backend: 'direct' });
afterAll(() => g.close());

const launch = (options: unknown) => failureOf(g.launch(options as LaunchOptions));

describe('refused', () => {
  test.each([[null], ['auto'], [5], [true], [() => 1], [[]]])(
    'options that are no object: %p',
    async (options) => {
      const error = await launch(options);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(error.message).toMatch(/^launch: the "options" argument must be of type object/);
    },
  );

  test.each([['5'], [5n], [null], [{}], [true]])('a timeout that is no number: %p', async (timeout) => {
    const error = await launch({ timeout });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain('"options.timeout"');
  });

  test.each([[0], [-1], [Number.NaN], [Number.POSITIVE_INFINITY], [2 ** 31]])(
    'a timeout of %p',
    async (timeout) => {
      const error = await launch({ timeout });
      expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
      expect(error.message).toContain('"options.timeout" argument must be > 0 and <= 2147483647');
    },
  );

  test.each([[5], [null], [true], [['kvm']]])('an accelerator that is no string: %p', async (accel) => {
    const error = await launch({ accel });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain('"options.accel"');
  });

  test.each([['xen'], ['KVM'], ['']])('the accelerator %p', async (accel) => {
    const error = await launch({ accel });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain(`must be 'auto', 'kvm' or 'tcg'`);
  });

  test.each([[5], [null], [true], [['only']]])(
    'a use of templates that is no string: %p',
    async (template) => {
      const error = await launch({ template });
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
      expect(error.message).toContain('"options.template"');
    },
  );

  test.each([['always'], ['Only'], ['']])('the use of templates %p', async (template) => {
    const error = await launch({ template });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain(`must be 'auto', 'never' or 'only'`);
  });

  test.each([
    ['signal', {}],
    ['onProgress', 'draw'],
    ['killOnAbort', 'yes'],
  ])('%s: %p', async (name, value) => {
    const error = await launch({ [name]: value });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain(`"options.${name}"`);
  });

  test('an unknown option, with the nearest one', async () => {
    const error = await launch({ timeOut: 5000 });
    expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('did you mean "timeout"?');
  });

  test('a getter that throws', async () => {
    const cause = new Error('mine');
    const options = {
      get timeout() {
        throw cause;
      },
    };
    expect(await launch(options)).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', cause });
  });

  test('before the queue is asked: other calls are none the worse', async () => {
    await launch({ timeout: -1 });
    expect(await g.isConfig()).toBe(true);
  });
});

describe('accepted', () => {
  const noAppliance = { name: 'GuestfsError', code: 'ERR_GUESTFS_NO_APPLIANCE', operation: 'launch' };

  test.each([
    [undefined],
    [{}],
    [{ timeout: undefined, accel: undefined, signal: undefined, onProgress: undefined }],
    [{ timeout: 2 ** 31 - 1 }],
    [{ accel: 'tcg' }],
    [{ template: 'auto' }],
    [{ template: 'never' }],
    [{ template: 'only' }],
    [{ accel: 'auto', signal: new AbortController().signal, onProgress: () => undefined, killOnAbort: true }],
  ])('%p', async (options) => {
    await using handle = new Guestfs({ path: '/nonexistent', backend: 'direct' });
    await handle.addDriveScratch(1024 * 1024);
    const error = await failureOf(handle.launch(options as LaunchOptions));
    expect(error).toMatchObject(noAppliance);
    expect(error.message).toContain('/nonexistent');
  });
});

describe('a launch that fails', () => {
  async function failed(options: LaunchOptions) {
    const handle = new Guestfs({ path: '/nonexistent', backend: 'direct', backendSettings: ['a=1'] });
    await handle.addDriveScratch(1024 * 1024, { label: 'data' });
    await failureOf(handle.launch(options));
    return handle;
  }

  test.each<[LaunchOptions]>([[{}], [{ accel: 'tcg' }], [{ timeout: 60_000 }]])(
    '%p leaves the settings',
    async (options) => {
      await using handle = await failed(options);
      expect(await handle.getBackendSettings()).toEqual(['a=1']);
    },
  );

  test('leaves the drives, once each', async () => {
    await using handle = await failed({});
    await failureOf(handle.launch());
    const drives = await handle.debugDrives();
    expect(drives).toHaveLength(1);
    expect(drives[0]).toContain('label=data');
  });

  test('leaves the handle to be configured and closed', async () => {
    await using handle = await failed({});
    expect(await handle.isConfig()).toBe(true);
    await handle.setMemsize(1500);
    expect(await handle.getMemsize()).toBe(1500);
  });

  test('for want of drives says so', async () => {
    await using handle = new Guestfs();
    const error = await failureOf(handle.launch());
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NO_DRIVE', operation: 'launch' });
  });

  test('does not blame KVM', async () => {
    using folder = temporaryFolder();
    const { warnings, files } = await resultOf<{ warnings: string[]; files: string[] }>(
      `const warnings = [];
       const g = new Guestfs({ path: '/nonexistent', backend: 'direct', backendSettings: [] });
       g.on('warning', (text) => warnings.push(text));
       await g.addDriveScratch(1024 * 1024);
       await g.launch().catch(() => undefined);
       await g.close();
       console.log(JSON.stringify({ warnings, files: require('fs').readdirSync(process.env.XDG_CACHE_HOME) }));`,
      { env: { XDG_CACHE_HOME: folder.path } },
    );
    expect(warnings).toEqual([]);
    expect(files).toEqual([]);
  });

  (existsSync('/dev/kvm') ? test.skip : test)(
    'with accel: kvm where there is none says what to do',
    async () => {
      expect(await launch({ accel: 'kvm' })).toMatchObject({
        code: 'ERR_GUESTFS_KVM_UNAVAILABLE',
        operation: 'launch',
      });
    },
  );
});

test('a launch that is aborted while it prepares does not begin', async () => {
  using folder = temporaryFolder();
  const g = new Guestfs({ tmpdir: folder.path });
  await g.addDriveScratch(1024 * 1024);
  const abort = new AbortController();
  const entered: string[] = [];
  g.on('enter', (name) => {
    entered.push(name);
    if (name === 'get_cachedir') abort.abort();
  });
  const error = await failureOf(g.launch({ signal: abort.signal }));
  await g.close();
  expect(error).toMatchObject({ name: 'AbortError', operation: 'launch' });
  expect(entered).toContain('get_cachedir');
  expect(entered).not.toContain('launch');
});
