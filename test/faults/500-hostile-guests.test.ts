// A guest is what somebody else has made: nothing in it may surprise more than its own image.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs, type GuestfsError, inspect } from '../../lib';
import { GiB, MiB } from '../support/appliance';
import { runCli } from '../support/cli';
import { failureOf } from '../support/internal';

const hostileNames = [
  'new\nline',
  'tab\tand\rreturn',
  '\x1b[31mred\x1b[0m',
  '\x1b]0;title\x07',
  '\u009b31m',
  '__proto__',
  'constructor',
  'toString',
  ' leading and trailing ',
  '-rf',
  '*?[a-z]',
  '$(reboot)`reboot`;reboot',
  'quote\'and"double',
  'back\\slash',
  '\u202etxt.exe',
  'ünïcödé',
  '\udcff\udc80\udcc3',
  'é\udce9',
  'x'.repeat(255),
  '%s%n%x',
];

/** An inode has at most 65,000 names on ext4. */
const namesOfFile = 20_000;

/** A tar archive of names, as it is needed: of few files, for making links takes the appliance a third of the time. */
function* manyNames(count: number): Generator<Buffer> {
  const header = Buffer.alloc(512);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write('00000000000\0', 124);
  header.write('00000000000\0', 136);
  header.write('ustar\0', 257);
  header.write('00', 263);
  for (let i = 0; i < count; i++) {
    const first = i - (i % namesOfFile);
    header.fill(0, 0, 100).write(`name-${i}`);
    header.write(i === first ? '0' : '1', 156);
    header.write(i === first ? '\0' : `name-${first}\0`, 157);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    yield Buffer.from(header);
  }
  yield Buffer.alloc(1024);
}

describe('a hostile guest', () => {
  let g: Guestfs;
  let folder: string;
  let image: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestfs-hostile-'));
    image = join(folder, 'disk.img');
    g = new Guestfs();
    await g.diskCreate(image, 'raw', 4 * GiB);
    await g.addDrive(image, { format: 'raw' });
    await g.addDriveScratch(512 * MiB);
    await g.launch();
    await g.partDisk('/dev/sda', 'mbr');
    await g.mkfs('ext4', '/dev/sda1', { label: '\x1b[2Jlabel' });
    await g.mount('/dev/sda1', '/');
    for (const dir of ['/etc', '/bin', '/usr', '/names']) await g.mkdir(dir);
  });

  afterAll(async () => {
    await g?.kill();
    await g?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe('names', () => {
    beforeAll(async () => {
      for (const name of hostileNames) await g.write(`/names/${name}`, name);
    });

    const sorted = (names: readonly string[]) => [...names].sort();

    test('are listed as they are, by every way', async () => {
      expect(sorted(await g.ls('/names'))).toEqual(sorted(hostileNames));
      expect(sorted(await g.find('/names'))).toEqual(sorted(hostileNames.map((name) => `/${name}`)));
      const entries = (await g.readdir('/names')).map(({ name }) => name);
      expect(sorted(entries.filter((name) => !/^\.\.?$/.test(name)))).toEqual(sorted(hostileNames));
    });

    test('lead to their files, and only to those', async () => {
      const stats = await g.lstatnslist('/names', hostileNames);
      expect(stats.map(({ stSize }) => Number(stSize))).toEqual(hostileNames.map(bytesOf));
      for (const name of hostileNames) expect(await g.cat(`/names/${name}`)).toBe(name);
    });

    test('pass through glob-like and shell-like calls as names', async () => {
      expect(await g.globExpand('/names/ünï*')).toEqual(['/names/ünïcödé']);
      expect(
        await g.fileArchitecture('/names/$(reboot)`reboot`;reboot').catch((e: GuestfsError) => e.code),
      ).toBe('ERR_GUESTFS');
      expect(await g.isFile('/names/$(reboot)`reboot`;reboot')).toBe(true);
    });
  });

  test('hash tables with hostile keys are Maps', async () => {
    await g.mkfsBtrfs(['/dev/sdb']);
    await g.mount('/dev/sdb', '/names');
    const subvolumes = ['__proto__', 'constructor', 'toString', 'a b', '\x1b[31m'];
    for (const name of subvolumes) await g.btrfsSubvolumeCreate(`/names/${name}`);
    const filesystems = await g.listFilesystems();
    expect(filesystems).toBeInstanceOf(Map);
    expect([...filesystems.keys()]).toEqual(
      expect.arrayContaining(subvolumes.map((name) => `btrfsvol:/dev/sdb/${name}`)),
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    await g.umount('/names');
  });

  test('a hundred thousand names in a folder', async () => {
    const count = 100_000;
    await g.mkdir('/many');
    await g.tarIn(Readable.from(manyNames(count), { objectMode: false }), '/many');
    const names = await g.ls('/many');
    expect(names).toHaveLength(count);
    expect(new Set(names).size).toBe(count);
    expect(await g.find('/many')).toHaveLength(count);
    expect(await g.lstatnslist('/many', names)).toHaveLength(count);
  });

  describe('links', () => {
    test('in a circle end in an error', async () => {
      await g.lnS('/circle-b', '/circle-a');
      await g.lnS('/circle-a', '/circle-b');
      for (const call of [
        g.cat('/circle-a'),
        g.download('/circle-a', '/dev/null'),
        g.filesize('/circle-a'),
      ]) {
        expect(await failureOf(call)).toMatchObject({ code: 'ELOOP' });
      }
      expect(await g.readlink('/circle-a')).toBe('/circle-b');
    });

    test('that lead out of the guest lead into it', async () => {
      await g.write('/etc/hostname', 'the-guest\n');
      const out = ['/etc/hostname', '../../../../../../etc/hostname', '/proc/1/root/etc/hostname'];
      for (const [i, target] of out.entries()) {
        await g.lnS(target, `/out-${i}`);
        const read = await g.cat(`/out-${i}`).catch((error: GuestfsError) => error.code);
        expect(['the-guest\n', 'ENOENT']).toContain(read);
        expect(read).not.toBe(readFileSync('/etc/hostname', 'utf8'));
      }
    });
  });

  test('a file that grows while it is read comes to an end', async () => {
    await g.write('/grows', randomBytes(MiB));
    let chunks = 0;
    let bytes = 0;
    for await (const chunk of g.createReadStream('/grows', { end: 3 * MiB - 1, highWaterMark: 256 * 1024 })) {
      bytes += (chunk as Buffer).length;
      if (chunks++ < 100) await g.writeAppend('/grows', randomBytes(128 * 1024));
    }
    expect(bytes).toBeGreaterThan(MiB);
    expect(bytes).toBeLessThanOrEqual(3 * MiB);
  });

  test('values that are too large for a message are refused, and the handle goes on', async () => {
    await g.fill(0x61, 5 * MiB, '/large');
    expect(await failureOf(g.pread('/large', 5 * MiB, 0))).toMatchObject({ operation: 'pread' });
    expect(await failureOf(g.pwrite('/large', Buffer.alloc(5 * MiB), 0))).toMatchObject({
      operation: 'pwrite',
    });
    expect((await g.readFile('/large')).length).toBe(5 * MiB);
  });

  test('what inspection says of it reaches no terminal raw', async () => {
    await g.write(
      '/etc/fstab',
      '/dev/sda1 / ext4 defaults 0 0\n/dev/sda9 /\\033[5mblink ext4 defaults 0 0\n',
    );
    const evil = '\x1b[31m12.1\x1b]0;owned\x07\x9b5m';
    await g.write('/etc/debian_version', `${evil}\n`);
    await g.rmF('/etc/os-release');
    await g.write('/etc/os-release', `ID=debian\nPRETTY_NAME="Debian ${evil}"\nVERSION_ID=12\n`);
    await g.write('/etc/hostname', '\x1b[8mhidden\n');
    await g.close();

    const report = await inspect(image);
    expect(report.operatingSystems[0]?.productName).toContain('\x1b[31m12.1'); // programs get what is there
    for (const args of [[], ['--json']]) {
      const { stdout, stderr, code } = await runCli('inspect', '--progress=text', ...args, image);
      expect([0, 1]).toContain(code); // of the filesystem that is not there
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      expect(stdout).toContain('12.1');
    }
  });
});

/** How many bytes a name has in the guest: lone surrogates are one each. */
function bytesOf(name: string): number {
  return Buffer.byteLength(name.replace(/[\udc80-\udcff]/g, 'x'));
}
