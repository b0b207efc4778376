// The commands on a real guest: most of them on one appliance, and as programs only what takes a process of its own.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { printFiles } from '../../lib/cli/cat';
import { printChecksums } from '../../lib/cli/checksum';
import { copyAllIn } from '../../lib/cli/copy-in';
import { copyAll } from '../../lib/cli/copy-out';
import { usagesOf } from '../../lib/cli/df';
import { printLog } from '../../lib/cli/log';
import { list } from '../../lib/cli/ls';
import { makeArchive } from '../../lib/cli/tar-out';
import { volumesOf } from '../../lib/cli/volumes';
import { mountGuest } from '../../lib/guests/mount';
import { type ImageFacts, readImage } from '../../lib/host/image-facts';
import { toJson } from '../../lib/text/json';
import { debianLvm, debianMbr, luksDisk, notADisk } from '../images';
import { sleep } from '../support/appliance';
import { runCli, startCli } from '../support/cli';
import { commandGuest } from '../support/command';
import { temporaryFolder } from '../support/folder';
import { journalFile } from '../support/journal';
import { descendants, leftAfter, qemuOf } from '../support/processes';
import { schemaErrors } from '../support/schemas';

/** A name that is not UTF-8, and one that would play with a terminal. */
const stray = 'caf\udce9';
const evil = '\x1b[2Jred';
const strayBytes = Buffer.from([0x63, 0x61, 0x66, 0xe9]);

const closed = '/dev/sdb1 is encrypted (crypto_LUKS): what is in it takes a --key';

describe('on one guest', () => {
  let g: Guestfs;
  let images: ImageFacts[];

  beforeAll(async () => {
    const { path: encrypted } = await luksDisk();
    images = [];
    for (const path of [await debianLvm(), encrypted]) {
      images.push(await readImage({ path, format: 'raw' }, undefined));
    }
    g = new Guestfs();
    // What is written to a read-only drive is forgotten when the appliance ends.
    for (const { absolutePath } of images) await g.addDrive(absolutePath, { readonly: true, format: 'raw' });
    await g.launch();
  });

  afterAll(async () => {
    await g?.close();
  });

  test('filesystems: everything, and what it lies on', async () => {
    const guest = { ...commandGuest(g), images };
    const volumes = await volumesOf(guest);
    expect([guest.failures, guest.notes]).toEqual([[], [closed]]);
    const shown = volumes.map(({ kind, name, type, parents }) => [kind, name, type, parents.join()]);
    expect(shown).toEqual([
      ['filesystem', '/dev/sda1', 'ext2', '/dev/sda'],
      ['filesystem', '/dev/vg0/root', 'ext4', 'vg0'],
      ['filesystem', '/dev/vg0/swap', 'swap', 'vg0'],
      ['encrypted', '/dev/sdb1', 'crypto_LUKS', '/dev/sdb'],
      ['lv', '/dev/vg0/root', null, 'vg0'],
      ['lv', '/dev/vg0/swap', null, 'vg0'],
      ['vg', 'vg0', null, '/dev/sda2'],
      ['pv', '/dev/sda2', null, '/dev/sda'],
      ['partition', '/dev/sda1', '0x83', '/dev/sda'],
      ['partition', '/dev/sda2', '0x8e', '/dev/sda'],
      ['partition', '/dev/sdb1', '0FC63DAF-8483-4772-8E79-3D69D8477DE4', '/dev/sdb'],
      ['device', '/dev/sda', 'mbr', ''],
      ['device', '/dev/sdb', 'gpt', ''],
    ]);
    expect(schemaErrors('filesystems', JSON.parse(toJson(volumes)))).toBeNull();
    expect(volumes.map(({ label }) => label).slice(0, 3)).toEqual(['boot', 'root', 'swap']);
    for (const { kind, size, uuid } of volumes) {
      expect(size).toBeGreaterThan(2 ** 20);
      expect(uuid === null).toBe(kind === 'partition' || kind === 'device');
    }
  });

  test('df: what can be mounted', async () => {
    const guest = { ...commandGuest(g), images };
    const usages = await usagesOf(guest);
    expect([guest.failures, guest.notes]).toEqual([[], [closed]]);
    expect(usages.map(({ device }) => device)).toEqual(['/dev/sda1', '/dev/vg0/root']);
    const printed = usages.map((usage) => ({ image: 'a.img', ...usage }));
    expect(schemaErrors('df', JSON.parse(toJson(printed)))).toBeNull();
    for (const { size, used, available, inodes, inodesUsed, inodesFree } of usages) {
      expect(used + available).toBeLessThanOrEqual(size);
      expect(inodesUsed + inodesFree).toBe(inodes);
    }
    await g.umountAll();
  });

  describe('with everything mounted', () => {
    beforeAll(async () => {
      await mountGuest(g, images, { keys: [], operation: 'test', writable: true });
      await g.mkdirP('/srv/sub');
      await g.write(`/srv/${stray}`, 'x');
      await g.write(`/srv/${evil}`, Buffer.concat([strayBytes, Buffer.from('\n\x1b[2Jb\n')]));
      await g.lnS('/etc', '/srv/sub/link');
    });

    test('all filesystems of the system are there', async () => {
      const mounted = await g.mounts();
      expect(mounted.filter((each) => /sda1|root/.test(each))).toHaveLength(2);
    });

    test('ls: names byte for byte, and nothing for a terminal to act on', async () => {
      const file = commandGuest(g);
      const options = { json: false, long: false, recursive: true, human: false };
      await list(file, ['/srv'], options);
      expect(file.stdout.bytes).toEqual(
        Buffer.concat([
          Buffer.from(`/srv/${evil}\n/srv/`),
          strayBytes,
          Buffer.from('\n/srv/sub\n/srv/sub/link\n'),
        ]),
      );
      const terminal = commandGuest(g, { columns: 80, env: { NO_COLOR: '1' } });
      await list(terminal, ['/srv', '/srv/sub/link', '/nowhere'], {
        ...options,
        long: true,
        recursive: false,
      });
      expect(terminal.stdout.text).toMatch(/^-rw-r--r-- +1 +0 +0 +1 \d{4}-.*Z caf\ufffd$/m);
      expect(terminal.stdout.text).toMatch(/^lrwxrwxrwx .* \/srv\/sub\/link -> \/etc$/m);
      expect(terminal.stdout.text).not.toContain('\x1b');
      expect(terminal.failures.map(([, path]) => path)).toEqual(['/nowhere']);
      // A link to a folder is the folder, unless its details are wanted.
      const linked = commandGuest(g);
      await list(linked, ['/srv/sub/link'], { ...options, recursive: false });
      expect(linked.stdout.text.split('\n')).toContain('hostname');
    });

    test('cat: bytes to a file, text to a terminal', async () => {
      const file = commandGuest(g);
      await printFiles(file, [`/srv/${stray}`, `/srv/${evil}`, '/srv']);
      expect(file.stdout.bytes).toEqual(
        Buffer.concat([Buffer.from('x'), strayBytes, Buffer.from('\n\x1b[2Jb\n')]),
      );
      expect(file.failures.map(([, path]) => path)).toEqual(['/srv']);
      const terminal = commandGuest(g, { columns: 80 });
      await printFiles(terminal, [`/srv/${evil}`]);
      expect(terminal.stdout.text).toBe('caf\ufffd\nb\n');
    });

    test('checksum: as sha256sum makes it', async () => {
      const guest = commandGuest(g);
      await printChecksums(guest, ['/etc/hostname', '/srv'], 'sha256', false);
      const [hostname = '', ...others] = guest.stdout.bytes.toString('latin1').split('\n');
      const content = Buffer.from(await g.readFile('/etc/hostname'));
      const [sum] = execFileSync('sha256sum', { input: content, encoding: 'utf8' }).split(' ');
      expect(hostname).toBe(`${sum}  /etc/hostname`);
      expect(others).toHaveLength(3);
      expect(guest.failures).toEqual([]);
    });

    test('ls and checksum: each line of JSON is as its schema says', async () => {
      const linesOf = (guest: ReturnType<typeof commandGuest>) =>
        guest.stdout.text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as { path: string });
      const listed = commandGuest(g);
      await list(listed, ['/srv', '/dev'], { json: true, long: true, recursive: true, human: false });
      const summed = commandGuest(g);
      await printChecksums(summed, ['/srv', '/etc'], 'sha256', true);
      const [entries, sums] = [linesOf(listed), linesOf(summed)];
      expect(entries.flatMap((each) => schemaErrors('ls', each) ?? [])).toEqual([]);
      expect(sums.flatMap((each) => schemaErrors('checksum', each) ?? [])).toEqual([]);
      expect(entries.map(({ path }) => path)).toContain('/srv/sub/link');
      expect(sums.map(({ path }) => path)).toContain('/etc/hostname');
    });

    test('tar-out: into a file, and as a stream', async () => {
      using folder = temporaryFolder();
      const file = folder.file('etc.tar.gz');
      await makeArchive(commandGuest(g), '/etc', file, { compress: 'gzip' });
      const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).split('\n');
      expect(names).toContain('./hostname');
      const piped = commandGuest(g);
      await makeArchive(piped, '/etc', '-', { excludes: ['hostname'] });
      const listed = execFileSync('tar', ['-t'], { input: piped.stdout.bytes, encoding: 'utf8' }).split('\n');
      expect(listed).toContain('./fstab');
      expect(listed).not.toContain('./hostname');
    });

    test('tar-out: through a link of the guest, not of the appliance', async () => {
      using folder = temporaryFolder();
      const [direct, linked, piped] = [commandGuest(g), folder.file('linked.tar'), commandGuest(g)];
      await makeArchive(direct, '/etc', '-', {});
      await makeArchive(commandGuest(g), '/srv/sub/link', linked, {});
      await makeArchive(piped, '/srv/sub/link', '-', {});
      const names = (input: Buffer) => execFileSync('tar', ['-t'], { input, encoding: 'utf8' });
      expect(names(readFileSync(linked))).toBe(names(direct.stdout.bytes));
      expect(names(piped.stdout.bytes)).toBe(names(direct.stdout.bytes));
    });

    test('copy-in and copy-out: there and back; what is left out is told', async () => {
      using folder = temporaryFolder();
      mkdirSync(folder.file('site'));
      writeFileSync(folder.file('site/index.html'), 'hello\n');
      await copyAllIn(commandGuest(g), [folder.file('site')], '/srv', { uid: 33, gid: 34 });
      const { stUid, stGid } = await g.statns('/srv/site/index.html');
      expect([stUid, stGid]).toEqual([33n, 34n]);
      const back = commandGuest(g);
      mkdirSync(folder.file('back'));
      await copyAll(back, ['/srv', '/nowhere'], folder.file('back'), {});
      expect(readFileSync(folder.file('back/srv/site/index.html'), 'utf8')).toBe('hello\n');
      expect(back.notes).toEqual([
        '/srv/sub/link is left out: the link may lead out of the tree, and comes along by --links keep (symlink)',
      ]);
      expect(back.failures.map(([, path]) => path)).toEqual(['/nowhere']);
    });

    test('log: the log file where there is no journal, then the journal', async () => {
      expect(await g.isDir('/var/log/journal')).toBe(false);
      await g.mkdirP('/var/log');
      await g.write('/var/log/syslog', 'one\ntwo\n');
      const file = commandGuest(g);
      await printLog(file, { json: true, lines: undefined });
      expect(file.stdout.records).toEqual([
        { path: '/var/log/syslog', message: 'one' },
        { path: '/var/log/syslog', message: 'two' },
      ]);
      const end = commandGuest(g);
      await printLog(end, { json: false, lines: 1 });
      expect(end.stdout.text).toBe('two\n');

      const common = [
        ['_HOSTNAME', 'guest'],
        ['SYSLOG_IDENTIFIER', 'sshd'],
        ['_PID', '12'],
      ] as const;
      // Of two machine ids, as where the guest has got a new one.
      const journals = {
        [`${'3a'.repeat(16)}`]: [
          { time: 1_769_860_800_123_456n, fields: [...common, ['MESSAGE', 'one'] as const] },
          { time: 1_769_860_802_000_000n, fields: [...common, ['MESSAGE', 'three'] as const] },
        ],
        [`${'4b'.repeat(16)}`]: [
          {
            time: 1_769_860_801_000_000n,
            fields: [...common, ['MESSAGE', 'two\nlines'] as const, ['RAW', strayBytes] as const],
          },
        ],
      };
      for (const [machine, entries] of Object.entries(journals)) {
        await g.mkdirP(`/var/log/journal/${machine}`);
        await g.write(`/var/log/journal/${machine}/system.journal`, journalFile(entries));
      }
      const printed = async (lines?: number) => {
        const guest = commandGuest(g);
        await printLog(guest, { json: false, lines });
        return guest.stdout.text;
      };
      const [one, two, three] = [
        '2026-01-31T12:00:00.123456Z guest sshd[12]: one\n',
        '2026-01-31T12:00:01.000000Z guest sshd[12]: two\n    lines\n',
        '2026-01-31T12:00:02.000000Z guest sshd[12]: three\n',
      ] as const;
      expect(await printed()).toBe(one + two + three);
      expect(await printed(1)).toBe(three);
      expect(await printed(2)).toBe(two + three);
      expect(await printed(3)).toBe(one + two + three);
      expect(await printed(1e12)).toBe(one + two + three);
      const json = commandGuest(g);
      await printLog(json, { json: true, lines: undefined });
      expect(json.stdout.records).toMatchObject([
        { MESSAGE: 'one' },
        { MESSAGE: 'two\nlines', RAW: stray },
        { MESSAGE: 'three' },
      ]);
      expect(json.failures).toEqual([]);
    });
  });
});

describe('as a program', () => {
  test('copy-in changes the image, and cat reads it from there, byte for byte through a pipe', async () => {
    using folder = temporaryFolder();
    const image = folder.file('overlay.qcow2');
    const backing = ['-b', await debianMbr(), '-F', 'raw'];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, image]);
    const bytes = Buffer.from(Array.from({ length: 3 << 20 }, (_, index) => (index * 7) & 0xff));
    writeFileSync(folder.file('bytes'), bytes);
    const copied = await runCli('copy-in', '--write', '--progress=json', image, folder.file('bytes'), '/etc');
    expect({ stdout: copied.stdout, code: copied.code }).toEqual({ stdout: '', code: 0 });
    const records = copied.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.filter(({ type }) => type === 'error')).toEqual([]);
    expect(records.filter(({ operation }) => operation === 'copy-in').at(-1)).toMatchObject({ type: 'end' });

    const child = startCli('cat', '--progress=none', '--root=/dev/sda1', image, '/etc/bytes', '/etc/nothing');
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^guestfs: .*\/etc\/nothing.* \(ENOENT\)\n$/);
  });

  test('Ctrl-C ends it and its appliance', async () => {
    const child = startCli('ls', '-R', '--progress=text', await notADisk(), '/');
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const ended = once(child, 'close');
    const pid = child.pid as number;
    while (child.exitCode === null && qemuOf(pid) === undefined) await sleep(100);
    const started = descendants(pid).map((line) => Number.parseInt(line, 10));
    child.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    const [stdout, stderr] = await output;
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^guestfs: (?!.* is no raw disk image)/m); // what it notes of the image is no failure
    const left = () => started.filter((each) => existsSync(`/proc/${each}`)).map(String);
    expect(await leftAfter(5000, left)).toEqual([]);
  });
});
