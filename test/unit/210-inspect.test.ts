import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { GuestfsError, type InspectOptions, inspect } from '../../lib';
import type { Guestfs } from '../../lib/guestfs';
import {
  encryptedOf,
  filesystemOf,
  isMangled,
  isMountable,
  partitionOf,
  partitionTableOf,
  valueIn,
} from '../../lib/guests/blkid';
import { describeImages } from '../../lib/guests/devices';
import { whyInactive } from '../../lib/guests/inactive';
import { describeApplication } from '../../lib/guests/operating-system';
import { orNull, Problems } from '../../lib/guests/problems';
import type { InspectionProblem } from '../../lib/guests/report';
import { inMountOrder } from '../../lib/guests/system-mounts';
import { unlock } from '../../lib/guests/unlock';
import { usageOf } from '../../lib/guests/usage';
import { readImage } from '../../lib/host/image-facts';
import { describeIso } from '../../lib/inspect/inspect';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { descendants } from '../support/processes';
import { application } from '../support/reports';

/** Arguments as a JavaScript program may pass them. */
function refusal(images: unknown, options?: unknown) {
  return failureOf(inspect(images as string, options as object));
}

function blkid(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/=(.*)/s, 2) as [string, string]),
  );
}

function qemuImg(...args: string[]): void {
  execFileSync('qemu-img', args, { stdio: 'ignore' });
}

const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

describe('arguments of inspect()', () => {
  test.each([
    ['no images', undefined, 'ERR_INVALID_ARG_TYPE'],
    ['a number', 5, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['a number among images', ['disk.img', 5], 'ERR_INVALID_ARG_TYPE'],
    ['an object without path', { format: 'raw' }, 'ERR_INVALID_ARG_TYPE'],
    ['a format that is no string', { path: 'disk.img', format: 1 }, 'ERR_INVALID_ARG_TYPE'],
    ['a list with a hole', new Array(1), 'ERR_INVALID_ARG_TYPE'],
    ['a revoked proxy', revoked, 'ERR_INVALID_ARG_VALUE'],
    [
      'a getter that throws',
      {
        get path() {
          throw new Error('mine');
        },
      },
      'ERR_INVALID_ARG_VALUE',
    ],
    [
      'a list with a getter that throws',
      Object.defineProperty(['', ''], 0, {
        get() {
          throw new Error('mine');
        },
      }),
      'ERR_INVALID_ARG_VALUE',
    ],
    ['an empty list', [], 'ERR_INVALID_ARG_VALUE'],
    ['an empty path', '', 'ERR_INVALID_ARG_VALUE'],
    ['a NUL', 'disk\0.img', 'ERR_INVALID_ARG_VALUE'],
    ['a format that could be an option', { path: 'disk.img', format: '-f' }, 'ERR_INVALID_ARG_VALUE'],
  ])('%s', async (_, images, code) => {
    const error = await refusal(images);
    expect(error).toMatchObject({ name: 'TypeError', code });
    expect(error.message).toMatch(/^inspect: the "images/);
  });

  test.each([
    ['options that are no object', 'quick', 'ERR_INVALID_ARG_TYPE', /"options"/],
    ['a signal that is none', { signal: {} }, 'ERR_INVALID_ARG_TYPE', /"options.signal"/],
    [
      'onProgress that cannot be called',
      { onProgress: true },
      'ERR_INVALID_ARG_TYPE',
      /"options.onProgress"/,
    ],
    ['onHandle that cannot be called', { onHandle: {} }, 'ERR_INVALID_ARG_TYPE', /"options.onHandle"/],
    [
      'applications that is no boolean',
      { applications: 'no' },
      'ERR_INVALID_ARG_TYPE',
      /"options.applications"/,
    ],
    ['keys that are no list', { keys: 'secret' }, 'ERR_INVALID_ARG_TYPE', /"options.keys"/],
    ['a key that is no string', { keys: [7] }, 'ERR_INVALID_ARG_TYPE', /"options.keys"/],
    [
      'a device that is no string',
      { keys: [{ device: 1, key: 'k' }] },
      'ERR_INVALID_ARG_TYPE',
      /"options.keys.device"/,
    ],
    ['a hole among the keys', { keys: new Array(1) }, 'ERR_INVALID_ARG_TYPE', /"options.keys"/],
    ['a key that is a revoked proxy', { keys: [revoked] }, 'ERR_INVALID_ARG_VALUE', /"options.keys"/],
    [
      'a getter that throws',
      {
        get icon() {
          throw new Error('mine');
        },
      },
      'ERR_INVALID_ARG_VALUE',
      /could not be read/,
    ],
    ['a key with a NUL', { keys: ['secret\0'] }, 'ERR_INVALID_ARG_VALUE', /"options.keys"/],
    ['a timeout of 0', { timeout: 0 }, 'ERR_OUT_OF_RANGE', /timeout/],
    ['an unknown accelerator', { accel: 'xen' }, 'ERR_INVALID_ARG_VALUE', /accel/],
    ['an unknown use of templates', { template: 'always' }, 'ERR_INVALID_ARG_VALUE', /template/],
    ['templates that are no string', { template: true }, 'ERR_INVALID_ARG_TYPE', /"options.template"/],
    ['an unknown option', { aplications: true }, 'ERR_INVALID_ARG_VALUE', /did you mean "applications"/],
  ])('%s', async (_, options, code, message) => {
    const error = await refusal('disk.img', options);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('secret');
  });

  test('options are read once', async () => {
    const reads: string[] = [];
    const read = <T>(name: string, value: T) => {
      reads.push(name);
      return value;
    };
    const key = {
      get key() {
        return read('key', 'secret');
      },
    };
    const options: InspectOptions = {
      get keys() {
        return read('keys', [key]);
      },
      get timeout() {
        return read('timeout', 5000);
      },
    };
    expect(await refusal('missing.img', options)).toMatchObject({ code: 'ENOENT' });
    expect(reads.sort()).toEqual(['key', 'keys', 'timeout']);
  });

  test('bad options of the handle are refused as by new Guestfs()', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), '');
    const error = await refusal(folder.file('disk.img'), { handleOptions: { memsiz: 1 } });
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain('memsize');
  });

  test('a signal that is aborted already', async () => {
    const reason = new Error('enough');
    const error = await refusal('missing.img', { signal: AbortSignal.abort(reason) });
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      operation: 'inspect',
      cause: reason,
    });
  });
});

describe('images that cannot be inspected are refused before anything is launched', () => {
  async function refusedFile(images: unknown): Promise<Error & Record<string, unknown>> {
    let handles = 0;
    const error = await refusal(images, { onHandle: () => handles++ });
    expect(handles).toBe(0);
    expect(descendants()).toEqual([]);
    expect(error).toBeInstanceOf(GuestfsError);
    expect(error.operation).toBe('inspect');
    return error;
  }

  test('a missing file', async () => {
    using folder = temporaryFolder();
    const path = folder.file('missing.img');
    const error = await refusedFile(path);
    expect(error).toMatchObject({ code: 'ENOENT', errno: 2, message: `inspect: ${path} does not exist` });
  });

  test('whose name is not UTF-8', async () => {
    using folder = temporaryFolder();
    writeFileSync(Buffer.concat([Buffer.from(folder.file('caf')), Buffer.of(0xe9)]), Buffer.alloc(512));
    const error = await refusal(folder.file('caf\udce9'));
    expect(error).toMatchObject({ code: 'EINVAL', message: expect.stringMatching(/is no UTF-8.*rename it/) });
  });

  test('a missing file among others', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), '');
    const error = await refusedFile([folder.file('disk.img'), { path: folder.file('missing.img') }]);
    expect(error.code).toBe('ENOENT');
    expect(error.message).toContain(folder.file('missing.img'));
  });

  test('an unreadable file', async () => {
    using folder = temporaryFolder();
    const path = folder.file('unreadable.img');
    writeFileSync(path, 'x', { mode: 0 });
    chmodSync(path, 0);
    if (process.getuid?.() === 0) {
      // Nothing is unreadable to root; what the code makes of the error can be seen by a loop of links.
      symlinkSync(folder.file('loop'), folder.file('loop'));
      expect(await refusedFile(folder.file('loop'))).toMatchObject({ code: 'ELOOP' });
    } else {
      expect(await refusedFile(path)).toMatchObject({ code: 'EACCES', errno: 13 });
    }
  });

  test('a directory', async () => {
    using folder = temporaryFolder();
    expect(await refusedFile(folder.path)).toMatchObject({ code: 'EISDIR', errno: 21 });
  });

  test('a character device', async () => {
    expect(await refusedFile('/dev/null')).toMatchObject({ code: 'EINVAL' });
  });

  test('an image whose backing file is missing', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-u', '-f', 'qcow2', '-b', 'gone.img', '-F', 'raw', folder.file('top.qcow2'), '1M');
    const error = await refusedFile(folder.file('top.qcow2'));
    expect(error).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE', errno: constants.errno.ENOENT });
    expect(error.message).toContain(
      `${folder.file('gone.img')}, a backing file of ${folder.file('top.qcow2')},`,
    );
  });

  test('an image that is its own backing file', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-f', 'qcow2', folder.file('a.qcow2'), '1M');
    qemuImg('create', '-u', '-f', 'qcow2', '-b', 'a.qcow2', '-F', 'qcow2', folder.file('b.qcow2'), '1M');
    qemuImg('rebase', '-u', '-b', 'b.qcow2', '-F', 'qcow2', folder.file('a.qcow2'));
    expect(await refusedFile(folder.file('a.qcow2'))).toMatchObject({
      code: 'ERR_GUESTFS_BACKING_LOOP',
      errno: constants.errno.ELOOP,
      message: expect.stringContaining('qemu-img rebase'),
    });
  });

  test('an image of another format than it is said to be', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), 'This is a letter.');
    const error = await refusedFile({ path: folder.file('disk.img'), format: 'qcow2' });
    expect(error.code).toBe('ERR_GUESTFS_IMAGE_INVALID');
    expect(error.message).toMatch(/disk\.img cannot be opened: Image is not in qcow2 format\. Check it/);
  });

  test('an image for which qemu-img needs more memory than it may have: the machine lacks none', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), '');
    const said = `qemu-img: Could not open '${folder.file('disk.img')}': Cannot allocate memory`;
    writeFileSync(folder.file('qemu-img'), `#!/bin/sh\necho "${said}" >&2\nexit 1\n`, { mode: 0o755 });
    const path = process.env.PATH;
    process.env.PATH = `${folder.path}:${path}`;
    try {
      const error = await refusedFile(folder.file('disk.img'));
      expect(error.code).toBe('ERR_GUESTFS');
      expect(error.message).toMatch(/disk\.img cannot be opened: Cannot allocate memory$/);
    } finally {
      process.env.PATH = path;
    }
  });

  test('an image over one that is damaged', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('below'), 'This is a letter.');
    qemuImg('create', '-u', '-f', 'qcow2', '-b', 'below', '-F', 'qcow2', folder.file('top.qcow2'), '1M');
    expect(await refusedFile(folder.file('top.qcow2'))).toMatchObject({
      code: 'ERR_GUESTFS_BACKING_FILE',
      errno: 0,
      message: expect.stringContaining('below cannot be opened: Image is not in qcow2 format'),
    });
  });

  test('any image where qemu-img is missing', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), '');
    const path = process.env.PATH;
    process.env.PATH = folder.path;
    try {
      const error = await refusedFile(folder.file('disk.img'));
      expect(error.code).toBe('ERR_GUESTFS_QEMU_IMG_MISSING');
      expect(error.message).toContain('apt install qemu-utils');
    } finally {
      process.env.PATH = path;
    }
  });
});

describe('what the host can tell of an image', () => {
  test('a sparse raw image', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), Buffer.alloc(8192, 1));
    truncateSync(folder.file('disk.img'), 4 << 20);
    const facts = await readImage({ path: folder.file('disk.img') }, undefined);
    expect(facts).toMatchObject({ format: 'raw', virtualSize: 4 << 20, fileSize: 4 << 20, backingChain: [] });
    expect(facts.actualSize).toBeGreaterThanOrEqual(8192);
    expect(facts.actualSize).toBeLessThan(1 << 20);
  });

  test('the whole backing chain, relative names and undeclared formats included', async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('base'));
    qemuImg('create', '-f', 'raw', folder.file('base/base.img'), '3M');
    qemuImg('create', '-f', 'qcow2', '-b', 'base/base.img', '-F', 'raw', folder.file('middle.qcow2'));
    qemuImg('create', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', folder.file('top.qcow2'), '5M');
    const facts = await readImage({ path: folder.file('top.qcow2') }, undefined);
    expect(facts).toMatchObject({
      path: folder.file('top.qcow2'),
      format: 'qcow2',
      virtualSize: 5 << 20,
      backingChain: [
        { path: folder.file('middle.qcow2'), format: 'qcow2' },
        { path: folder.file('base/base.img'), format: 'raw' },
      ],
    });
  });

  test('a raw disk with the header of a qcow2 image, when its format is given', async () => {
    using folder = temporaryFolder();
    qemuImg('create', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', folder.file('disk.img'), '1G');
    const facts = await readImage({ path: folder.file('disk.img'), format: 'raw' }, undefined);
    expect(facts).toMatchObject({
      format: 'raw',
      virtualSize: Math.ceil(facts.fileSize / 512) * 512,
      backingChain: [],
    });
  });

  test('images are told apart by their devices', () => {
    const facts = {
      absolutePath: '/x/a',
      fileSize: 1,
      notes: [],
      path: 'a',
      format: 'raw',
      virtualSize: 512,
      actualSize: 0,
      backingChain: [],
    };
    expect(describeImages([facts, { ...facts, path: 'b' }], ['/dev/sda', '/dev/sdb'])).toEqual([
      {
        path: 'a',
        device: '/dev/sda',
        format: 'raw',
        virtualSize: 512,
        blocksize: 512,
        actualSize: 0,
        backingChain: [],
        partitionTable: null,
      },
      {
        path: 'b',
        device: '/dev/sdb',
        format: 'raw',
        virtualSize: 512,
        blocksize: 512,
        actualSize: 0,
        backingChain: [],
        partitionTable: null,
      },
    ]);
  });
});

test('an image with thousands of snapshots', async () => {
  using folder = temporaryFolder();
  const path = folder.file('disk.qcow2');
  qemuImg('create', '-f', 'qcow2', path, '1M');
  qemuImg('snapshot', '-c', 'first', path);
  repeatSnapshot(path, 5000);
  // More often than once: qemu-img uses as many threads as it likes.
  for (let i = 0; i < 3; i++) expect((await readImage({ path }, undefined)).format).toBe('qcow2');
}, 30_000);

/** Gives a qcow2 image so many snapshots, all of them the one that it has. */
function repeatSnapshot(path: string, count: number): void {
  const image = readFileSync(path);
  const first = image.subarray(Number(image.readBigUInt64BE(64)));
  const length = 40 + first.readUInt32BE(36) + first.readUInt16BE(12) + first.readUInt16BE(14);
  const entry = Buffer.alloc(Math.ceil(length / 8) * 8);
  first.copy(entry, 0, 0, length);
  image.writeUInt32BE(count, 60);
  const cluster = 1 << image.readUInt32BE(20);
  const padding = Buffer.alloc((cluster - (image.length % cluster)) % cluster);
  image.writeBigUInt64BE(BigInt(image.length + padding.length), 64);
  writeFileSync(path, Buffer.concat([image, padding, ...Array<Buffer>(count).fill(entry)]));
}

describe('what blkid tells', () => {
  const mbr = blkid(`
    LABEL=my\\ disk
    UUID=bbbecb55-31bc-44dd-94b9-8e8eb3f801d5
    TYPE=ext4
    USAGE=filesystem
    PART_ENTRY_SCHEME=dos
    PART_ENTRY_UUID=0a0b0c0d-01
    PART_ENTRY_TYPE=0x83
    PART_ENTRY_FLAGS=0x80
    PART_ENTRY_NUMBER=1
    PART_ENTRY_OFFSET=2048
    PART_ENTRY_SIZE=4096
    PART_ENTRY_DISK=8:0
  `);

  test('an MBR partition', () => {
    expect(partitionOf('/dev/sda1', mbr)).toEqual({
      device: '/dev/sda1',
      number: 1,
      start: 1 << 20,
      end: (3 << 20) - 1,
      size: 2 << 20,
      type: 'mbr',
      mbrId: 0x83,
      gptType: null,
      bootable: true,
      label: null,
      content: 'ext4',
    });
    mbr.delete('PART_ENTRY_FLAGS');
    expect(partitionOf('/dev/sda1', mbr)?.bootable).toBe(false);
  });

  const gpt = (type: string, flags: string) =>
    partitionOf(
      '/dev/sda2',
      blkid(`
        PART_ENTRY_SCHEME=gpt
        PART_ENTRY_NAME=EFI\\ System
        PART_ENTRY_TYPE=${type}
        PART_ENTRY_FLAGS=${flags}
        PART_ENTRY_NUMBER=2
        PART_ENTRY_OFFSET=34
        PART_ENTRY_SIZE=8589934592
      `),
    );

  test('a GPT partition, larger than 2 TiB', () => {
    expect(gpt('0fc63daf-8483-4772-8e79-3d69d8477de4', '0x0')).toMatchObject({
      number: 2,
      start: 34 * 512,
      size: 4 * 2 ** 40,
      end: 34 * 512 + 4 * 2 ** 40 - 1,
      type: 'gpt',
      mbrId: null,
      gptType: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
      bootable: false,
      label: 'EFI System',
      content: null,
    });
  });

  test('a GPT partition is bootable as EFI system partition, or by its attribute', () => {
    expect(gpt('c12a7328-f81f-11d2-ba4b-00a0c93ec93b', '0x0')?.bootable).toBe(true);
    expect(gpt('21686148-6449-6e6f-744e-656564454649', '0x4')?.bootable).toBe(true);
    // The highest attribute bits do not fit into a double.
    expect(gpt('21686148-6449-6e6f-744e-656564454649', '0xf000000000000003')?.bootable).toBe(false);
  });

  test('a whole disk', () => {
    expect(partitionOf('/dev/sda', blkid('PTUUID=1234\nPTTYPE=dos'))).toBeUndefined();
    expect(partitionTableOf(blkid('PTTYPE=dos'))).toBe('mbr');
    expect(partitionTableOf(blkid('PTTYPE=gpt'))).toBe('gpt');
    expect(partitionTableOf(blkid('MINIMUM_IO_SIZE=512'))).toBeNull();
  });

  test('a filesystem', () => {
    expect(isMountable(mbr)).toBe(true);
    expect(filesystemOf('/dev/sda1', mbr)).toEqual({
      device: '/dev/sda1',
      type: 'ext4',
      label: 'my disk',
      uuid: 'bbbecb55-31bc-44dd-94b9-8e8eb3f801d5',
      size: null,
      used: null,
      free: null,
      iso: null,
    });
  });

  test('swap is listed but not mounted', () => {
    const swap = blkid('TYPE=swap\nUSAGE=other');
    expect(filesystemOf('/dev/sda5', swap)?.type).toBe('swap');
    expect(isMountable(swap)).toBe(false);
  });

  test('a partition with unknown content is listed as such', () => {
    const output = blkid('PART_ENTRY_SCHEME=dos\nPART_ENTRY_TYPE=0x83');
    expect(filesystemOf('/dev/sda1', output)).toMatchObject({ type: 'unknown', uuid: null });
    expect(isMountable(output)).toBe(false);
  });

  test.each([
    ['a member of LVM', 'TYPE=LVM2_member\nUSAGE=raid'],
    ['a member of ZFS', 'TYPE=zfs_member\nUSAGE=filesystem'],
    ['an encrypted volume', 'TYPE=crypto_LUKS\nUSAGE=crypto'],
    ['an extended partition', 'PART_ENTRY_SCHEME=dos\nPART_ENTRY_TYPE=0x5'],
    ['a Microsoft reserved partition', 'PART_ENTRY_TYPE=e3c9e316-0b5c-4db8-817d-f92df00215ae'],
    ['a partition table', 'PTTYPE=bsd'],
  ])('%s is no filesystem', (_, text) => {
    expect(filesystemOf('/dev/sda1', blkid(text))).toBeUndefined();
  });

  test('encrypted volumes', () => {
    expect(encryptedOf('/dev/sda2', blkid('TYPE=BitLocker\nUSAGE=crypto'))).toEqual({
      device: '/dev/sda2',
      type: 'BitLocker',
      uuid: null,
      opened: false,
      mapping: null,
    });
    expect(encryptedOf('/dev/sda1', mbr)).toBeUndefined();
  });

  test('values are unescaped, and those that cannot be are known', () => {
    expect(valueIn(new Map([['LABEL', 'a\\ \\"b\\"\\$\\\\']]), 'LABEL')).toBe('a "b"$\\');
    expect(valueIn(new Map([['LABEL', '']]), 'LABEL')).toBeNull();
    expect(isMangled('a "b"$')).toBe(false);
    expect(isMangled(null)).toBe(false);
    // An é and the same characters in earnest look alike.
    expect(isMangled('M-CM-)')).toBe(true);
    expect(isMangled('^A')).toBe(true);
  });
});

describe('encrypted volumes', () => {
  const volume = {
    device: '/dev/sda2',
    type: 'crypto_LUKS',
    uuid: 'aaaa-bbbb',
    opened: false,
    mapping: null,
  };

  /** A handle that knows the right key, and what was tried on it. */
  function vault(rightKey: string, code = 'ERR_GUESTFS', words = 'wrong key') {
    const tried: unknown[][] = [];
    const open = async (...args: unknown[]) => {
      tried.push(args);
      if (args[1] !== rightKey) throw new GuestfsError(words, { code, operation: 'cryptsetupOpen' });
    };
    const g = {
      cryptsetupOpen: open,
      // That of libguestfs before 1.43.2.
      luksOpenRo: (device: string, key: string, name: string) => open(device, key, name, { readonly: true }),
    };
    return { g: g as unknown as Guestfs, tried };
  }

  test('the keys that fit are tried in order, read-only, until one opens the volume', async () => {
    const { g, tried } = vault('right');
    const keys = [
      { key: 'wrong' },
      { device: '/dev/sdb1', key: 'of another' },
      { device: 'aaaa-bbbb', key: 'right' },
      { device: '/dev/sda2', key: 'too late' },
    ];
    expect(await unlock(g, volume, keys)).toBe('/dev/mapper/cryptsda2');
    expect(tried).toEqual([
      ['/dev/sda2', 'wrong', 'cryptsda2', { readonly: true }],
      ['/dev/sda2', 'right', 'cryptsda2', { readonly: true }],
    ]);
  });

  test('a logical volume', async () => {
    const { g } = vault('right');
    const lv = { ...volume, device: '/dev/vg0/my-lv' };
    expect(await unlock(g, lv, [{ key: 'right' }])).toBe('/dev/mapper/cryptvg0_my_lv');
  });

  test('no key for the volume is no failure, a wrong key is', async () => {
    const { g, tried } = vault('right');
    expect(await unlock(g, volume, [{ device: '/dev/sdb1', key: 'right' }])).toBeUndefined();
    expect(tried).toEqual([]);
    expect(await failureOf(unlock(g, volume, [{ key: 'a' }, { key: 'b' }]))).toMatchObject({
      message: 'wrong key',
    });
  });

  test.each([
    'cryptsetup_open: cryptsetup exited with status 2: No key available with this passphrase.',
    'luks_open_ro: luks_open_ro: Error in cryptsetup: No key available with this passphrase.',
    'luks_open: No key available with this passphrase.',
  ])('that a key is wrong is told as that: %s', async (words) => {
    const { g } = vault('right', undefined, words);
    expect(await failureOf(unlock(g, volume, [{ key: 'a' }]))).toMatchObject({
      ...{ code: 'ERR_GUESTFS_KEY', operation: 'cryptsetupOpen' },
      message: expect.stringContaining('none of the keys that were given opens /dev/sda2'),
    });
  });

  test.each([
    ['/dev/mapper/my--vg-a--b', '/dev/my-vg/a-b'],
    ['AAAA-bbbb', '/dev/sda9'],
  ])('a key for %s is one for that volume', async (device, name) => {
    const { g, tried } = vault('right');
    await unlock(g, { ...volume, device: name }, [{ device, key: 'right' }]);
    expect(tried).toHaveLength(1);
  });

  test('no further key is tried when the appliance has died', async () => {
    const { g, tried } = vault('right', 'ERR_GUESTFS_TERMINATED');
    await failureOf(unlock(g, volume, [{ key: 'a' }, { key: 'right' }]));
    expect(tried).toHaveLength(1);
  });
});

describe('a logical volume without a device', () => {
  const said =
    '  WARNING: x\n  /usr/sbin/thin_check: execvp failed: No\n  Check of pool vg/pool failed (status:1).\n';

  test.each([
    ['/dev/vg/thin', [said], '(Check of pool vg/pool failed (status:1).)'],
    ['/dev/vg/thin', [], '(it does not say why)'],
    ["/dev/vg/$(reboot)';x", [said], '(it does not say why)'],
  ])(
    'is told in the words of LVM, which is asked by plain names only: %s',
    async (volume, answers, words) => {
      const debug = async (_: string, [command = '']: readonly string[]) => {
        expect(command).toBe("lvm lvchange -ay -- 'vg/thin' 2>&1; true");
        const [answer] = answers;
        if (answer === undefined) throw new GuestfsError('no', { code: 'ERR_GUESTFS', operation: 'debug' });
        return answer;
      };
      const why = await whyInactive({ debug } as unknown as Guestfs, volume);
      expect(why).toContain(`cannot activate the logical volume ${volume} ${words}:`);
    },
  );
});

describe('problems', () => {
  const refused = new GuestfsError('no such thing', { code: 'ENOENT', errno: 2, operation: 'mountRo' });
  const died = new GuestfsError('gone', { code: 'ERR_GUESTFS_TERMINATED', operation: 'mountRo' });

  test('a failure is noted, and the rest goes on', async () => {
    const list: InspectionProblem[] = [];
    const problems = new Problems(list);
    expect(await problems.attempt('/dev/sda1', () => Promise.reject(refused))).toBeUndefined();
    expect(await problems.attempt('/dev/sda2', () => Promise.resolve(5))).toBe(5);
    expect(list).toEqual([
      { code: 'ENOENT', operation: 'mountRo', device: '/dev/sda1', message: 'no such thing' },
    ]);
  });

  test('the end of the appliance, and mistakes of the program, are not', async () => {
    const list: InspectionProblem[] = [];
    const problems = new Problems(list);
    const bug = new TypeError('a bug');
    expect(await failureOf(problems.attempt(null, () => Promise.reject(died)))).toBe(died);
    expect(await failureOf(problems.attempt(null, () => Promise.reject(bug)))).toBe(bug);
    expect(await failureOf(orNull(Promise.reject(died)))).toBe(died);
    expect(await orNull(Promise.reject(refused))).toBeNull();
    expect(list).toEqual([]);
  });
});

describe('results as plain data', () => {
  test('usage of a filesystem', () => {
    const statvfs = {
      bsize: 65_536n,
      frsize: 4096n,
      blocks: 2n ** 40n,
      bfree: 2n ** 39n,
      bavail: 1n,
      files: 0n,
      ffree: 0n,
      favail: 0n,
      fsid: 0n,
      flag: 0n,
      namemax: 255n,
    };
    expect(usageOf(statvfs)).toEqual({
      ...{ size: 2n ** 52n, used: 2n ** 51n, free: 2n ** 51n, available: 4096n },
      ...{ inodes: 0n, inodesUsed: 0n, inodesFree: 0n },
    });
  });

  test('mount points come in an order in which they can be mounted', () => {
    const mounts = ['/usr/local', '/boot/efi', '/', '/usr', '/var/__proto__'];
    expect(inMountOrder(mounts.map((path) => ({ path, device: '' }))).map(({ path }) => path)).toEqual([
      '/',
      '/usr',
      '/boot/efi',
      '/usr/local',
      '/var/__proto__',
    ]);
  });

  test('an application', () => {
    const told = {
      app2Name: 'adduser',
      app2DisplayName: '',
      app2Epoch: 1,
      app2Version: '3.134',
      app2Release: '2',
      app2Arch: 'all',
      app2InstallPath: '',
      app2TransPath: '',
      app2Publisher: '',
      app2Url: 'https://example.org/',
      app2SourcePackage: '',
      app2Summary: 'add and remove users',
      app2Description: '',
      app2Class: '',
      app2Spare2: '',
      app2Spare3: '',
      app2Spare4: '',
    };
    const said = { epoch: 1, version: '3.134', release: '2', arch: 'all', summary: 'add and remove users' };
    const url = 'https://example.org/';
    expect(describeApplication(told)).toEqual(application('adduser', { ...said, url }));
  });

  test('the descriptor of an ISO image', () => {
    const isoinfo = {
      isoSystemId: '',
      isoVolumeId: 'RESCUE',
      isoVolumeSpaceSize: 1,
      isoVolumeSetSize: 1,
      isoVolumeSequenceNumber: 1,
      isoLogicalBlockSize: 2048,
      isoVolumeSetId: '',
      isoPublisherId: '',
      isoDataPreparerId: 'XORRISO',
      isoApplicationId: '',
      isoCopyrightFileId: '',
      isoAbstractFileId: '',
      isoBibliographicFileId: '',
      isoVolumeCreationT: 1_777_846_333n,
      isoVolumeModificationT: -1n,
      isoVolumeExpirationT: -1n,
      isoVolumeEffectiveT: -1n,
    };
    expect(describeIso(isoinfo)).toEqual({
      volumeId: 'RESCUE',
      systemId: null,
      publisherId: null,
      dataPreparerId: 'XORRISO',
      applicationId: null,
      created: '2026-05-03T22:12:13.000Z',
      modified: null,
    });
  });
});
