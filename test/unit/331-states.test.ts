import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import { stateIn } from '../../lib/faults/states';
import { failureOf } from '../support/internal';
import { root } from '../support/script';

// Calls before their time. Those that come too late, or before a filesystem is mounted, need an appliance.

interface Argument {
  readonly name: string;
  readonly kind: string;
  readonly subtype?: string;
}

const table = <T>(name: string) => JSON.parse(readFileSync(join(root, `api/${name}.json`), 'utf8')) as T[];
const camel = (name: string) => name.replace(/_+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase());
const functions = new Map(
  table<{ name: string; args?: Argument[] }>('functions').map(({ name, args = [] }) => [name, args]),
);

/** Whatever libguestfs takes where it looks before it asks the appliance. */
function plausible({ name, kind, subtype }: Argument): unknown {
  if (subtype === 'FileIn') return Buffer.from('x');
  if (subtype === 'FileOut') return '/dev/null';
  if (name === 'guid') return '01234567-89AB-CDEF-0123-456789ABCDEF';
  return { String: '/dev/sda', OptString: 'x', StringList: ['x'], Bool: false, BufferIn: 'x' }[kind] ?? 1;
}

let g: Guestfs;
beforeAll(() => {
  g = new Guestfs();
});
afterAll(() => g.close());

describe('before the launch', () => {
  /** They do not ask the appliance for it. */
  const others = [
    'copy_in',
    'copy_out',
    'mount_local',
    'mount_local_run',
    'mountable_subvolume',
    'umount_local',
  ];
  const needing = table<{ name: string; needs: string }>('documentation')
    .filter(({ needs }) => needs === 'launched' || needs === 'mounted')
    .map(({ name }) => name)
    .filter((name) => Guestfs.supports(camel(name)) && !others.includes(name));

  test('there are hundreds of functions that need an appliance', () => {
    expect(needing.length).toBeGreaterThan(490);
  });

  test('each says so, and what to call', async () => {
    for (const name of needing) {
      const args = (functions.get(name) as Argument[]).map(plausible);
      const error = await failureOf(g[invoke](camel(name), args, undefined));
      const operation = camel(name);
      const message = `${operation}: the appliance does not run. Call launch() first`;
      expect({ ...error, message: error.message }).toMatchObject({
        ...{ code: 'ERR_GUESTFS_NOT_LAUNCHED', errno: 0 },
        ...{ operation, message },
      });
    }
  });

  test.each<[string, () => Promise<unknown>]>([
    ['copyOut', () => g.copyOut('/etc', root)],
    ['copyIn', () => g.copyIn(join(root, 'package.json'), '/')],
    ['walk', () => g.walk('/').next()],
    ['a stream', () => g.createReadStream('/etc/fstab').toArray()],
    ['getPid, which is answered at once', () => g.getPid()],
  ])('%s likewise', async (_, call) => {
    expect(await failureOf(call())).toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
  });
});

describe('a launch without a drive', () => {
  const noDrive = {
    code: 'ERR_GUESTFS_NO_DRIVE',
    operation: 'launch',
    message: 'launch: the handle has no drive. Call addDrive(), addDriveRo() or addDriveScratch() first',
  };

  test.each(['auto', 'tcg'] as const)(
    'says what to call, and does not send anybody to the doctor: %s',
    async (accel) => {
      await using handle = new Guestfs({ backend: 'direct' });
      const error = await failureOf(handle.launch({ accel }));
      expect({ ...error, message: error.message }).toMatchObject(noDrive);
      expect(await handle.isConfig()).toBe(true);
      // And nothing has been launched by it.
      expect(await failureOf(handle.listDevices())).toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
    },
  );
});

describe('what has to be opened first', () => {
  test.each(['mountLocalRun', 'umountLocal'] as const)('%s', async (method) => {
    expect(await failureOf(g[method]())).toMatchObject({
      code: 'ERR_GUESTFS_NOT_OPENED',
      message: `${method}: what this works on has not been opened. Call mountLocal() first`,
    });
  });
});

describe('words that tell a state', () => {
  const down = [
    'ls: call launch before using this function',
    'you must call guestfs_add_drive before guestfs_launch',
  ];
  const up = [
    'set_smp: this function can only be called in the config state',
    "ls: ls0_stub: you must call 'mount' first to mount the root filesystem",
    "aug_get: do_aug_get: you must call 'aug-init' first to initialize Augeas",
  ];

  test.each(down)('count only where no appliance runs: %s', (message) => {
    expect(stateIn({ errno: 0, message, launched: false })).toBeDefined();
    expect(stateIn({ errno: 0, message, launched: true })).toBeUndefined();
  });

  test.each(up)('count only where one runs: %s', (message) => {
    expect(stateIn({ errno: 0, message, launched: true })).toBeDefined();
    expect(stateIn({ errno: 0, message, launched: false })).toBeUndefined();
  });

  test.each([...down, ...up])('do not count among others: %s', (message) => {
    for (const launched of [false, true]) {
      for (const words of [
        `/${message}`,
        `cat: /tmp/${message}`,
        `${message}: No such file or directory`,
        `a\n${message}`,
      ])
        expect(stateIn({ errno: 0, message: words, launched })).toBeUndefined();
    }
  });
});
