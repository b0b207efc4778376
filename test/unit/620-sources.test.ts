/** What names an image, and what is found out of it before anything is launched. */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { diff, type Guestfs, inspect } from '../../lib';
import { parse } from '../../lib/cli/inspect';
import { errorFor } from '../../lib/faults/errors';
import { OpenGuest } from '../../lib/guests/open';
import { GuestPaths } from '../../lib/guests/windows-paths';
import type { ImageFile } from '../../lib/inspect';
import { sectorSizeOf } from '../../lib/sources/sector-size';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

/** The beginning of a disk with a GPT whose header is in the second sector. */
function gptDisk(sector: number, header: { size?: number; place?: bigint; letters?: string } = {}): Buffer {
  const disk = Buffer.alloc(1 << 20);
  disk.write(header.letters ?? 'EFI PART', sector, 'latin1');
  disk.writeUInt32LE(header.size ?? 92, sector + 12);
  disk.writeBigUInt64LE(header.place ?? 1n, sector + 24);
  return disk;
}

const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { stdio: 'ignore' });

/** What is found out of images before a launch. */
async function prepared(files: readonly ImageFile[], tmpdir: string) {
  const guest = await OpenGuest.prepare(files, { operation: 'inspect', handleOptions: { tmpdir } });
  await guest.close();
  return guest.images;
}

describe('the size of sectors', () => {
  test.each<[string, Buffer, number | undefined]>([
    ['512', gptDisk(512), 512],
    ['4096', gptDisk(4096), 4096],
    [
      '512 of a disk that had others before',
      Buffer.concat([gptDisk(512).subarray(0, 4096), gptDisk(4096).subarray(4096)]),
      512,
    ],
    ['none in a disk without a table', Buffer.alloc(8192), undefined],
    ['none of a header that says it is somewhere else', gptDisk(4096, { place: 8n }), undefined],
    ['none of a header longer than a sector', gptDisk(4096, { size: 4097 }), undefined],
    ['none of one that is too short', gptDisk(4096, { size: 91 }), undefined],
    ['none in other letters', gptDisk(4096, { letters: 'EFI PARt' }), undefined],
    ['none in a disk that ends there', gptDisk(4096).subarray(0, 4100), undefined],
    ['none in nothing', Buffer.alloc(0), undefined],
  ])('is %s', (_, head, size) => expect(sectorSizeOf(head)).toBe(size));

  test('is found in images of every format, unless it is given, and leaves no file behind', async () => {
    using folder = temporaryFolder();
    const raw = folder.file('disk.img');
    writeFileSync(raw, gptDisk(4096));
    for (const format of ['qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc'])
      qemuImg('convert', '-f', 'raw', '-O', format, raw, folder.file(format));
    qemuImg('create', '-f', 'qcow2', '-b', 'qcow2', '-F', 'qcow2', folder.file('overlay'));
    const names = ['disk.img', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc', 'overlay'];
    const given = [{ path: folder.file('qcow2'), blocksize: 512 }];
    const images = await prepared(
      [...names.map((name) => ({ path: folder.file(name) })), ...given],
      folder.path,
    );
    expect(images.map(({ blocksize }) => blocksize)).toEqual([...names.map(() => 4096), 512]);
    expect(readdirSync(folder.path).sort()).toEqual([...names].sort());
  });

  test.each([0, 1024, 4097, '4096', Number.NaN])('cannot be %p', async (blocksize) => {
    const image = { path: '/nonexistent', blocksize: blocksize as number };
    const code = typeof blocksize === 'string' ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE';
    expect(await failureOf(Promise.resolve().then(() => inspect(image)))).toMatchObject({ code });
    expect(() => diff(image, image)).toThrow(expect.objectContaining({ code }));
  });
});

describe('the disks of a guest on the command line', () => {
  test('are its IMAGE and what is added to it', () => {
    const args = ['--blocksize', '4096', '--add', 'b.img', '-a', 'c.img', 'a.img'];
    const { images, guests } = parse(args);
    expect(images).toEqual(['a.img']);
    expect(guests).toEqual([['a.img', 'b.img', 'c.img'].map((path) => ({ path, blocksize: 4096 }))]);
  });

  test('are one each of several IMAGEs, to which nothing can be added', () => {
    expect(parse(['a.img', 'b.img']).guests).toEqual([[{ path: 'a.img' }], [{ path: 'b.img' }]]);
    expect(() => parse(['--add', 'c.img', 'a.img', 'b.img'])).toThrow(/--add is for the disks of one guest/);
    expect(() => parse(['--blocksize', '1024', 'a.img'])).toThrow(/--blocksize must be one of 512, 4096/);
  });
});

describe('a path of a guest', () => {
  /** A guest of which the names are those on these drives. */
  function guest(type: string | null, drives: Readonly<Record<string, string>>, files: readonly string[]) {
    const calls: string[] = [];
    const enoent = () => errorFor({ code: 'ENOENT', operation: 'lstatns', problem: 'no such file' });
    const g = {
      inspectGetRoots: async () => ['/dev/sda1'],
      inspectGetType: async () => {
        if (type === null)
          throw errorFor({ code: 'ERR_GUESTFS', operation: 'inspectGetType', problem: 'not found' });
        return type;
      },
      inspectGetDriveMappings: async () => new Map(Object.entries(drives)),
      lstatns: async (path: string) => {
        if (!files.includes(path)) throw enoent();
      },
      caseSensitivePath: async (path: string) => {
        const found = files.find((file) => file.toLowerCase() === path.toLowerCase());
        if (found === undefined) throw enoent();
        return found;
      },
      umountAll: async () => calls.push('umountAll'),
      mountRo: async (device: string) => calls.push(`mountRo ${device}`),
      mount: async (device: string) => calls.push(`mount ${device}`),
    };
    const paths = (mounted: object = {}) =>
      new GuestPaths(g as unknown as Guestfs, 'cat', { writable: false, ...mounted });
    return { calls, paths };
  }

  const drives = { C: '/dev/sda1', D: '/dev/sdb1' };

  test.each([
    ['C:\\Boot.ini', '/boot.INI'],
    ['c:/BOOT.ini', '/boot.INI'],
    ['C:', '/'],
    ['C:\\', '/'],
    ['\\Windows\\\\win.ini', '/windows/win.ini'],
    ['/WINDOWS/win.ini', '/windows/win.ini'],
    ['/nowhere', '/nowhere'],
  ])('of Windows is found: %s', async (path, found) => {
    const { paths, calls } = guest('windows', drives, ['/', '/boot.INI', '/windows/win.ini']);
    expect(await paths().resolve(path)).toBe(found);
    expect(calls).toEqual([]);
  });

  test('is one of the drive that it names, which is mounted for as long as it is asked for', async () => {
    const { paths, calls } = guest('windows', drives, ['/a']);
    const some = paths();
    for (const path of ['/A', 'd:\\a', 'D:/a', 'C:\\a']) expect(await some.resolve(path)).toBe('/a');
    expect(calls).toEqual(['umountAll', 'mountRo /dev/sdb1', 'umountAll', 'mountRo /dev/sda1']);
  });

  test('is what it is where there is no Windows, and one of Windows is an error', async () => {
    const { paths } = guest('linux', {}, []);
    expect(await paths().resolve('/etc/C:\\x')).toBe('/etc/C:\\x');
    expect(await guest(null, {}, []).paths({ root: '/dev/sda2' }).resolve('/a')).toBe('/a');
    const wrong = { code: 'EINVAL', hint: expect.stringContaining('begins with /') };
    expect(await failureOf(paths().resolve('C:\\x'))).toMatchObject(wrong);
    const windows = guest('windows', drives, []);
    const alone = windows.paths({ mountable: '/dev/sda1' });
    expect(await failureOf(alone.resolve('C:\\x'))).toMatchObject({
      hint: expect.stringContaining('--mount'),
    });
    expect(await failureOf(windows.paths().resolve('E:\\x'))).toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('it has C:, D:'),
    });
  });
});
