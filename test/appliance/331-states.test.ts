// Calls on a running appliance that should have been made before its launch, or after a mount.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import { launchedHandle, MiB } from '../support/appliance';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { root } from '../support/script';

interface FunctionRecord {
  readonly name: string;
  readonly configOnly?: boolean;
  readonly args?: { readonly kind: string }[];
}

const table = <T>(name: string) => JSON.parse(readFileSync(join(root, `api/${name}.json`), 'utf8')) as T[];
const camel = (name: string) => name.replace(/_+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase());
const some: Record<string, unknown> = {
  String: '/dev/null',
  OptString: 'x',
  StringList: ['x'],
  Bool: false,
};

const folder = temporaryFolder();
let g: Guestfs;
beforeAll(async () => {
  g = await launchedHandle(32 * MiB);
});
afterAll(async () => {
  await g?.close();
  folder[Symbol.dispose]();
});

describe('what is to be done before the launch', () => {
  const alreadyLaunched = { code: 'ERR_GUESTFS_ALREADY_LAUNCHED', errno: 0 };

  test('says so: every function of which libguestfs wants it', async () => {
    const configOnly = table<FunctionRecord>('functions').filter((fn) => fn.configOnly);
    expect(configOnly.length).toBeGreaterThan(20);
    for (const { name, args = [] } of configOnly) {
      const values = args.map(({ kind }) => some[kind] ?? 1);
      const error = await failureOf(g[invoke](camel(name), values, undefined));
      expect(error).toMatchObject({ ...alreadyLaunched, operation: camel(name) });
    }
  });

  test('drives, which libguestfs before 1.48 added later too', async () => {
    const { minor } = await g.version();
    if (minor < 48n) return expect(minor).toBeGreaterThan(0n);
    writeFileSync(folder.file('disk.img'), Buffer.alloc(MiB));
    expect(await failureOf(g.addDrive(folder.file('disk.img')))).toMatchObject(alreadyLaunched);
    expect(await failureOf(g.addDriveScratch(MiB))).toMatchObject(alreadyLaunched);
  });

  test('a second launch, which changes nothing', async () => {
    const error = await failureOf(g.launch());
    expect(error).toMatchObject({ ...alreadyLaunched, operation: 'launch' });
    expect(error.message).not.toContain('doctor');
    expect(await g.listDevices()).toEqual(['/dev/sda']);
  });
});

describe('with nothing mounted', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['cat', () => g.cat('/etc/fstab')],
    ['ls', () => g.ls('/')],
    ['isFile', () => g.isFile('/etc/fstab')],
    ['upload', () => g.upload(Buffer.from('x'), '/x')],
    ['download', () => g.download('/x', folder.file('x'))],
    ['augInit', () => g.augInit('/', 0)],
    ['readlinklist', () => g.readlinklist('/', ['x'])],
  ])('%s says what to call', async (operation, call) => {
    const error = await failureOf(call());
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_MOUNTED', operation });
    expect(error.message).toContain(
      `${operation}: nothing is mounted at '/'. Call mount() or mountRo() first`,
    );
  });

  test.each<[string, () => Promise<unknown>]>([
    ['walk', () => g.walk('/').next()],
    ['copyOut', () => g.copyOut('/etc', folder.file('.'))],
    ['copyIn', () => g.copyIn(join(root, 'package.json'), '/')],
    ['a stream', () => g.createReadStream('/etc/fstab').toArray()],
  ])('%s too', async (_, call) => {
    expect(await failureOf(call())).toMatchObject({ code: 'ERR_GUESTFS_NOT_MOUNTED' });
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ['augGet', 'augInit', () => g.augGet('/files')],
    ['hivexRoot', 'hivexOpen', () => g.hivexRoot()],
    ['journalNext', 'journalOpen', () => g.journalNext()],
    ['inotifyRead', 'inotifyInit', () => g.inotifyRead()],
    ['inspectListApplications2', 'inspectOs', () => g.inspectListApplications2('/dev/sda')],
  ])('%s asks for %s()', async (operation, opener, call) => {
    const error = await failureOf(call());
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_NOT_OPENED', operation });
    expect(error.message).toContain(`Call ${opener}() first`);
  });
});

describe('a program of the guest', () => {
  // Its words are the whole message of a call that runs it.
  beforeAll(async () => {
    const source = folder.file('say.c');
    writeFileSync(
      source,
      '#include <stdio.h>\nint main(int c, char **v) { (void)c; fputs(v[1], stderr); return 1; }\n',
    );
    execFileSync('cc', ['-static', '-o', folder.file('say'), source]);
    await g.mkfs('ext2', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.upload(folder.file('say'), '/say');
    await g.chmod(0o755, '/say');
  });

  test.each([
    'call launch before using this function',
    'this function can only be called in the config state',
    "do_command: you must call 'mount' first to mount the root filesystem",
    "command_stub: you must call 'mount' first to mount the root filesystem",
    "do_command: you must call 'aug-init' first to initialize Augeas",
    'no inspection data: call guestfs_inspect_os first',
  ])('does not choose the code of an error: %s', async (words) => {
    const error = await failureOf(g.command(['/say', words]));
    expect(error.message).toContain(words);
    expect(error).toMatchObject({ code: 'ERR_GUESTFS', operation: 'command' });
  });
});

test('after shutdown() the appliance does not run, and has no drive', async () => {
  await g.shutdown();
  expect(await failureOf(g.ls('/'))).toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
  await g.setMemsize(768);
  expect(await failureOf(g.launch())).toMatchObject({ code: 'ERR_GUESTFS_NO_DRIVE' });
});
