// From the launch of a guest to its end, as the commands do it: real handles, of which only the appliance is made up.
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Guestfs, GuestfsError } from '../../lib';
import { entryOf } from '../../lib/bulk/entry';
import { ExitCode, UsageError } from '../../lib/cli/command';
import { command as dfCommand } from '../../lib/cli/df';
import { command as diffCommand } from '../../lib/cli/diff';
import { type GuestCommand, guestCommand } from '../../lib/cli/guest';
import { guestOptions, imageOperand } from '../../lib/cli/options';
import type { Work } from '../../lib/cli/session';
import { errorFor } from '../../lib/faults/errors';
import { eventually } from '../support/eventually';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';

let folder: TemporaryFolder;
let image: string;
/** What was asked of the handle, in order. */
let calls: string[];
/** The image of each handle. */
let images: WeakMap<Guestfs, unknown>;
/** What reached stderr. */
let told: string;

const appliance = ['launch', 'mount', 'mountRo', 'umountAll', 'shutdown'] as const;
const watched = ['addDrive', 'setAutosync', 'kill', 'close'] as const;

beforeEach(() => {
  folder = temporaryFolder();
  image = folder.file('disk.img');
  writeFileSync(image, Buffer.alloc(1 << 20));
  calls = [];
  images = new WeakMap();
  told = '';
  for (const name of appliance) {
    jest.spyOn(Guestfs.prototype, name).mockImplementation((async (...args: unknown[]) => {
      calls.push([name, ...args.filter((each) => typeof each === 'string')].join(' '));
    }) as never);
  }
  for (const name of watched) {
    const real = Guestfs.prototype[name] as (...args: unknown[]) => Promise<void>;
    jest.spyOn(Guestfs.prototype, name).mockImplementation(function (this: Guestfs, ...args: unknown[]) {
      if (name === 'addDrive') images.set(this, args[0]);
      const readonly = (args[1] as { readonly?: boolean } | undefined)?.readonly;
      calls.push(readonly === undefined ? name : `${name} ${readonly ? 'read-only' : 'to be written'}`);
      return real.apply(this, args);
    } as never);
  }
  jest.spyOn(process.stderr, 'write').mockImplementation(((text: string) => {
    told += text;
    return true;
  }) as never);
});

afterEach(() => {
  jest.restoreAllMocks();
  folder[Symbol.dispose]();
});

const failure = new GuestfsError('sample: no luck\x1b[2J', { code: 'EIO', operation: 'sample' });

function run(
  access: GuestCommand['access'],
  work: Work,
  signal = new AbortController().signal,
  more: string[] = ['--mount=/dev/sda1'],
) {
  const command = guestCommand({
    description: {
      ...{ name: 'sample', summary: '', about: [], examples: [], exitCodes: {} },
      operands: [imageOperand],
      options: guestOptions,
    },
    access,
    plan: () => work,
  });
  return command.run(['--progress=none', '--format=raw', ...more, image], signal);
}

const reading = ['setAutosync', 'addDrive read-only', 'launch', 'mountRo /dev/sda1 /'];
const writing = ['addDrive to be written', 'launch', 'mount /dev/sda1 /'];

describe('a guest that is read', () => {
  test('is opened read-only, and closed at the end: there is nothing to be synced', async () => {
    expect(await run('read', async () => void calls.push('work'))).toBe(ExitCode.success);
    expect(calls).toEqual([...reading, 'work', 'close']);
  });

  test('nothing is mounted for those that look at devices', async () => {
    await run('devices', async () => void calls.push('work'));
    expect(calls).toEqual([...reading.slice(0, 3), 'work', 'close']);
  });

  test('all disks of the guest are added', async () => {
    const other = folder.file('other.img');
    writeFileSync(other, Buffer.alloc(1 << 20));
    await run('devices', async ({ images }) => void calls.push(`${images.length} images`), undefined, [
      '-a',
      other,
    ]);
    expect(calls.filter((each) => each === 'addDrive read-only')).toHaveLength(2);
    expect(calls).toContain('2 images');
  });

  test('what fails is told without playing with the terminal, and the handle is closed', async () => {
    const work = async () => {
      throw failure;
    };
    expect(await run('read', work)).toBe(ExitCode.failure);
    expect(told).toBe('guestfs: sample: no luck (EIO)\n');
    expect(calls.slice(-2)).toEqual(['kill', 'close']);
  });

  test('what fails beside the rest is told too, with its place', async () => {
    expect(await run('read', async ({ failed }) => failed(failure, '/a'))).toBe(ExitCode.failure);
    expect(told).toBe('guestfs: /a: sample: no luck (EIO)\n');
  });

  test.each([
    ['/a: no luck', ''],
    ["cannot open '/a'", ''],
    ['no luck with /a.', ''],
    ['/ab: no luck', '/a: '],
    ['/a.b: no luck', '/a: '],
    ['/a/b: no luck', '/a: '],
    ['/aé: no luck', '/a: '],
    ['/a/b: no luck with /a', ''],
  ])('a place is not told twice: %s', async (problem, place) => {
    const error = errorFor({ code: 'EIO', operation: 'sample', problem });
    await run('read', async ({ failed }) => failed(error, '/a'));
    expect(told).toBe(`guestfs: ${place}sample: ${problem} (EIO)\n`);
  });

  test('with --progress=json errors and notes are JSON', async () => {
    const work: Work = async ({ failed, note }) => {
      note('left out');
      failed(failure, '/a');
    };
    expect(await run('read', work, undefined, ['--mount=/dev/sda1', '--progress=json'])).toBe(
      ExitCode.failure,
    );
    const records = told
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'note', message: 'left out' }),
        expect.objectContaining({
          ...{ type: 'error', path: '/a', code: 'EIO', operation: 'sample', message: failure.message },
        }),
      ]),
    );
  });

  test('an abort kills the appliance at once', async () => {
    const abort = new AbortController();
    const work = async () => {
      abort.abort();
      expect(calls.at(-1)).toBe('kill');
      abort.signal.throwIfAborted();
    };
    await expect(run('read', work, abort.signal)).rejects.toThrow();
    expect(calls.at(-1)).toBe('close');
    expect(told).toBe('');
  });

  test('what had failed before an abort counts', async () => {
    const abort = new AbortController();
    const work: Work = async ({ failed }) => {
      failed(failure, '/a');
      abort.abort();
      abort.signal.throwIfAborted();
    };
    expect(await run('read', work, abort.signal)).toBe(ExitCode.failure);
    expect(told).toBe('guestfs: /a: sample: no luck (EIO)\n');
  });

  test('nothing is launched when it has been aborted before', async () => {
    await expect(run('read', async () => undefined, AbortSignal.abort())).rejects.toThrow();
    expect(calls).toEqual([]);
  });
});

describe('a guest that is changed', () => {
  test('is synced', async () => {
    expect(await run('write', async () => void calls.push('work'))).toBe(ExitCode.success);
    expect(calls).toEqual([...writing, 'work', 'umountAll', 'shutdown', 'close']);
  });

  test('is synced also when the command fails or is aborted', async () => {
    const work = async () => {
      throw failure;
    };
    expect(await run('write', work)).toBe(ExitCode.failure);
    expect(calls).toEqual([...writing, 'umountAll', 'shutdown', 'close']);
    calls = [];
    const abort = new AbortController();
    const aborting = async () => {
      abort.abort();
      abort.signal.throwIfAborted();
    };
    await expect(run('write', aborting, abort.signal)).rejects.toThrow();
    expect(calls).toEqual([...writing, 'umountAll', 'shutdown', 'close']);
  });

  test('what cannot be synced is a failure', async () => {
    jest.spyOn(Guestfs.prototype, 'umountAll').mockRejectedValue(failure);
    expect(await run('write', async () => undefined)).toBe(ExitCode.failure);
    expect(told).toContain('no luck');
    expect(calls.at(-1)).toBe('close');
  });
});

/** Two disks: on the first a filesystem, and one that is encrypted. */
function fakeDisks(second: [string, string][] = crypto): void {
  const contents: Record<string, [string, string][]> = {
    '/dev/sda': [['PTTYPE', 'dos']],
    '/dev/sda1': ext4('u'),
    '/dev/sda2': second,
    '/dev/sdb': [['PTTYPE', 'dos']],
  };
  const lists = {
    listDevices: ['/dev/sda', '/dev/sdb'],
    listPartitions: ['/dev/sda1', '/dev/sda2'],
    ...{ listMdDevices: [], listLdmVolumes: [], listLdmPartitions: [] },
  };
  for (const [name, list] of Object.entries(lists)) {
    jest.spyOn(Guestfs.prototype, name as keyof typeof lists).mockResolvedValue(list);
  }
  jest.spyOn(Guestfs.prototype, 'blkid').mockImplementation(async (device) => new Map(contents[device]));
  jest.spyOn(Guestfs.prototype, 'partList').mockResolvedValue([]);
}

const ext4 = (uuid: string): [string, string][] => [
  ['TYPE', 'ext4'],
  ['USAGE', 'filesystem'],
  ['UUID', uuid],
];

const crypto: [string, string][] = [
  ['TYPE', 'crypto_LUKS'],
  ['USAGE', 'crypto'],
];

describe('an operating system of which a filesystem cannot be mounted', () => {
  let fstab: string;

  beforeEach(() => {
    fstab = 'UUID=u /boot ext4\n';
    fakeDisks(ext4('root'));
    jest.spyOn(Guestfs.prototype, 'inspectGetType').mockResolvedValue('linux');
    jest.spyOn(Guestfs.prototype, 'isFile').mockImplementation(async (path) => path === '/etc/fstab');
    jest.spyOn(Guestfs.prototype, 'pread').mockImplementation(async () => Buffer.from(fstab));
    jest.spyOn(Guestfs.prototype, 'realpath').mockImplementation(async (path) => path);
    jest.spyOn(Guestfs.prototype, 'vfsType').mockResolvedValue('ext4');
    jest.spyOn(Guestfs.prototype, 'inspectOs').mockResolvedValue(['/dev/sda2']);
    jest.spyOn(Guestfs.prototype, 'inspectGetMountpoints').mockResolvedValue(new Map([['/', '/dev/sdz9']]));
    for (const name of ['mount', 'mountRo'] as const) {
      jest.spyOn(Guestfs.prototype, name).mockImplementation(async (_, path) => {
        if (path === '/boot') throw failure;
      });
    }
  });

  test('is read as far as it goes, and that is told', async () => {
    expect(await run('read', async () => void calls.push('work'), undefined, [])).toBe(ExitCode.failure);
    expect(calls).toContain('work');
    expect(told).toBe(
      'guestfs: sample: /dev/sda1 cannot be mounted at /boot (/etc/fstab:1, UUID=u): sample: no luck; the rest can be had by --mount /dev/sda2, without what is mounted on it (EIO)\n',
    );
  });

  test('is changed where the system itself does without', async () => {
    fstab = 'UUID=u /boot ext4 nofail\nUUID=gone /data ext4 nofail\nUUID=lost /srv ext4\n';
    expect(await run('write', async () => void calls.push('work'), undefined, [])).toBe(ExitCode.success);
    expect(calls).toContain('work');
    expect(told).toMatch(/\/etc\/fstab:2 mounts \/data from UUID=gone, which is on none of the disks/);
    expect(told).toMatch(/\/etc\/fstab:3 mounts \/srv/);
    expect(told).toMatch(/\/dev\/sda1 cannot be mounted at \/boot/);
  });

  test('is told of what is encrypted, and not of what need not be there', async () => {
    fakeDisks([...crypto, ['UUID', 'sealed']]);
    jest.spyOn(Guestfs.prototype, 'inspectOs').mockResolvedValue(['/dev/sda1']);
    fstab = '/dev/mapper/luks-sealed /home ext4\nUUID=gone /data ext4 nofail\n';
    expect(await run('read', async () => void calls.push('work'), undefined, [])).toBe(ExitCode.failure);
    expect(calls).toContain('work');
    expect(told).toBe(
      'guestfs: /etc/fstab:1 mounts /home from /dev/mapper/luks-sealed, which is on /dev/sda2: that is encrypted, and closed; it needs its key, by --key (ERR_GUESTFS_FSTAB)\n',
    );
    calls = [];
    expect(await run('write', async () => void calls.push('work'), undefined, [])).toBe(ExitCode.failure);
    expect(calls).not.toContain('work');
  });

  test('is not changed: what belongs into that filesystem would be written elsewhere', async () => {
    expect(await run('write', async () => void calls.push('work'), undefined, [])).toBe(ExitCode.failure);
    expect(calls).not.toContain('work');
    expect(calls.slice(-3)).toEqual(['umountAll', 'shutdown', 'close']);
  });
});

describe('guestfs df', () => {
  let printed: string;

  beforeEach(() => {
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation(((bytes: Uint8Array) => {
      printed += bytes.toString();
      return true;
    }) as never);
    fakeDisks();
    jest.spyOn(Guestfs.prototype, 'statvfs').mockResolvedValue({
      ...{ bsize: 1024n, frsize: 1024n, blocks: 10n, bfree: 8n, bavail: 8n },
      ...{ files: 9n, ffree: 9n, favail: 9n, fsid: 0n, flag: 0n, namemax: 255n },
    });
  });

  const df = (...args: string[]) =>
    dfCommand.run(['--progress=none', '--format=raw', ...args], new AbortController().signal);

  test('of one guest, with all its disks', async () => {
    const other = folder.file('other.img');
    writeFileSync(other, Buffer.alloc(1 << 20));
    expect(await df(image, '-a', other)).toBe(ExitCode.success);
    expect(printed).toBe(
      'FILESYSTEM  TYPE  KIB  USED  AVAILABLE  USE%\n/dev/sda1   ext4   10     2          8   20%\n',
    );
    expect(calls.filter((each) => each === 'launch')).toHaveLength(1);
    expect(told).toBe('guestfs: /dev/sda2 is encrypted (crypto_LUKS): what is in it takes a --key\n');
  });

  test('of several guests side by side, and each is printed when it is done', async () => {
    const slow = folder.file('slow.img');
    writeFileSync(slow, Buffer.alloc(1 << 20));
    jest.spyOn(Guestfs.prototype, 'launch').mockImplementation(async function (this: Guestfs) {
      if (images.get(this) === slow) await eventually(() => printed.includes(image));
    });
    expect(await df('--concurrency=2', slow, image)).toBe(ExitCode.success);
    const [heading, ...rows] = printed.trimEnd().split('\n');
    expect(heading).toMatch(/^IMAGE +FILESYSTEM/);
    expect(rows.map((row) => row.split(/ +/)[0])).toEqual([image, slow]);
  });

  test('what had failed of one guest before an abort counts', async () => {
    const abort = new AbortController();
    jest.mocked(Guestfs.prototype.statvfs).mockImplementation(async () => {
      abort.abort();
      throw failure;
    });
    const args = ['--progress=none', '--format=raw', '--concurrency=1', folder.file('missing.img'), image];
    expect(await dfCommand.run(args, abort.signal)).toBe(ExitCode.failure);
    await expect(dfCommand.run(args.slice(0, 2).concat(image), AbortSignal.abort())).rejects.toThrow();
  });

  test('what fails is told with its image, and the others are reported', async () => {
    const broken = folder.file('broken.img');
    writeFileSync(broken, Buffer.alloc(1 << 20));
    jest.mocked(Guestfs.prototype.statvfs).mockRejectedValueOnce(failure);
    expect(await df('--json', '--concurrency=1', broken, folder.file('missing.img'), image)).toBe(
      ExitCode.failure,
    );
    expect(JSON.parse(printed)).toMatchObject([
      { image, device: '/dev/sda1', uuid: 'u', size: 10240, used: 2048 },
    ]);
    expect(calls.filter((each) => /^(launch|close)$/.test(each))).toEqual([
      'launch',
      'close',
      'launch',
      'close',
    ]);
    expect(told).toContain(`guestfs: ${broken}: /dev/sda1: sample: no luck (EIO)\n`);
    expect(told).toContain(
      `guestfs: ${folder.file('missing.img')}: df: ${folder.file('missing.img')} does not`,
    );
    expect(told).toContain(`guestfs: ${image}: /dev/sda2 is encrypted`);
  });

  test('with --progress=json programs are told of which image, apart from the place in it', async () => {
    jest.mocked(Guestfs.prototype.statvfs).mockRejectedValue(failure);
    expect(await df('--progress=json', image, image)).toBe(ExitCode.failure);
    const records = told
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toContainEqual(
      expect.objectContaining({ type: 'error', image, path: '/dev/sda1', code: 'EIO' }),
    );
    expect(records).toContainEqual(expect.objectContaining({ type: 'note', image }));
  });

  test('disks cannot be added to several guests', async () => {
    await expect(df(image, image, '-a', image)).rejects.toThrow(UsageError);
    expect(calls).toEqual([]);
  });
});

describe('guestfs diff', () => {
  let printed: string;
  /** What the second guest has more than the first. */
  let added: readonly string[];

  beforeEach(() => {
    printed = '';
    added = [];
    jest.spyOn(process.stdout, 'write').mockImplementation(((bytes: Uint8Array) => {
      printed += bytes.toString();
      return true;
    }) as never);
    const handles: Guestfs[] = [];
    jest.spyOn(Guestfs.prototype, 'walk').mockImplementation(async function* (this: Guestfs) {
      handles.push(this);
      if (handles.length === 2) yield* added.map((path) => ({ ...entry, path }));
    } as never);
  });

  const stat = new Proxy({}, { get: () => 0n });
  const entry = entryOf('/', 'a', 1, stat as never);
  const compare = (...args: string[]) =>
    diffCommand.run(
      ['--progress=none', '--mount=/dev/sda1', ...args, image, image],
      new AbortController().signal,
    );

  test('differences are no failure, unless they are asked for as an exit code', async () => {
    added = [`/${'\x1b[2J'}a`];
    expect(await compare('--json')).toBe(ExitCode.success);
    expect(JSON.parse(printed)).toMatchObject({ change: 'added', path: added[0], before: null });
    expect(calls.filter((each) => each === 'mountRo /dev/sda1 /')).toHaveLength(2);
    expect(calls.filter((each) => each === 'close')).toHaveLength(2);
  });

  test('--exit-code: 3 when there are some', async () => {
    added = ['/a'];
    expect(await compare('--exit-code')).toBe(ExitCode.different);
    expect(printed).toBe('+ /a\n');
  });

  test('--exit-code: 3 also when nobody wants to know more of them', async () => {
    added = ['/a', '/b'];
    const abort = new AbortController();
    jest.mocked(process.stdout.write).mockImplementation(() => {
      abort.abort();
      return true;
    });
    const args = ['--progress=none', '--mount=/dev/sda1', image, image];
    expect(await diffCommand.run([...args, '--exit-code'], abort.signal)).toBe(ExitCode.different);
  });

  test('--exit-code: 0 when there are none', async () => {
    expect(await compare('--exit-code')).toBe(ExitCode.success);
    expect(printed).toBe('');
  });

  test('says what each guest is at, and once of what both warn', async () => {
    jest.spyOn(Guestfs.prototype, 'launch').mockImplementation(async function (this: Guestfs) {
      this.emit('warning', 'KVM does not work');
    } as never);
    await compare('--progress=json');
    const records = told
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const phases = records.filter(({ type }) => type === 'phase').map(({ phase }) => phase);
    expect(phases).toEqual(expect.arrayContaining(['before: addDrive', 'after: addDrive']));
    expect(phases).not.toContain('comparing the files');
    expect(records.filter(({ type }) => type === 'note')).toMatchObject([
      { type: 'note', message: 'KVM does not work' },
    ]);
  });

  test('a failure is told, and is none of the differences', async () => {
    jest.spyOn(Guestfs.prototype, 'mountRo').mockRejectedValue(failure);
    expect(await compare('--exit-code')).toBe(ExitCode.failure);
    expect(told).toBe('guestfs: sample: no luck (EIO)\n');
  });
});
