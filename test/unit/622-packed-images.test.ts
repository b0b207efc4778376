/** Images as they are published: packed, in archives, in pieces. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { inspect } from '../../lib';
import { type GuestOptions, OpenGuest } from '../../lib/guests/open';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

let folder: TemporaryFolder;
let temporary: TemporaryFolder;
const disk = Buffer.alloc(2 << 20);
disk.write('a disk', 1 << 20);

beforeAll(() => {
  [folder, temporary] = [temporaryFolder(), temporaryFolder()];
  writeFileSync(folder.file('disk.raw'), disk);
  writeFileSync(folder.file('a.ovf'), '<Envelope/>');
  for (const [program, name] of [
    ['gzip', 'gz'],
    ['xz', 'xz'],
    ['zstd', 'zst'],
    ['bzip2', 'bz2'],
  ] as const)
    writeFileSync(folder.file(`packed-${name}`), run(program, '-c', 'disk.raw'));
  const vmdk = ['convert', '-O', 'vmdk', '-o'];
  run('qemu-img', ...vmdk, 'subformat=streamOptimized', 'disk.raw', 'stream.vmdk');
  run('qemu-img', ...vmdk, 'subformat=twoGbMaxExtentSparse', 'disk.raw', 'split.vmdk');
  for (const format of ['vpc', 'vhdx']) run('qemu-img', 'convert', '-O', format, 'disk.raw', format);
  run('cp', 'stream.vmdk', 'second.vmdk');
  run('tar', 'cf', 'ova', 'a.ovf', 'stream.vmdk', 'second.vmdk');
  run('tar', 'czf', 'cloud', 'disk.raw');
  run('tar', 'cf', 'empty', 'a.ovf');
});

afterAll(() => {
  for (const each of [folder, temporary]) each[Symbol.dispose]();
});

const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { cwd: folder.path, stdio: 'pipe' });

const prepare = (name: string, more: Partial<GuestOptions> = {}) =>
  OpenGuest.prepare([{ path: folder.file(name) }], {
    ...{ operation: 'inspect', handleOptions: { tmpdir: temporary.path } },
    ...more,
  });

test.each([
  ['packed-gz', ['']],
  ['packed-xz', ['']],
  ['packed-zst', ['']],
  ['packed-bz2', ['']],
  ['stream.vmdk', ['']],
  ['split.vmdk', ['']],
  ['vpc', ['']],
  ['vhdx', ['']],
  ['ova', [':stream.vmdk', ':second.vmdk']],
  ['cloud', [':disk.raw']],
])('%s has what was put into it, and leaves nothing behind', async (name, entries) => {
  const guest = await prepare(name);
  try {
    expect(guest.images.map(({ path }) => path)).toEqual(entries.map((entry) => folder.file(name) + entry));
    for (const { absolutePath, format } of guest.images) {
      run('qemu-img', 'convert', '-f', format, '-O', 'raw', absolutePath, 'copy');
      const copy = readFileSync(folder.file('copy'));
      // A VHD has whole cylinders.
      expect(copy.subarray(0, disk.length).equals(disk)).toBe(true);
      expect(copy.subarray(disk.length).every((byte) => byte === 0)).toBe(true);
    }
  } finally {
    await guest.close();
  }
  expect(readdirSync(temporary.path)).toEqual([]);
});

test.each([
  ['is read in its place', 'bin-nbdkit', ['xz', 'qemu-img', 'nbdkit', 'sh'], []],
  ['is unpacked where nbdkit is missing', 'bin-xz', ['xz', 'qemu-img', 'sh'], ['unpack']],
])('one of xz %s', async (_, bin, programs, operations) => {
  mkdirSync(folder.file(bin));
  for (const each of programs)
    symlinkSync(run('which', each).toString().trim(), folder.file(`${bin}/${each}`));
  const told = new Set<string>();
  const { PATH } = process.env;
  process.env.PATH = folder.file(bin);
  try {
    const guest = await prepare('packed-xz', { onProgress: ({ operation }) => told.add(operation) });
    expect([...told]).toEqual(operations);
    await guest.close();
  } finally {
    process.env.PATH = PATH;
  }
});

test.each([
  [
    'that is cut off',
    'cut',
    () => readFileSync(folder.file('packed-xz')).subarray(0, 80),
    'ERR_GUESTFS_IMAGE_INVALID',
  ],
  [
    'that is damaged within its first block',
    'damaged',
    () => {
      const bytes = readFileSync(folder.file('packed-xz'));
      return bytes.fill(0x5a, 40, 60);
    },
    'ERR_GUESTFS_IMAGE_INVALID',
  ],
  [
    'of gzip that is cut off',
    'cut',
    () => readFileSync(folder.file('packed-gz')).subarray(0, 80),
    'ERR_GUESTFS_IMAGE_INVALID',
  ],
  ['without a disk', 'empty', undefined, 'ERR_GUESTFS_IMAGE_INVALID'],
])('one %s is told as that', async (_, name, content, code) => {
  if (content) writeFileSync(folder.file(name), content());
  expect(await failureOf(prepare(name))).toMatchObject({ code, operation: 'inspect' });
  expect(readdirSync(temporary.path)).toEqual([]);
});

test('an archive that is cut is told by the file within which it ends', async () => {
  writeFileSync(folder.file('short'), readFileSync(folder.file('ova')).subarray(0, 2048));
  const error = await failureOf(prepare('short'));
  expect(error.message).toMatch(/cut within stream\.vmdk.*downloaded to its end/);
});

test.each([
  [
    '<ovf:File ovf:href="gone.vmdk" ovf:id="b"/><Disk ovf:fileRef="a"/><Disk ovf:fileRef="b"/>',
    ['gone.vmdk'],
  ],
  ["<File id='b' href='a&amp;b.vmdk'/><File id='c' href='guest.nvram'/>", ['a&b.vmdk']],
  ['<File ovf:href="some.iso" ovf:id="c"/><Disk ovf:fileRef="a"/>', []],
  ['<File ovf:href="https://host/b.vmdk" ovf:id="b"/><Disk ovf:fileRef="b"/>', []],
  ['<File ovf:href="pieces.vmdk" ovf:id="b" ovf:chunkSize="9"/><Disk ovf:fileRef="b"/>', []],
])('disks that are described by %s and not there are told', async (more, missing) => {
  const description = `<Envelope><File ovf:id="a" ovf:href="./stream.vmdk"/>${more}</Envelope>`;
  writeFileSync(folder.file('b.ovf'), description);
  run('tar', 'cf', 'described', 'b.ovf', 'stream.vmdk');
  const guest = await prepare('described');
  await guest.close();
  expect(guest.images.flatMap(({ notes }) => notes)).toMatchObject(
    missing.map((name) => ({
      code: 'ERR_GUESTFS_DISK_MISSING',
      problem: expect.stringContaining(`the disk ${name} is not in it`),
    })),
  );
});

test('what is told of an unpacked image is told under the name that was given', async () => {
  writeFileSync(folder.file('odd'), Buffer.alloc(1000));
  run('gzip', '-f', 'odd');
  const guest = await prepare('odd.gz');
  await guest.close();
  const [{ notes = [] } = {}] = guest.images;
  expect(notes.map(({ problem }) => problem)).toEqual([
    expect.stringContaining(`${folder.file('odd.gz')} has 1000 bytes`),
  ]);
  run('qemu-img', 'create', '-u', '-f', 'qcow2', '-b', 'base.img', '-F', 'raw', 'above.qcow2', '1M');
  run('gzip', '-f', 'above.qcow2');
  const { message } = await failureOf(prepare('above.qcow2.gz'));
  expect(message).toContain(`base.img, a backing file of ${folder.file('above.qcow2.gz')}, does not exist`);
  expect(message).not.toContain(temporary.path);
});

test.each([
  ['PK\x03\x04', /zip archive.*Unpack/],
  ['7z\xbc\xaf\x27\x1c', /7z/],
  ['\x04\x22\x4d\x18', /lz4/],
  ['\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0', /lzma/],
  ['\x5d\0\0\x80\0\0\0\0\x40\x01\0\0\0\0', /lzma/],
  ['MSWIM\0\0\0', /WIM/],
  ['\x3a\xff\x26\xed', /simg2img/],
  ['\n<!DOCTYPE html>', /page of the web.*Download/],
  ['version https://git-lfs.github.com/spec/v1', /git lfs pull/],
])('what begins with %j is evidently no disk, unless it is said to be one', async (begin, words) => {
  writeFileSync(folder.file('strange'), Buffer.concat([Buffer.from(begin, 'latin1'), Buffer.alloc(4096)]));
  const error = await failureOf(prepare('strange'));
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED', operation: 'inspect' });
  expect(error.message).toMatch(words);
  const file = { path: folder.file('strange'), format: 'raw' };
  await (await OpenGuest.prepare([file], { operation: 'inspect' })).close();
  const boot = Buffer.alloc(512);
  boot.write(begin, 'latin1');
  boot.writeUInt16BE(0x55aa, 510);
  writeFileSync(folder.file('strange'), boot);
  await (await prepare('strange')).close();
});

test('one with an image that names files elsewhere is refused', async () => {
  run('qemu-img', 'create', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', 'evil.qcow2', '1M');
  run('tar', 'cf', 'evil', 'evil.qcow2');
  expect(await failureOf(prepare('evil'))).toMatchObject({ code: 'ERR_GUESTFS_BACKING_FILE' });
});

test('one can only be read, and is given up when that is asked for', async () => {
  expect(await failureOf(prepare('packed-xz', { writable: true }))).toMatchObject({
    code: 'ERR_GUESTFS_READ_ONLY_SOURCE',
  });
  writeFileSync(
    folder.file('zeros'),
    execFileSync('sh', ['-c', 'head -c 1000000000 /dev/zero | zstd -c'], {
      stdio: 'pipe',
      maxBuffer: 1 << 26,
    }),
  );
  const given = prepare('zeros', { signal: AbortSignal.timeout(200) });
  expect(await failureOf(given)).toMatchObject({ code: 'ABORT_ERR' });
  expect(readdirSync(temporary.path)).toEqual([]);
});

test('a program that is missing is named, with its package', async () => {
  mkdirSync(folder.file('bin'));
  const { PATH } = process.env;
  process.env.PATH = folder.file('bin');
  const error = await failureOf(inspect(folder.file('packed-zst')));
  process.env.PATH = PATH;
  expect(error).toMatchObject({ code: 'ERR_GUESTFS_PROGRAM_MISSING', hint: expect.stringContaining('zstd') });
});
