// What an image contains (names of backing files and features, labels, text on the console) chooses no error's code.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Guestfs, inspect } from '../../lib';
import { callFailed, hostFailed, launchFailed } from '../../lib/faults/errors';
import { causeOfDeath, RefusedWrites } from '../../lib/faults/kernel-words';
import { faultIn } from '../../lib/faults/words';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';

const overlay = 'qemu-img: /tmp/libguestfsabcdef/overlay1.qcow2: ';
const drive = 'qemu-system-x86_64: -drive file=/i/disk,cache=writeback,format=qcow2,id=hd0,if=none: ';

/** A sentence for each fault in the table, as the programs say it. */
const phrases = [
  'pipe2: Too many open files',
  'Too many open files',
  `${drive}Could not open '/i/disk': Too many open files`,
  "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
  'fork: Cannot allocate memory',
  `${overlay}qemu-img exited for an unknown reason (status -1).`,
  `${drive}Failed to get "write" lock\nIs another process using the image [/i/disk]?`,
  `${drive}${'Could not open backing file: '.repeat(60)}`,
  `${drive}Could not open backing file: Failed to get shared "write" lock\nIs another process using the image [/i/disk]?`,
  `${overlay}Could not open backing file: Could not open '/i/base': No such file or directory`,
  `${overlay}Image is not in qcow2 format`,
  `${overlay}Could not write qcow2 header: No space left on device`,
  `${overlay}No space left on device`,
  "qemu-img: 'file' driver requires '/i/folder' to be a regular file",
  "qemu-system-x86_64: -device scsi-hd,drive=hd0: Could not open '/i/image': Permission denied",
  'LIBGUESTFS_TMPDIR: /t: realpath: No such file or directory',
  'XDG_RUNTIME_DIR: /t: realpath: No such file or directory',
  '/t/libguestfsK3O5LA: cannot create temporary directory: Read-only file system',
  '/t/libguestfsK3O5LA/overlay1.qcow2: No space left on device',
  'security: cached appliance /var/tmp/.guestfs-1000 is not owned by UID 1000',
  'stat: /c/.guestfs-0: No such file or directory',
  "cp: error writing '/c/.guestfs-0/appliance.d.almnkia2/kernel': No space left on device",
  'supermin: error: statvfs: No space left on device: /c/.guestfs-0/appliance.d.oh6a4m6q/root',
  "cp: cannot open '/boot/vmlinuz-6.1' for reading: Permission denied",
  "cp: cannot stat '/k': No such file or directory\nsupermin: cp -p '/k' '/c/.guestfs-0/appliance.d.x/kernel': failed",
  'supermin: failed to find a suitable kernel (host_cpu=x86_64).',
  'cannot find any suitable libguestfs supermin, fixed or old-style appliance on LIBGUESTFS_PATH (search path: /none)',
  'stat: /no/qemu: No such file or directory',
  '/no/qemu: did not understand QMP monitor output\nError output of qemu: sh: 1: /no/qemu: not found',
  '/opt/qemu exited with error status 126.',
  'could not connect to libvirt (URI = qemu:///system): Failed to connect socket [code=38]',
  'passt exited with status 1',
  'unknown option in guestfs_mount_opts_argv->bitmask (this can happen if',
  "feature 'xfs' is not available in this\nbuild of libguestfs.",
  'critical space allocation error, dev sda, sector 8706 op 0x1:(WRITE) flags 0x4000',
  'I/O error, dev sdb, sector 8706 op 0x1:(WRITE) flags 0x4000',
  'Buffer I/O error on dev sda, logical block 7, lost async page write',
  'Out of memory: Killed process 155 (guestfsd) total-vm:142456kB',
  'Kernel panic - not syncing: sysrq triggered crash',
  ...['Permission denied', 'Input/output error', 'Cannot allocate memory', 'No space left on device'],
];

test('the phrases are those of the table', () => {
  const codes = new Set(phrases.map((said) => faultIn({ said, path: '/i/drive' })?.code));
  expect([...codes].filter((code) => code !== undefined).sort()).toEqual([
    'ERR_GUESTFS_BACKING_FILE',
    'ERR_GUESTFS_BACKING_LOOP',
    'ERR_GUESTFS_CACHEDIR',
    'ERR_GUESTFS_IMAGE_INVALID',
    'ERR_GUESTFS_IMAGE_LOCKED',
    'ERR_GUESTFS_IMAGE_UNREADABLE',
    'ERR_GUESTFS_KERNEL_UNREADABLE',
    'ERR_GUESTFS_LIBVIRT',
    'ERR_GUESTFS_LIMIT',
    'ERR_GUESTFS_MEMORY',
    'ERR_GUESTFS_NO_APPLIANCE',
    'ERR_GUESTFS_NO_HYPERVISOR',
    'ERR_GUESTFS_NO_KERNEL',
    'ERR_GUESTFS_PASST',
    'ERR_GUESTFS_SOCKDIR',
    'ERR_GUESTFS_TMPDIR',
  ]);
});

/** What an image may say: phrases, in whatever stands around them. */
const glue = fc.constantFrom(
  ...[
    '',
    ' ',
    '\n',
    '\r\n',
    "'",
    "': ",
    "'\n",
    "': No such file or directory\n",
    ': ',
    '[',
    ']?\n',
    '"',
    '/',
    ',,',
    ', ',
  ],
  ...['\n[   20.123456] ', '[   20.123456] ', 'qemu-img: ', '\x1b[2K', '\u202e', 'x', '\ufdd0'],
);
const evil = fc
  .array(fc.oneof(glue, fc.constantFrom(...phrases), fc.string({ maxLength: 8 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

/** Hostile text takes nothing else to be known for. */
const holds = (property: (text: string) => void) => () =>
  fc.assert(fc.property(evil, property), {
    numRuns: 500,
    examples: phrases.flatMap((phrase) =>
      [phrase, `\n${phrase}\n`, `x': ${phrase}`, `x': ${phrase}\n`, `x\n${phrase}\ny`].map(
        (text) => [text] as [string],
      ),
    ),
  });

describe('an image says it', () => {
  const exited = `${overlay}qemu-img exited with error status 1.\nTo see full error messages you may need to enable debugging.\nDo:\n  export LIBGUESTFS_DEBUG=1 LIBGUESTFS_TRACE=1\nand/or see guestfs(3).`;
  const addDrive = (said: string, message = exited) =>
    hostFailed(callFailed('addDrive', { errno: 0, message }), 'qemu-img', said, '/i/disk').code;
  const launch = (console: string) =>
    launchFailed(callFailed('launch', { errno: 0, message: 'guestfs_launch failed.' }), console).code;

  test(
    'by the name of its backing file',
    holds((name) => {
      const why = `Could not open backing file: Could not open '${name}': No such file or directory`;
      expect(addDrive(`${overlay}${why}\nCould not open backing image.\n`)).toBe('ERR_GUESTFS_BACKING_FILE');
      expect(launch(`${drive}${why}\n`)).toBe('ERR_GUESTFS_BACKING_FILE');
      // libguestfs 1.56
      const message = `qemu-img: ${overlay}${why} Could not open backing image. : qemu-img exited with error status 1.`;
      expect(addDrive('', message)).toBe('ERR_GUESTFS_BACKING_FILE');
    }),
  );

  test(
    'by the name of its format, or of a feature',
    holds((name) => {
      const reasons = [
        [`Unsupported qcow2 feature(s): ${name}`, 'UNSUPPORTED', 'ERR_GUESTFS_IMAGE_UNSUPPORTED'],
        [`Unknown driver '${name}'`, 'INVALID', 'ERR_GUESTFS_BACKING_FILE'],
        [`Invalid extent line: ${name}`, 'INVALID', 'ERR_GUESTFS_BACKING_FILE'],
      ] as const;
      for (const [why, kind, ofBackingFile] of reasons) {
        const code = `ERR_GUESTFS_IMAGE_${kind}`;
        expect(addDrive(`${overlay}${why}\nCould not open backing image.\n`)).toBe(code);
        expect(addDrive(`qemu-img: Could not open '/i/disk': ${why}`)).toBe(code);
        expect(launch(`${drive}${why}\n`)).toBe(code);
        expect(launch(`${drive}Could not open backing file: ${why}\n`)).toBe(ofBackingFile);
      }
    }),
  );

  test(
    'by the name of an extent',
    holds((name) => {
      const own = /^ERR_GUESTFS_(DATA_FILE|IMAGE_(INVALID|UNREADABLE))$/;
      expect(addDrive(`${overlay}Could not open '${name}': No such file or directory\n`)).toMatch(own);
      expect(launch(`${drive}Could not open '${name}': No such file or directory\n`)).toMatch(own);
    }),
  );

  test(
    'by the name of the file that a lock is held on',
    holds((name) => {
      const why = `Could not open backing file: Failed to get shared "write" lock\nIs another process using the image [${name}]?`;
      expect(addDrive(`${overlay}${why}\n`)).toBe('ERR_GUESTFS_IMAGE_LOCKED');
      // Its own file is truly its backing file then.
      fc.pre(!name.startsWith('/i/disk]'));
      expect(launch(`${drive}${why}\n`)).toBe('ERR_GUESTFS_IMAGE_LOCKED');
    }),
  );

  test(
    'by its own name',
    holds((name) => {
      const path = `/i/${name}`;
      const refused = (message: string, said = '') =>
        hostFailed(callFailed('addDrive', { errno: 2, message }), 'qemu-img', said, path).code;
      expect(refused(`${path}: No such file or directory`)).toBe('ENOENT');
      expect(refused(exited, `qemu-img: Could not open '${path}': Image is not in raw format`)).toBe(
        'ERR_GUESTFS_IMAGE_INVALID',
      );
    }),
  );

  test(
    'by names in what the kernel says while the appliance starts, and afterwards',
    holds((name) => {
      // The kernel gives each line of a message the time of all of it.
      const line = `[    4.000001] BTRFS: device label ${name} devid 1`.replace(
        /\r?\n/g,
        '\n[    4.000001] ',
      );
      expect(launch(`[    3.000001] Run /init as init process\n${line}\n${name}\n`)).toBe('ERR_GUESTFS');
      // A program on the host says nothing meanwhile.
      expect(addDrive(`[    3.000001] Run /init as init process\n${line}\n`)).toBe('ERR_GUESTFS');
      expect(causeOfDeath(`${line}\n`)).toBeUndefined();
    }),
  );

  test(
    'by names in what the kernel says, in pieces',
    holds((name) => {
      const line = `[   20.000001] EXT4-fs error: bad entry ${name} in directory`.replace(
        /\r?\n|\r/g,
        '\n[   20.000001] ',
      );
      const text = `[   19.000001] sda: sda1\n${line}\n[   21.000001] sdb\n`;
      for (const size of [1, 7, 64, 5000]) {
        const writes = new RefusedWrites();
        for (let at = 0; at < text.length; at += size) writes.read(text.slice(at, at + size));
        expect(writes.fault).toBeUndefined();
      }
    }),
  );

  test(
    "by names in the daemon's errors, which it writes to the console too",
    holds((name) => {
      const message = `lstat: /${name}: No such file or directory`;
      const writes = new RefusedWrites();
      writes.read(`guestfsd: error: ${message}\n`);
      writes.disown(message);
      expect(writes.fault).toBeUndefined();
      writes.read('[ 1020.000001] I/O error, dev sdb, sector 8706 op 0x1:(WRITE) flags 0x4000\n');
      writes.disown(message);
      expect(writes.fault?.code).toBe('ERR_GUESTFS_DISK_ERROR');
    }),
  );

  test("by a kernel's line in a name in such an error", () => {
    const refused = '[ 1000.000001] I/O error, dev sda, sector 2 op 0x1:(WRITE) flags 0x4000';
    const message = `lstat: /a\n${refused}\nb: No such file or directory`;
    const writes = new RefusedWrites();
    writes.read(`guestfsd: error: ${message}\n`);
    expect(writes.fault?.code).toBe('ERR_GUESTFS_DISK_ERROR'); // nobody can tell yet
    writes.disown(message);
    expect(writes.fault).toBeUndefined();
  });

  test(
    'by the path in an error of the daemon',
    holds((name) => {
      const { code, message } = callFailed('cat', {
        errno: 95,
        message: `cat: /${name}: Operation not supported`,
      });
      expect(code).toMatch(/^(ENOTSUP|EOPNOTSUPP)$/);
      expect(message).not.toMatch(/appliance lacks/);
    }),
  );
});

describe('real images say it', () => {
  let folder: TemporaryFolder;
  let g: Guestfs;
  beforeEach(() => {
    folder = temporaryFolder();
    g = new Guestfs();
  });
  afterEach(async () => {
    await g.close();
    folder[Symbol.dispose]();
  });

  /** An image with a backing file of this name, in its header. */
  function imageOver(name: string): string {
    const path = folder.file('disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', '-b', name, '-F', 'raw', path, '1M']);
    return path;
  }

  test.each([
    'Too many open files',
    "x': Too many open files\ny",
    "x': Cannot allocate memory",
    "\nqemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory\n",
    '\nstat: /no/qemu: No such file or directory\n',
    'Failed to get "write" lock',
    '/tmp/libguestfsabcdef/overlay1.qcow2: No space left on device\n',
    'supermin: failed to find a suitable kernel',
  ])('the backing file %j', async (name) => {
    // With a folder, for qemu takes what stands before a colon for a protocol.
    const path = imageOver(`./${name}`);
    const expected = { code: 'ERR_GUESTFS_BACKING_FILE' };
    expect(await failureOf(inspect(path))).toMatchObject(expected);
    expect(await failureOf(g.addDrive(path, { readonly: true, format: 'qcow2' }))).toMatchObject(expected);
    const create = g.diskCreate(folder.file('new'), 'qcow2', -1, {
      backingfile: path,
      backingformat: 'qcow2',
    });
    expect(await failureOf(create)).toMatchObject(expected);
  });

  test.each([
    'Too many open files',
    'x\nstat: /no/qemu: No such file or directory',
    'a: Permission denied',
    "\nqemu-img: cannot set up guest memory 'pc.ram': Cannot allocate",
  ])('the feature %j', async (name) => {
    const path = folder.file('disk.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1M']);
    nameFeature(path, name);
    const expected = { code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED' };
    expect(await failureOf(inspect(path))).toMatchObject(expected);
    const error = await failureOf(g.addDrive(path, { readonly: true, format: 'qcow2' }));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain('nsupported');
  });

  test.each([
    'Too many open files',
    "x': Permission denied",
    'x\nqemu-img: Cannot allocate memory',
    'stat: \n',
  ])('its own name %j', async (name) => {
    const path = folder.file(name);
    writeFileSync(path, 'no image');
    const expected = { code: 'ERR_GUESTFS_IMAGE_INVALID' };
    expect(await failureOf(inspect({ path, format: 'qcow2' }))).toMatchObject(expected);
    expect(await failureOf(g.addDrive(path, { readonly: true, format: 'qcow2' }))).toMatchObject(expected);
    expect(await failureOf(g.addDrive(folder.file(`no ${name}`)))).toMatchObject({ code: 'ENOENT' });
  });
});

/** Sets an incompatible feature that nobody knows, and gives it a name in the header's table of them. */
function nameFeature(path: string, name: string): void {
  const header = readFileSync(path).subarray(0, 4096);
  const length = header.readUInt32BE(100);
  header.writeBigUInt64BE(header.readBigUInt64BE(72) | (1n << 50n), 72);
  const entry = Buffer.alloc(48);
  entry.writeUInt8(0, 0);
  entry.writeUInt8(50, 1);
  entry.write(name.slice(0, 46), 2);
  const extension = Buffer.alloc(8);
  extension.writeUInt32BE(0x6803f857, 0);
  extension.writeUInt32BE(entry.length, 4);
  Buffer.concat([extension, entry, Buffer.alloc(8)]).copy(header, length);
  const file = openSync(path, 'r+');
  writeSync(file, header, 0, header.length, 0);
  closeSync(file);
}
