import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../lib/cli/command';
import { parse } from '../../lib/cli/inspect';
import { parseKey } from '../../lib/cli/keys';
import { isIncomplete, renderReport } from '../../lib/cli/report';
import type { InspectionReport } from '../../lib/inspect';
import { humanSize, percentOf } from '../../lib/text/size';
import { renderTable } from '../../lib/text/table';
import { program, runCli, startCli } from '../support/cli';
import { eventually } from '../support/eventually';
import { temporaryFolder } from '../support/folder';
import { root } from '../support/script';

describe('tables', () => {
  const columns = [{ heading: 'NAME' }, { heading: 'SIZE', align: 'right' }, { heading: 'TYPE' }] as const;

  test('columns are aligned, without trailing spaces', () => {
    const rows = [
      ['/dev/sda1', '5 MiB', 'ext4'],
      ['/dev/mapper/a', '10 GiB', ''],
    ];
    expect(renderTable(columns, rows, Infinity)).toBe(
      ['NAME             SIZE  TYPE\n', '/dev/sda1       5 MiB  ext4\n', '/dev/mapper/a  10 GiB\n'].join(''),
    );
  });

  test('the widest columns give way to a narrow terminal', () => {
    const rows = [['a'.repeat(60), '5 MiB', 'b'.repeat(50)]];
    const lines = renderTable(columns, rows, 60).trimEnd().split('\n');
    expect(lines.map((line) => line.length)).toEqual([expect.any(Number), 60]);
    expect(lines[1]).toMatch(/^a+… {2}5 MiB {2}b+…$/);
  });

  test('a terminal that is too narrow for anything is not counted on', () => {
    expect(renderTable(columns, [['a'.repeat(20), '5 MiB', 'ext4']], 1)).toContain('aaaaaaa…  5 MiB  ext4\n');
  });

  test('there may be any number of rows', () => {
    const rows = Array.from({ length: 200_000 }, () => ['a', '1 B', 'x']);
    expect(renderTable(columns, rows, 80)).toHaveLength(200_001 * 'NAME  SIZE  TYPE\n'.length - 200_000 * 3);
  });

  test('wide characters take two columns, and control characters none', () => {
    const rows = [
      ['磁盘', '1 B', 'x'],
      ['\x1b[31mred\x1b[0m\u202e', '1 B', 'a\nb'],
    ];
    expect(renderTable(columns, rows, Infinity)).toBe(
      ['NAME  SIZE  TYPE\n', '磁盘   1 B  x\n', 'red    1 B  a b\n'].join(''),
    );
  });
});

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1 MiB'],
  [1023.4 * 1024, '1023 KiB'],
  [1023.6 * 1024, '1 MiB'],
  [99.94 * 1024, '99.9 KiB'],
  [99.96 * 1024, '100 KiB'],
  [512 * 1024 ** 2, '512 MiB'],
  [40 * 1024 ** 3, '40 GiB'],
  [2 ** 53 - 1, '8 PiB'],
])('%d bytes for people: %s', (bytes, expected) => {
  expect(humanSize(bytes)).toBe(expected);
});

test.each([
  [0, 10, '0%'],
  [1, 1e6, '1%'],
  [7, 100, '7%'],
  [29, 100, '29%'],
  [10, 10, '100%'],
  [0, 0, '-'],
])('%d of %d is %s', (part, whole, expected) => {
  expect(percentOf(part, whole)).toBe(expected);
});

describe('keys', () => {
  test('passphrases may contain anything', () => {
    expect(parseKey('key:secret')).toEqual({ device: undefined, key: 'secret' });
    expect(parseKey('key:a:file:b')).toEqual({ device: undefined, key: 'a:file:b' });
    expect(parseKey('/dev/sda2:key:a:key:b\nc')).toEqual({ device: '/dev/sda2', key: 'a:key:b\nc' });
    expect(parseKey('key:')).toEqual({ device: undefined, key: '' });
  });

  test('a file is read, without the end of its last line', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('key'), 'two\nlines\n');
    expect(parseKey(`/dev/vg0/lv:file:${folder.file('key')}`)).toEqual({
      device: '/dev/vg0/lv',
      key: 'two\nlines',
    });
  });

  test('bytes that are not UTF-8 are those of the key, and of the name of its file', () => {
    using folder = temporaryFolder();
    const stray = Buffer.from([0x6b, 0xe9]);
    writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), stray]), Buffer.concat([stray, stray]));
    expect(parseKey(`file:${folder.file('k\udce9')}`).key).toBe('k\udce9k\udce9');
  });

  test('what cannot be read is not repeated, but a missing file is named', () => {
    expect(() => parseKey('my passphrase')).toThrow(UsageError);
    expect(() => parseKey('my passphrase')).not.toThrow(/passphrase/);
    expect(() => parseKey('file:/nowhere/key')).toThrow("the file '/nowhere/key' cannot be read: ENOENT");
    expect(() => parseKey('file:/')).toThrow("the file '/' cannot be read: EISDIR");
  });
});

describe('arguments of guestfs inspect', () => {
  test('defaults', () => {
    expect(parse(['a.img'])).toEqual({
      images: ['a.img'],
      guests: [[{ path: 'a.img' }]],
      json: false,
      progress: 'auto',
      options: {
        keys: [],
        accel: 'auto',
        template: undefined,
        timeout: undefined,
        concurrency: undefined,
        applications: true,
      },
    });
  });

  test('everything', () => {
    const args = [
      '--json',
      '--progress=text',
      '--format',
      'raw',
      '--key',
      'key:a',
      '--key=/dev/sda1:key:b',
      'a.img',
    ];
    args.push(
      '--accel',
      'tcg',
      '--template=only',
      '--timeout',
      '0.5',
      '--concurrency=3',
      '--no-applications',
      '--',
      '--b.img',
    );
    expect(parse(args)).toEqual({
      images: ['a.img', '--b.img'],
      guests: [[{ path: 'a.img', format: 'raw' }], [{ path: '--b.img', format: 'raw' }]],
      json: true,
      progress: 'text',
      options: {
        keys: [
          { device: undefined, key: 'a' },
          { device: '/dev/sda1', key: 'b' },
        ],
        accel: 'tcg',
        template: 'only',
        timeout: 500,
        concurrency: 3,
        applications: false,
      },
    });
  });

  test.each([
    [[], /an IMAGE is missing/],
    [['--frobnicate', 'a.img'], /--frobnicate/],
    [['--progress', 'loud', 'a.img'], /--progress must be one of auto, bar, text, json, none/],
    [['--accel', 'xen', 'a.img'], /--accel must be one of auto, kvm, tcg/],
    [['--template', 'yes', 'a.img'], /--template must be one of auto, never, only/],
    [['--timeout', 'soon', 'a.img'], /--timeout must be a positive number/],
    [['--timeout', '0', 'a.img'], /--timeout must be a positive number/],
    [['--timeout', '1e9', 'a.img'], /--timeout must be a positive number/],
    [['--concurrency', '0', 'a.img'], /--concurrency must be a positive whole number/],
    [['--concurrency', 'all', 'a.img'], /--concurrency must be a positive whole number/],
    [['--json=yes', 'a.img'], /--json/],
  ])('%j is wrong', (args, message) => {
    expect(() => parse(args)).toThrow(UsageError);
    expect(() => parse(args)).toThrow(message);
  });
});

describe('a report for people', () => {
  const report: InspectionReport = {
    images: [
      {
        path: 'disk.qcow2',
        device: '/dev/sda',
        format: 'qcow2',
        virtualSize: 10 * 1024 ** 3,
        blocksize: 512,
        actualSize: 1536 * 1024 ** 2,
        backingChain: [{ path: '/srv/base.img', format: 'raw' }],
        partitionTable: 'mbr',
      },
    ],
    partitions: [
      {
        device: '/dev/sda1',
        number: 1,
        start: 1024 ** 2,
        end: 10 * 1024 ** 3 - 1,
        size: 10 * 1024 ** 3 - 1024 ** 2,
        type: 'mbr',
        mbrId: 7,
        gptType: null,
        bootable: true,
        label: null,
        content: 'ext4',
      },
    ],
    filesystems: [
      {
        device: '/dev/sda1',
        type: 'ext4',
        label: 'root',
        uuid: 'f00d',
        size: 1000,
        used: 501,
        free: 499,
        iso: null,
      },
      {
        device: '/dev/sda2',
        type: 'swap',
        label: null,
        uuid: null,
        size: null,
        used: null,
        free: null,
        iso: null,
      },
    ],
    encrypted: [],
    operatingSystems: [
      {
        root: '/dev/sda1',
        type: 'linux',
        distro: 'debian',
        version: { major: 12, minor: 5 },
        versionText: '12.05',
        applicationsSource: 'database',
        productName: 'Debian 12.5',
        osRelease: { ID: 'debian' },
        productVariant: null,
        arch: 'x86_64',
        hostname: 'guest',
        osinfo: 'debian12',
        packageFormat: 'deb',
        packageManager: 'apt',
        buildId: null,
        mountpoints: [{ path: '/', device: '/dev/sda1' }],
        filesystems: ['/dev/sda1'],
        driveMappings: [],
        applications: [],
        icon: null,
        windows: null,
      },
    ],
    problems: [],
  };

  test('shows what is known and leaves out what is not', () => {
    expect(renderReport(report, Infinity)).toBe(`disk.qcow2: qcow2, 10 GiB, 1.5 GiB allocated, as /dev/sda
  backed by /srv/base.img (raw)

Operating system on /dev/sda1
Product       Debian 12.5
Type          linux
Distribution  debian 12.05
Architecture  x86_64
Host name     guest
osinfo        debian12
Packages      deb (apt), 0 installed

MOUNTED ON  DEVICE
/           /dev/sda1

Partitions
DEVICE     TABLE  START    SIZE  BOOT  CONTENT  TYPE
/dev/sda1  mbr    1 MiB  10 GiB  yes   ext4     0x07

Filesystems
DEVICE     TYPE  LABEL    SIZE   USED   FREE  USE%  UUID
/dev/sda1  ext4  root   1000 B  501 B  499 B   51%  f00d
/dev/sda2  swap              -      -      -     -
`);
  });

  test('says that there is no operating system, and what went wrong', () => {
    const problem = {
      code: 'EIO',
      operation: 'mountRo',
      device: '/dev/sda1',
      message: 'mount_ro: bad\n   block',
    };
    const shown = renderReport({ ...report, operatingSystems: [], problems: [problem] }, Infinity);
    expect(shown).toContain('\nNo operating system found.\n');
    expect(shown).toContain('\nProblems\n  /dev/sda1: mount_ro: bad block (EIO, mountRo)\n');
  });

  test('claims nothing of operating systems when the search for them failed', () => {
    const problem = { code: 'EIO', operation: 'inspectOs', device: null, message: 'no luck' };
    const incomplete = { ...report, operatingSystems: [], problems: [problem] };
    expect(isIncomplete(incomplete)).toBe(true);
    expect(renderReport(incomplete, Infinity)).not.toContain('No operating system');
    expect(
      isIncomplete({
        ...report,
        problems: [{ ...problem, code: 'ERR_GUESTFS_TERMINATED', operation: 'lvs' }],
      }),
    ).toBe(true);
  });

  test('whatever was not found out makes the exit code, and what is only worth knowing does not', () => {
    const problem = { code: 'EIO', operation: 'mountRo', device: '/dev/sda1', message: 'no luck' };
    expect(isIncomplete(report)).toBe(false);
    expect(isIncomplete({ ...report, problems: [problem] })).toBe(true);
    for (const code of ['ERR_GUESTFS_ODD_SIZE', 'ERR_GUESTFS_IMAGE_DIRTY']) {
      expect(isIncomplete({ ...report, problems: [{ ...problem, code }] })).toBe(false);
    }
    const closed = { device: '/dev/sda2', type: 'crypto_LUKS', uuid: null, opened: false, mapping: null };
    expect(isIncomplete({ ...report, encrypted: [closed] })).toBe(false);
    const hidden = { ...report, encrypted: [closed], operatingSystems: [] };
    expect(isIncomplete(hidden)).toBe(true);
    expect(renderReport(hidden, Infinity)).toContain(
      '\nNo operating system found; what is on /dev/sda2 is encrypted, and takes a --key.\n',
    );
    expect(renderReport({ ...hidden, encrypted: [], problems: [problem] }, Infinity)).toContain(
      '\nNo operating system found.\nNot everything could be looked at: see the problems.\n',
    );
  });

  test('nothing of the guest reaches the terminal as more than text', () => {
    const evil = '\x1b]0;title\x07\x1b[2Jevil\u009b31m\u202e\ud800\r\n';
    const soiled = JSON.parse(JSON.stringify(report), (_, value) =>
      typeof value === 'string' ? evil : value,
    );
    soiled.problems = [{ code: evil, operation: evil, device: evil, message: evil }];
    soiled.encrypted = [{ device: evil, type: evil, uuid: evil, opened: true, mapping: evil }];
    soiled.operatingSystems[0].windows = { systemroot: evil };
    soiled.operatingSystems[0].driveMappings = [{ drive: evil, device: evil }];
    const shown = renderReport(soiled, Infinity);
    expect(shown).toContain('evil');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]/);
  });

  test('fits the terminal', () => {
    const filesystems = report.filesystems.map((each) => ({ ...each, label: 'x'.repeat(100) }));
    const table = renderReport({ ...report, filesystems }, 80).split('Filesystems\n')[1] as string;
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBe(80);
  });
});

describe('the program', () => {
  test('--version and --help', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await runCli('--version')).toEqual({ stdout: `guestfs ${version}\n`, stderr: '', code: 0 });
    expect(await runCli('--help')).toMatchObject({
      stdout: expect.stringMatching(/^Usage: guestfs COMMAND/),
      code: 0,
    });
    const inspect = await runCli('inspect', '--help');
    expect(inspect).toMatchObject({
      stdout: expect.stringMatching(/^Usage: guestfs inspect/),
      stderr: '',
      code: 0,
    });
    for (const option of [
      '--json',
      '--progress',
      '--format',
      '--key',
      '--accel',
      '--template',
      '--timeout',
      '--concurrency',
      '--no-applications',
    ]) {
      expect(inspect.stdout).toContain(option);
    }
  });

  test.each([
    [[], "guestfs: a command is missing\nTry 'guestfs --help'.\n"],
    [['frobnicate'], "guestfs: there is no command 'frobnicate'\nTry 'guestfs --help'.\n"],
    [
      ['--json', 'inspect'],
      "guestfs: there is no option --json before a command: what it takes comes behind its name\nTry 'guestfs --help'.\n",
    ],
    [['constructor'], "guestfs: there is no command 'constructor'\nTry 'guestfs --help'.\n"],
    [['inspect'], "guestfs: inspect: an IMAGE is missing\nTry 'guestfs inspect --help'.\n"],
    [
      ['warm', '--json=yes'],
      expect.stringMatching(/^guestfs: warm: .*--json.*\nTry 'guestfs warm --help'\.\n$/),
    ],
    [['warm', 'a.img'], expect.stringMatching(/^guestfs: warm: .*a\.img/)],
  ])('wrong usage: %j', async (args, stderr) => {
    expect(await runCli(...args)).toEqual({ stdout: '', stderr, code: 2 });
  });

  test('an image that cannot be inspected', async () => {
    using folder = temporaryFolder();
    const path = folder.file('missing\x1b[31m.img');
    const { stdout, stderr, code } = await runCli('inspect', path);
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toBe(`guestfs: inspect: ${folder.file('missing.img')} does not exist (ENOENT)\n`);
  });

  test('--json: one object for one image, an array for several', async () => {
    using folder = temporaryFolder();
    const missing = folder.file('missing.img');
    const failures = [
      {
        path: missing,
        error: { code: 'ENOENT', operation: 'inspect', message: `inspect: ${missing} does not exist` },
      },
      { path: folder.path, error: { code: 'EISDIR', operation: 'inspect', message: expect.any(String) } },
    ];
    const one = await runCli('inspect', '--json', missing);
    expect(one.code).toBe(1);
    expect(JSON.parse(one.stdout)).toEqual(failures[0]);
    const two = await runCli('inspect', '--json', missing, folder.path);
    expect(two.code).toBe(1);
    expect(JSON.parse(two.stdout)).toEqual(failures);
  });

  test('JSON plays with no terminal either', async () => {
    using folder = temporaryFolder();
    const path = folder.file('\u009b31m\u007f\u001b[2Jmissing');
    const { stdout, stderr } = await runCli('inspect', '--json', '--progress=json', path);
    for (const text of [stdout, stderr]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
      expect(JSON.parse(text)).toMatchObject({ path });
    }
  });

  test('--progress=json: errors are JSON too, and of several images the whole is counted', async () => {
    using folder = temporaryFolder();
    const one = await runCli('inspect', '--progress=json', folder.path);
    expect(JSON.parse(one.stderr)).toMatchObject({ type: 'error', path: folder.path, code: 'EISDIR' });

    const two = await runCli('inspect', '--progress=json', folder.path, folder.path);
    const records = two.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.filter(({ type }) => type === 'error')).toHaveLength(2);
    const whole = records.filter(({ operation }) => operation === 'inspectAll');
    expect(whole.map(({ type, position, total }) => [type, position, total])).toEqual([
      ['start', undefined, undefined],
      ['progress', 0, 2],
      ['progress', 1, 2],
      ['progress', 2, 2],
      ['end', undefined, undefined],
    ]);
  });

  test('a reader that goes away is no error', async () => {
    const child = startCli('--help');
    child.stdout.destroy();
    const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ stderr, code, signal }).toEqual({ stderr: '', code: 0, signal: null });
  });

  test('a reader that goes away hides no failure', async () => {
    const child = startCli('inspect', '--json', '/nowhere.img');
    child.stdout.destroy();
    const [, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(code).toBe(1);
  });

  // A pipe that is full, and is not read.
  test('a reader that takes nothing does not keep it from ending', async () => {
    const shell =
      '{ head -c 65536 /dev/zero; "$0" "$1" --help & sleep 1; kill $!; wait $!; echo $? >&2; } | sleep 3';
    const child = spawn('bash', ['-c', shell, process.execPath, program]);
    const began = performance.now();
    const [said] = (await once(child.stderr, 'data')) as [Buffer];
    expect([String(said), performance.now() - began < 2700]).toEqual(['143\n', true]);
    await once(child, 'close');
  });

  test('a signal ends it also while it waits for a key', async () => {
    using folder = temporaryFolder();
    execFileSync('mkfifo', [folder.file('key')]);
    const child = startCli('ls', '--key', `file:${folder.file('key')}`, 'disk.img');
    const closed = once(child, 'close');
    await using _writer = await open(folder.file('key'), 'w'); // when it has been opened for reading
    child.kill('SIGINT');
    expect(await Promise.race([closed, sleep(3000, undefined, { ref: false })])).toEqual([null, 'SIGINT']);
  });

  test('a signal that comes twice, as by way of npx, is one', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('disk.img'), Buffer.alloc(1024));
    // libguestfs waits for it, and can be ended in order only then.
    const slow = `#!/bin/sh\nif [ "$1" = create ]; then touch ${folder.file('begun')}; sleep 1; fi\nPATH=\${PATH#*:} exec qemu-img "$@"\n`;
    writeFileSync(folder.file('qemu-img'), slow, { mode: 0o755 });
    const child = spawn(process.execPath, [program, 'ls', folder.file('disk.img')], {
      env: { ...process.env, PATH: `${folder.path}:${process.env.PATH}` },
    });
    const closed = once(child, 'close');
    await eventually(() => existsSync(folder.file('begun')));
    child.kill('SIGINT');
    await sleep(10);
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
  });
});
