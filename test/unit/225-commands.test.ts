// What the commands that launch one guest share, and what they print: no guest is launched.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Guestfs } from '../../lib';
import { entryOf, type WalkEntry } from '../../lib/bulk/entry';
import { observe } from '../../lib/calls/operations';
import { optionsOf, parseArguments, wantsHelp } from '../../lib/cli/arguments';
import { printFiles } from '../../lib/cli/cat';
import { checksumLine, printChecksums } from '../../lib/cli/checksum';
import type { Description } from '../../lib/cli/command';
import { UsageError } from '../../lib/cli/command';
import { commandNames, descriptions, loadCommand } from '../../lib/cli/commands';
import { type ImageUsage, print } from '../../lib/cli/df';
import { differenceLine, differenceToJson, parse as parseDiff } from '../../lib/cli/diff';
import { LongLines, modeText } from '../../lib/cli/entries';
import { failureOf } from '../../lib/cli/failures';
import { volumeTable } from '../../lib/cli/filesystems';
import { commandHelp, programHelp, wrap } from '../../lib/cli/help';
import { linesOf, startOfLast } from '../../lib/cli/lines';
import { entriesOf, entryLine, entryToJson, printLog } from '../../lib/cli/log';
import { list } from '../../lib/cli/ls';
import { rawArguments } from '../../lib/cli/raw-arguments';
import { printableLines, Results } from '../../lib/cli/results';
import type { Guest } from '../../lib/cli/session';
import { isoTime } from '../../lib/cli/time';
import type { Difference } from '../../lib/diff';
import { choose } from '../../lib/guests/mount';
import { type VolumeCalls, type VolumeKind, Volumes } from '../../lib/guests/volumes';
import type { InspectionReport } from '../../lib/inspect';
import { Job } from '../../lib/progress/job';
import { columnsOf } from '../../lib/text/columns';
import { toJson } from '../../lib/text/json';
import { runCli } from '../support/cli';
import { commandGuest, fakeHandle, Stdout } from '../support/command';
import { FakeOther, link } from '../support/fake-guest';
import { temporaryFolder } from '../support/folder';
import { root, runNode } from '../support/script';

/** What a terminal would act on, colours included; lines may end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const playful = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]/;
const evil = '\x1b]0;title\x07\x1b[2J\u009b31m\u202e';
/** A name that is not UTF-8. */
const stray = 'caf\udce9';
const strayBytes = Buffer.from([0x63, 0x61, 0x66, 0xe9]);

const sample: Description = {
  name: 'sample',
  summary: 'Nothing',
  operands: [
    { name: 'IMAGE', file: true },
    { name: 'PATH', optional: true, repeated: true, guestPath: true },
  ],
  about: ['It does nothing.'],
  options: [
    { name: 'long', short: 'l', about: 'Longer' },
    { name: 'recursive', short: 'R', about: 'Deeper' },
    { name: 'key', value: 'KEY', multiple: true, about: 'A key' },
    { name: 'type', short: 't', value: 'TYPE', choices: ['md5', 'sha256'], about: 'Which' },
    { name: 'count', value: 'N', about: 'How many' },
    { name: 'timeout', value: 'SECONDS', about: 'How long' },
  ],
  examples: [{ args: '-l disk.img', about: 'Once' }],
  exitCodes: { 0: 'success' },
};

const parse = (...args: string[]) => parseArguments(sample, args);

describe('arguments', () => {
  test('options anywhere, short ones together, values behind = or apart', () => {
    const args = parse('-lR', '--key=key:a', '-t', 'md5', '--', '-a.img', '/x');
    expect(args.operands).toEqual(['-a.img', '/x']);
    expect([args.has('long'), args.has('recursive'), args.has('count')]).toEqual([true, true, false]);
    expect(parse('a.img', '--key=key:a', '/x', '--key', 'key:b').values('key')).toEqual(['key:a', 'key:b']);
    expect(args.value('type')).toBe('md5');
  });

  test('the last value counts, and numbers are numbers', () => {
    const args = parse('a.img', '--count', '1', '--count=20', '--timeout', '0.5');
    expect([args.count('count'), args.milliseconds('timeout')]).toEqual([20, 500]);
    expect([parse('a').count('count'), parse('a').milliseconds('timeout')]).toEqual([undefined, undefined]);
  });

  test.each([
    [['--lnog', 'a'], 'there is no option --lnog; did you mean --long?'],
    [['--frobnicate', 'a'], 'there is no option --frobnicate'],
    [['-x', 'a'], 'there is no option -x'],
    [['--no-long', 'a'], 'there is no option --no-long'],
    [['--long=yes', 'a'], '--long takes no value'],
    [['a', '--key'], '--key needs a value, KEY'],
    [['a', '--key', ''], '--key needs a value, KEY'],
    [['a', '--type='], '--type needs a value, TYPE'],
    [['-t', 'sha265', 'a'], '--type must be one of md5, sha256; did you mean sha256?'],
    [[], 'an IMAGE is missing'],
    [[''], 'IMAGE is empty'],
    [['a', 'etc'], 'PATH must begin with /, or as on Windows with C:\\: it is a path of the guest'],
  ])('%j is wrong', (args, message) => {
    expect(() => parse(...args)).toThrow(new UsageError(`sample: ${message}`));
  });

  test.each(['0', '-1', '1.5', '1e3', 'many', '9'.repeat(20)])('--count %j is wrong', (text) => {
    expect(() => parse('a', `--count=${text}`).count('count')).toThrow(/a positive whole number/);
  });

  test('more arguments than there is use for', () => {
    const one = { ...sample, operands: sample.operands.slice(0, 1) };
    expect(() => parseArguments(one, ['a', 'b'])).toThrow("nothing to be done with the argument 'b'");
  });

  test('--help is found whatever else is wrong, -h only where it means nothing else', () => {
    expect(wantsHelp(sample, ['--frobnicate', '--help'])).toBe(true);
    expect(wantsHelp(sample, ['-h'])).toBe(true);
    expect(wantsHelp(sample, ['--', '--help'])).toBe(false);
    const { description } = loadCommand('df') ?? {};
    expect(wantsHelp(description as Description, ['-h', 'a.img'])).toBe(false);
  });

  test('bytes that are not UTF-8 are taken from the command line of the process', () => {
    const line = Buffer.concat([Buffer.from('node\0main.js\0ls\0'), strayBytes, Buffer.from('\0\0')]);
    expect(rawArguments(['ls', 'caf\ufffd', ''], () => line)).toEqual(['ls', stray, '']);
    expect(rawArguments(['ls', 'é'], () => Buffer.from('unused'))).toEqual(['ls', 'é']);
  });
});

describe('the descriptions', () => {
  const all = descriptions();

  test('each command describes itself under its own name', () => {
    expect(all.map(({ name }) => name)).toEqual(commandNames);
    expect(loadCommand('constructor')).toBeUndefined();
  });

  test.each(all.map((each) => [each.name, each] as const))(
    '%s is described without contradictions',
    (_, each) => {
      const options = optionsOf(each);
      const flags = options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
      expect(new Set(flags).size).toBe(flags.length);
      expect(each.operands.filter(({ repeated }) => repeated).length).toBeLessThanOrEqual(1);
      for (const { short, value, choices } of options) {
        expect(short === undefined || short.length === 1).toBe(true);
        expect(choices === undefined || value !== undefined).toBe(true);
      }
      expect(Object.keys(each.exitCodes)).toContain('0');
    },
  );

  test.each(all.map((each) => [each.name, each] as const))('the examples of %s are right', (_, each) => {
    for (const { args } of each.examples) {
      const [first = ''] = args.split(/ [|>] /);
      const words = first.split(' ').filter(Boolean);
      expect(() => parseArguments(each, words)).not.toThrow();
    }
  });

  test.each([40, 60, 80, 100, 200])(
    'every help fits into %d columns, as far as words and examples do',
    (columns) => {
      for (const each of all) {
        const help = commandHelp(each, columns);
        for (const { name } of optionsOf(each)) expect(help).toContain(`--${name}`);
        const lines = help.split('\n').filter((line) => !line.startsWith('    guestfs'));
        for (const line of lines) {
          const isOneWord = !line.trim().includes(' ');
          if (!isOneWord) expect([line, columnsOf(line) <= Math.min(columns, 100)]).toEqual([line, true]);
        }
        expect(help).toMatch(/^Usage: guestfs /);
        expect(help).toMatch(/\nExit codes:\n {2}0 /);
        expect(help).toContain('  130 ');
      }
      expect(programHelp(all, columns)).toMatch(/^ {2}tar-out\b/m);
    },
  );

  test('texts are wrapped between words, by columns', () => {
    expect(wrap('aa bb cc', 5)).toBe('aa bb\ncc\n');
    expect(wrap('  aa bb cc', 7, 4)).toBe('  aa bb\n    cc\n');
    expect(wrap('磁盘 磁盘 a', 9)).toBe('磁盘 磁盘\na\n');
    expect(wrap('toolongforit a', 5)).toBe('toolongforit\na\n');
  });
});

describe('the program', () => {
  test.each([
    [['lss'], "guestfs: there is no command 'lss'; did you mean ls?\nTry 'guestfs --help'.\n"],
    [['ls', '--recursiv', 'a'], /^guestfs: ls: there is no option --recursiv; did you mean --recursive\?\n/],
    [['copy-in', 'a.img', 'b', '/'], /^guestfs: copy-in: .*--write/],
    [['copy-in', '--write', '--owner=root', 'a.img', 'b', '/'], /^guestfs: copy-in: --owner .*UID:GID/],
    [['copy-out', 'a.img', '/etc', '/nowhere/at/all'], /^guestfs: copy-out: \/nowhere\/at\/all is no folder/],
    [['tar-out', 'a.img', '/etc', '/nowhere/etc.tar'], /^guestfs: tar-out: \/nowhere is no folder/],
    [['copy-in', '--write', 'a.img', '/nowhere', '/'], /^guestfs: copy-in: \/nowhere cannot be read: ENOENT/],
    [['copy-in', '--write', 'a.img', 'b', 'srv'], /^guestfs: copy-in: FOLDER must begin with \//],
    [['help', 'lss'], /^guestfs: there is no command 'lss'/],
    [['--help', 'lss'], /^guestfs: there is no command 'lss'/],
    [['cat', 'a.img'], /^guestfs: cat: a PATH is missing\n/],
    [
      ['cat', '--root=/dev/sda1', '--mount=/dev/sda2', 'a.img', '/x'],
      /--root and --mount exclude each other/,
    ],
    [['diff', 'a.img'], /^guestfs: diff: an AFTER is missing\n/],
    [['completion', 'tcsh'], /^guestfs: completion: SHELL must be one of bash, zsh, fish/],
    [['ls', `--${evil}`, 'a.img'], /^guestfs: ls: there is no option --\n/],
  ])('wrong usage: %j', async (args, message) => {
    const { stdout, stderr, code } = await runCli(...args);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    if (typeof message === 'string') expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
  });

  test('an image that is not there, for people and for programs', async () => {
    using folder = temporaryFolder();
    const path = folder.file('missing.img');
    const told = await runCli('ls', path);
    expect(told).toMatchObject({ stdout: '', code: 1 });
    expect(told.stderr).toBe(`guestfs: ls: ${path} does not exist (ENOENT)\n`);
    const json = await runCli('df', '--progress=json', path);
    expect(JSON.parse(json.stderr)).toMatchObject({ type: 'error', code: 'ENOENT', operation: 'df' });
    expect(await runCli('diff', '--progress=none', path, path)).toEqual({
      ...{ stdout: '', code: 1 },
      stderr: `guestfs: diff: ${path} does not exist (ENOENT)\n`,
    });
  });
});

test('an output that is full is a failure, and is told without a stack', () => {
  const program = join(root, 'dist/cli/main.js');
  const shell = ['-c', '"$0" "$1" help ls > /dev/full', process.execPath, program];
  const { status, stderr } = spawnSync('sh', shell, { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^guestfs: the output cannot be written: ENOSPC.*\n$/);
});

test('a reader that has seen enough is none', () => {
  const program = join(root, 'dist/cli/main.js');
  const pipe = 'set -o pipefail; "$0" "$1" completion zsh | { exec 0<&-; sleep 1; }';
  const { status, stderr } = spawnSync('bash', ['-c', pipe, process.execPath, program], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('what cannot be copied in is found out before a launch', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.file('disk.img'), '');
  symlinkSync('none', folder.file('dangling'));
  for (const [local, why] of [
    [folder.file('dangling'), 'cannot be read: ENOENT'],
    ['/dev/null', 'is neither a file nor a folder'],
  ] as const) {
    expect(await runCli('copy-in', '--write', folder.file('disk.img'), local, '/')).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining(why) },
    });
  }
});

test('where nothing can be written is found out before a launch', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.file('disk.img'), '');
  const tarOut = (file: string) => runCli('tar-out', folder.file('disk.img'), '/', file);
  expect(await tarOut(folder.path)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is a folder'),
  });
  expect(await tarOut(folder.file('none/a.tar'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('none is no folder of this machine'),
  });
});

test('where this user may write nothing is found out before a launch', () => {
  using folder = temporaryFolder();
  mkdirSync(folder.file('closed'), { mode: 0o555 });
  writeFileSync(folder.file('closed/a.tar'), '', { mode: 0o666 });
  chmodSync(folder.file('closed/a.tar'), 0o666);
  writeFileSync(folder.file('a.tar'), '', { mode: 0o444 });
  const cli = join(root, 'dist/cli/main.js');
  // Root may write everywhere, unless he does without that right.
  const asUser =
    process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];
  const run = (command: string, to: string) => {
    const [first = '', ...args] = [...asUser, process.execPath, cli, command, 'missing.img', '/etc', to];
    return spawnSync(first, args, { cwd: folder.path, encoding: 'utf8' });
  };
  for (const [command, to, why] of [
    ['copy-out', 'closed', 'nothing can be written into closed: this user may not (EACCES)'],
    ['tar-out', 'closed/b.tar', 'nothing can be written into closed: this user may not (EACCES)'],
    ['tar-out', 'a.tar', 'a.tar cannot be written: this user may not (EACCES)'],
  ] as const) {
    const { status, stderr } = run(command, to);
    expect([status, stderr]).toEqual([2, expect.stringContaining(`guestfs: ${command}: ${why}\n`)]);
  }
  // It gets as far as to the image.
  for (const [command, to] of [
    ['copy-out', '.'],
    ['tar-out', 'closed/a.tar'],
    ['tar-out', '/dev/null'],
  ] as const)
    expect(run(command, to).stderr).toContain('missing.img does not exist');
});

test('a folder of this machine whose name is not UTF-8 can be named', () => {
  using folder = temporaryFolder();
  mkdirSync(Buffer.concat([Buffer.from(`${folder.path}/`), strayBytes]));
  const program = join(root, 'dist/cli/main.js');
  const copy = (name: string) =>
    spawnSync(
      'sh',
      ['-c', `"$0" "$1" copy-out missing.img /etc "$(printf '${name}')"`, process.execPath, program],
      {
        cwd: folder.path,
        encoding: 'utf8',
      },
    );
  // It gets as far as to the image.
  expect(copy('caf\\351').stderr).toContain('missing.img does not exist');
  expect(copy('caf\\352').stderr).toContain('is no folder of this machine');
});

describe('results', () => {
  const results = (columns?: number, env: NodeJS.ProcessEnv = {}) => {
    const stream = new Stdout(columns);
    return { stream, results: new Results({ stream, env }) };
  };

  test('names reach a file byte for byte, and a terminal as text', async () => {
    const file = results();
    await file.results.line([`${evil}${stray}`, 'red']);
    expect(file.stream.bytes).toEqual(Buffer.concat([Buffer.from(evil), strayBytes, Buffer.from('\n')]));
    const terminal = results(80, { NO_COLOR: '1' });
    await terminal.results.line([`${evil}${stray}`, 'red'], ' a\nb');
    expect(terminal.stream.text).toBe('caf\ufffd a b\n');
  });

  test('colours: only on a terminal that has some, and unless NO_COLOR', async () => {
    for (const [columns, env, expected] of [
      [80, {}, '\x1b[31ma\x1b[0mb\n'],
      [80, { NO_COLOR: '1' }, 'ab\n'],
      [80, { TERM: 'dumb' }, 'ab\n'],
      [undefined, {}, 'ab\n'],
    ] as const) {
      const each = results(columns, env);
      await each.results.line(['a', 'red'], 'b');
      expect(each.stream.text).toBe(expected);
    }
  });

  test('tables fit the terminal, and are as wide as they are elsewhere', async () => {
    const columns = [{ heading: 'NAME' }, { heading: 'SIZE', align: 'right' }] as const;
    const terminal = results(40);
    await terminal.results.table(columns, [['磁'.repeat(60), '5 MiB']]);
    const [heading, row = ''] = terminal.stream.text.split('\n');
    expect([heading?.slice(0, 8), heading?.slice(-8)]).toEqual(['\x1b[1mNAME', 'SIZE\x1b[0m']);
    expect(columnsOf(row)).toBeLessThanOrEqual(40);
    const file = results();
    await file.results.table(columns, [['a'.repeat(200), `${evil}5`]]);
    expect(file.stream.text).toContain(`${'a'.repeat(200)}     5\n`);
  });

  test('the content of a file is shown line by line, whatever it holds', async () => {
    const shown = async (...chunks: (string | Buffer)[]) => {
      let text = '';
      const source = (async function* () {
        for (const each of chunks) yield Buffer.from(each as string);
      })();
      for await (const part of printableLines(source)) text += part;
      return text;
    };
    expect(await shown('a\tb\r\n', 'c')).toBe('a\tb\nc\n');
    expect(await shown('caf', Buffer.from([0xc3]), Buffer.from([0xa9, 0x0a]))).toBe('café\n');
    expect(await shown(strayBytes)).toBe('caf\ufffd\n');
    const hostile = await shown(`${evil}x\x1b`, '[2Jy\n', '\x00\x07z', '\x1b]0;', 'q'.repeat(200_000));
    expect(hostile.replaceAll('\n', '')).not.toMatch(playful);
    expect(hostile).toContain('x');
    expect(await shown()).toBe('');
  });

  test('JSON has all digits of whole numbers, and takes no text for one', () => {
    expect(toJson({ a: [2n ** 64n, -1n], b: 2 ** 60, c: 1.5, d: '18446744073709551616' })).toBe(
      '{"a":[18446744073709551616,-1],"b":1152921504606846976,"c":1.5,"d":"18446744073709551616"}',
    );
    expect(toJson([5n], 2)).toBe('[\n  5\n]');
  });

  test('JSON says which bytes are not UTF-8, and plays with no terminal', async () => {
    const { stream, results: json } = results(80);
    await json.json({ path: `${evil}${stray}` });
    expect(stream.text.slice(0, -1)).not.toMatch(playful);
    expect(stream.records).toEqual([{ path: `${evil}${stray}` }]);
  });

  test('an aborted command writes no more', async () => {
    const stream = new Stdout();
    const abort = new AbortController();
    const each = new Results({ stream, signal: abort.signal });
    abort.abort();
    await expect(each.line('a')).rejects.toThrow();
    expect(stream.text).toBe('');
  });
});

const tree = {
  etc: { hosts: 'localhost\n', [stray]: 'x', [`${evil}a`]: '' },
  bin: { su: new FakeOther({ mode: 0o104755, content: 'su' }) },
  link: link('/etc'),
  null: new FakeOther({ mode: 0o020666, stat: { stRdev: 0x103n } }),
};

const plain = { json: false, long: false, recursive: false, human: false };

describe('guestfs ls', () => {
  const listed = async (paths: string[], options: Partial<typeof plain>, columns?: number) => {
    const guest = commandGuest(fakeHandle(tree), { columns, env: { NO_COLOR: '1' } });
    await list(guest, paths, { ...plain, ...options });
    return guest;
  };

  test('names of a folder, byte for byte', async () => {
    const { stdout } = await listed(['/etc'], {});
    const names = [Buffer.from(`${evil}a\n`), strayBytes, Buffer.from('\nhosts\n')];
    expect(stdout.bytes).toEqual(Buffer.concat(names));
  });

  test('on a terminal no name does anything', async () => {
    const { stdout } = await listed(['/'], { recursive: true, long: true }, 80);
    expect(stdout.text).not.toMatch(playful);
    expect(stdout.text).toContain('/etc/caf\ufffd\n');
  });

  test('-l: what there is to know, in columns', async () => {
    const { stdout } = await listed(['/'], { long: true });
    const when = '1970-01-01T00:00:00Z';
    expect(stdout.text.split('\n')).toEqual([
      `drwxr-xr-x  0     0     0     20 ${when} bin`,
      `drwxr-xr-x  0     0     0     60 ${when} etc`,
      `lrwxrwxrwx  0     0     0      0 ${when} link -> /etc`,
      `crw-rw-rw-  0     0     0    1,3 ${when} null`,
      '',
    ]);
  });

  test('-R: paths', async () => {
    const { stdout } = await listed(['/bin', '/etc/hosts'], { recursive: true });
    expect(stdout.text).toBe('/bin/su\n/etc/hosts\n');
  });

  test('several folders have titles, and what is missing does not keep the others from being listed', async () => {
    const { stdout, failures } = await listed(['/bin', '/nowhere', '/'], {});
    expect(stdout.text).toBe('/bin:\nsu\n\n/:\nbin\netc\nlink\nnull\n');
    expect(failures).toEqual([[expect.stringContaining('/nowhere'), '/nowhere']]);
  });

  test('--json: exact', async () => {
    const { stdout } = await listed(['/etc', '/bin'], { json: true });
    expect(stdout.records.map(({ path }) => path)).toEqual([
      `/etc/${evil}a`,
      `/etc/${stray}`,
      '/etc/hosts',
      '/bin/su',
    ]);
    expect(stdout.records[3]).toMatchObject({ type: 'file', mode: '4755', size: 2, target: null });
    expect(stdout.records[3]).toMatchObject({ mtime: '1970-01-01T00:00:00.000000000Z', device: null });
    const node = await listed(['/null'], { json: true });
    expect(node.stdout.records).toMatchObject([{ type: 'characterDevice', device: '1,3' }]);
  });

  test('--json: numbers that no double holds have all their digits', async () => {
    const huge = new FakeOther({
      stat: { stSize: 2n ** 63n - 1n, stIno: 2n ** 53n + 1n, stBlocks: 2n ** 54n + 1n },
    });
    const guest = commandGuest(fakeHandle({ huge }));
    await list(guest, ['/'], { ...plain, json: true });
    const { text } = guest.stdout;
    expect(text).toContain(
      '"size":9223372036854775807,"allocated":9223372036854776320,"ino":9007199254740993,',
    );
    expect(JSON.parse(text)).toMatchObject({ path: '/huge', ino: 2 ** 53 });
  });

  test('times are exact, before 1970 too, and none where no calendar has any', () => {
    expect(isoTime(1_769_860_800_123_456_789n, 9)).toBe('2026-01-31T12:00:00.123456789Z');
    expect(isoTime(1_769_860_800_999_999_999n, 0)).toBe('2026-01-31T12:00:00Z');
    expect(isoTime(-1n, 9)).toBe('1969-12-31T23:59:59.999999999Z');
    expect(isoTime(10n ** 30n, 9)).toBeNull();
  });

  test('modes as people know them', () => {
    const shown = (mode: number) => modeText({ type: 'file', mode });
    expect([0o100644, 0o104755, 0o104644, 0o102755, 0o101777, 0o101776].map(shown)).toEqual([
      '-rw-r--r--',
      '-rwsr-xr-x',
      '-rwSr--r--',
      '-rwxr-sr-x',
      '-rwxrwxrwt',
      '-rwxrwxrwT',
    ]);
  });

  test('columns only get wider', () => {
    const lines = new LongLines(true);
    const entry = { type: 'file', mode: 0o644, nlink: 1, uid: 0, gid: 0, target: null } as WalkEntry;
    const at = (size: bigint) => {
      const [text] = lines.pieces({ ...entry, size, mtimeNs: 10n ** 30n }, 'a');
      return (text as string).trimEnd();
    };
    expect(at(1536n)).toBe('-rw-r--r--  1     0     0 1.5KiB -');
    expect(at(1023n * 1024n)).toBe('-rw-r--r--  1     0     0 1023KiB -');
    expect(at(1n)).toBe('-rw-r--r--  1     0     0      1B -');
  });
});

describe('guestfs cat', () => {
  test('bytes to a file, text to a terminal, and the files that there are', async () => {
    const handle = fakeHandle({ a: strayBytes, b: `${evil}b` });
    const file = commandGuest(handle);
    await printFiles(file, ['/a', '/nowhere', '/b']);
    expect(file.stdout.bytes).toEqual(Buffer.concat([strayBytes, Buffer.from(`${evil}b`)]));
    expect(file.failures).toEqual([[expect.anything(), '/nowhere']]);
    const terminal = commandGuest(handle, { columns: 80 });
    await printFiles(terminal, ['/a', '/b']);
    expect(terminal.stdout.text).toBe('caf\ufffd\nb\n');
  });
});

test.each([
  ['cat', (guest: Guest) => printFiles(guest, ['/folder', '/fifo', '/disk'])],
  ['checksum', (guest: Guest) => printChecksums(guest, ['/fifo', '/disk'], 'crc', false)],
])(
  'guestfs %s reads nothing but files: the rest would never end, or be of the appliance',
  async (_, work) => {
    const special = (mode: number) => new FakeOther({ mode, content: 'x' });
    const guest = commandGuest(fakeHandle({ folder: {}, fifo: special(0o10644), disk: special(0o60644) }));
    await work(guest);
    expect(guest.stdout.text).toBe('');
    expect(guest.failures.map(([, path]) => path)).toEqual(expect.arrayContaining(['/fifo', '/disk']));
  },
);

describe('guestfs checksum', () => {
  const sha256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';

  test('of files and folders, as sha256sum would', async () => {
    const guest = commandGuest(fakeHandle({ x: 'x', sub: { 'a\nb': 'x', gone: link('x') } }));
    await printChecksums(guest, ['/x', '/sub', '/nowhere'], 'sha256', false);
    expect(guest.stdout.text).toBe(`${sha256}  /x\n\\${sha256}  /sub/a\\nb\n`);
    expect(guest.failures).toEqual([[expect.anything(), '/nowhere']]);
  });

  test('sha256sum reads it', async () => {
    using folder = temporaryFolder();
    const names = ['plain', 'a\nb', 'c\\d', 'two  spaces'];
    for (const name of names) writeFileSync(folder.file(name), 'x');
    const lines = names.map((name) => `${checksumLine(folder.file(name), sha256)}\n`).join('');
    const said = execFileSync('sha256sum', ['--check', '--strict'], { input: lines, encoding: 'utf8' });
    expect(said.match(/: OK$/gm)).toHaveLength(names.length);
  });

  test('--json', async () => {
    const guest = commandGuest(fakeHandle({ x: 'x' }));
    await printChecksums(guest, ['/x'], 'md5', true);
    expect(guest.stdout.records).toEqual([
      { path: '/x', type: 'md5', checksum: '9dd4e461268c8034f5c8564e155c67a6', size: 1 },
    ]);
  });
});

describe('guestfs log', () => {
  const everything = { json: false, lines: undefined };
  const fields = (values: Record<string, string[]>) => new Map(Object.entries(values));

  test('an entry as a line', () => {
    const entry = {
      time: 1_769_860_800_123_456n,
      fields: fields({
        MESSAGE: ['one\ntwo\n'],
        SYSLOG_IDENTIFIER: ['sshd'],
        _PID: ['12'],
        _HOSTNAME: ['host'],
      }),
    };
    expect(entryLine(entry)).toBe('2026-01-31T12:00:00.123456Z host sshd[12]: one\n    two');
    expect(entryLine({ time: 0n, fields: fields({}) })).toBe('1970-01-01T00:00:00.000000Z - unknown: ');
  });

  test('an entry as JSON: fields that are repeated are lists', () => {
    const json = entryToJson({ time: 1n, fields: fields({ A: ['1', '2'], ['__proto__']: ['x'] }) });
    expect(JSON.stringify(json)).toBe('{"time":"1970-01-01T00:00:00.000001Z","A":["1","2"],"__proto__":"x"}');
  });

  /** With its position, as libguestfs moves it: 0 is before the first entry. */
  const fakeJournal = (messages: readonly string[], calls: string[] = []) => {
    let at = 0;
    return {
      journalOpen: async (folder: string) => void calls.push(`open ${folder}`),
      journalNext: async () => {
        at += 1;
        return at <= messages.length;
      },
      journalSkip: async (count: number | bigint) => {
        const before = at;
        at = Math.min(Math.max(at + Number(count), Math.min(messages.length, 1)), messages.length);
        return BigInt(Math.abs(at - before));
      },
      journalGet: async () => [{ attrname: 'MESSAGE', attrval: Buffer.from(messages[at - 1] ?? '') }],
      journalGetRealtimeUsec: async () => BigInt(at),
      journalClose: async () => void calls.push('close'),
    };
  };

  test('a journal is read to its end, and closed', async () => {
    const calls: string[] = [];
    const times: bigint[] = [];
    for await (const { time } of entriesOf(fakeJournal(['a', 'b', 'c'], calls), '/journal')) times.push(time);
    expect(times).toEqual([1n, 2n, 3n]);
    expect(calls).toEqual(['open /journal', 'close']);
  });

  test.each([
    [1, ['c']],
    [2, ['b', 'c']],
    [3, ['a', 'b', 'c']],
    [4, ['a', 'b', 'c']],
    [2 ** 40, ['a', 'b', 'c']],
  ])('the last %d entries', async (count, expected) => {
    const messages: (string | undefined)[] = [];
    for await (const { fields: found } of entriesOf(fakeJournal(['a', 'b', 'c']), '/journal', count)) {
      messages.push(found.get('MESSAGE')?.[0]);
    }
    expect(messages).toEqual(expected);
  });

  test('no entries have no last ones', async () => {
    for await (const each of entriesOf(fakeJournal([]), '/journal', 5)) throw new Error(String(each.time));
  });

  test('bytes that are not UTF-8 survive', async () => {
    const journal = {
      ...fakeJournal(['']),
      journalGet: async () => [{ attrname: 'MESSAGE', attrval: strayBytes }],
    };
    for await (const { fields: found } of entriesOf(journal, '/journal')) {
      expect(found.get('MESSAGE')).toEqual([stray]);
    }
    expect.assertions(1);
  });

  const withJournal = (
    messages: readonly string[],
    calls: string[] = [],
    files = ['/var/log/journal/m/system.journal'],
  ) =>
    Object.assign(
      fakeHandle({ var: { log: { journal: {}, syslog: 'from syslog\n' } } }),
      fakeJournal(messages, calls),
      { globExpand: async () => files },
    ) as unknown as Guestfs;

  test('all journals of a guest at once, harmless on a terminal', async () => {
    const calls: string[] = [];
    const terminal = commandGuest(withJournal([`one\n${evil}two`], calls), { columns: 80 });
    await printLog(terminal, everything);
    expect(terminal.stdout.text).toBe('1970-01-01T00:00:00.000001Z - unknown: one\n    two\n');
    expect(calls).toEqual(['open /var/log/journal', 'close']);
  });

  test.each<[string, string[] | undefined, RegExp[]]>([
    ['that is empty', [], []],
    [
      'without an entry that can be read, which is told,',
      undefined,
      [/has no entry.*this is \/var\/log\/syslog/],
    ],
  ])('a journal %s gives way to a log file', async (_, files, told) => {
    const guest = commandGuest(withJournal([], [], files));
    await printLog(guest, everything);
    expect(guest.stdout.text).toBe('from syslog\n');
    expect(guest.failures.map(([message]) => message)).toEqual(
      told.map((words) => expect.stringMatching(words)),
    );
  });

  test('without a journal, the log file', async () => {
    const handle = fakeHandle({
      var: { log: { messages: Buffer.concat([Buffer.from('one\n'), strayBytes]) } },
    });
    const text = commandGuest(handle);
    await printLog(text, everything);
    expect(text.stdout.bytes).toEqual(Buffer.concat([Buffer.from('one\n'), strayBytes]));
    const json = commandGuest(handle);
    await printLog(json, { ...everything, json: true });
    expect(json.stdout.records).toEqual([
      { path: '/var/log/messages', message: 'one' },
      { path: '/var/log/messages', message: stray },
    ]);
    await expect(printLog(commandGuest(fakeHandle({})), everything)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  test.each([
    ['one\ntwo\n', 1, 'two\n'],
    ['one\ntwo', 1, 'two'],
    ['one\n\n\n', 2, '\n\n'],
    ['one\ntwo\n', 5, 'one\ntwo\n'],
    ['\none\n', 2, '\none\n'],
    ['', 3, ''],
  ])('of a log file %j the last %d lines', async (content, lines, expected) => {
    const guest = commandGuest(fakeHandle({ var: { log: { syslog: content } } }));
    await printLog(guest, { json: false, lines });
    expect(guest.stdout.text).toBe(expected);
  });

  test('the end of a file is looked for from there, in pieces', async () => {
    const content = Buffer.concat([Buffer.from('a\nb\n'), Buffer.alloc(3 << 20, 'x'), Buffer.from('\nc\n')]);
    const read: number[] = [];
    const g = {
      pread: async (_: string, count: number, offset: number | bigint) => {
        read.push(Number(offset));
        return content.subarray(Number(offset), Number(offset) + count);
      },
    } as unknown as Guestfs;
    const start = async (lines: number) => await startOfLast(g, '/log', content.length, lines);
    expect(await start(1)).toBe(content.length - 2);
    expect(read).toHaveLength(1);
    expect(await start(2)).toBe(4);
    expect(await start(3)).toBe(2);
    expect(await start(99)).toBe(0);
  });

  test('a line without an end comes in parts: what a guest has there need not fit into memory', async () => {
    const chunk = Buffer.alloc(300_000, 'x');
    const linesIn = async (chunks: Buffer[]) => {
      const lines: number[] = [];
      for await (const line of linesOf(
        (async function* () {
          yield* chunks;
        })(),
      )) {
        lines.push(line.length);
      }
      return lines;
    };
    expect(await linesIn([...new Array<Buffer>(5).fill(chunk), Buffer.from('\na\n\n')])).toEqual([
      1_200_000, 300_000, 1, 0,
    ]);
    expect(await linesIn([])).toEqual([]);
  });
});

describe('guestfs df', () => {
  const usage = {
    ...{ image: 'a.img', device: '/dev/sda1', type: 'ext4', label: null, uuid: null },
    ...{ size: 10240n, used: 2048n, available: 6144n, inodes: 100n, inodesUsed: 1n, inodesFree: 99n },
  };
  const lvm = { ...usage, image: 'b.img', device: '/dev/vg/a-long-name' };
  const plain = { json: false, human: false, inodes: false, images: ['a.img'] };

  /** What has been printed after each of the guests, and at the end. */
  async function printed(options: Partial<typeof plain>, ...guests: ImageUsage[][]): Promise<string[]> {
    const stdout = new Stdout();
    const pieces: string[] = [];
    const cut = () => void pieces.push(stdout.text.slice(pieces.join('').length));
    const each = async function* () {
      for (const usages of guests) {
        yield usages;
        cut();
      }
    };
    await print(each(), new Results({ stream: stdout }), { ...plain, ...options });
    cut();
    return pieces;
  }

  test('KiB, people’s units, and inodes', async () => {
    expect(await printed({}, [usage])).toEqual([
      'FILESYSTEM  TYPE  KIB  USED  AVAILABLE  USE%\n/dev/sda1   ext4   10     2          6   25%\n',
      '',
    ]);
    expect((await printed({ human: true }, [usage]))[0]).toContain('10 KiB  2 KiB      6 KiB   25%\n');
    expect((await printed({ inodes: true }, [usage]))[0]).toContain('100     1    99    1%\n');
  });

  test('of several images, each as it is done, in columns that stand below each other', async () => {
    const images = ['a.img', 'b.img', 'longer.img'];
    const pieces = await printed({ images }, [usage], [], [usage, lvm], [usage]);
    expect(pieces).toEqual([
      'IMAGE       FILESYSTEM  TYPE          KIB        USED   AVAILABLE  USE%\n' +
        'a.img       /dev/sda1   ext4           10           2           6   25%\n',
      '',
      'a.img       /dev/sda1            ext4           10           2           6   25%\n' +
        'b.img       /dev/vg/a-long-name  ext4           10           2           6   25%\n',
      'a.img       /dev/sda1            ext4           10           2           6   25%\n',
      '',
    ]);
  });

  test('--json: an array, which is written as it comes', async () => {
    const json = { json: true, images: ['a.img', 'b.img'] };
    const pieces = await printed(json, [usage, lvm], [], [lvm]);
    expect(pieces.map((each) => each.length > 2)).toEqual([true, false, true, false]);
    expect(JSON.parse(pieces.join('')).map(({ image }: ImageUsage) => image)).toEqual([
      'a.img',
      'b.img',
      'b.img',
    ]);
    for (const each of pieces) expect(each).toMatch(/^$|\n$/);
    expect(await printed(json)).toEqual(['[]\n']);
    expect((await printed(json, [usage])).join('')).toBe(`${toJson([usage], 2)}\n`);
    const most = { ...usage, size: 2n ** 64n };
    expect((await printed(json, [most])).join('')).toContain('"size": 18446744073709551616,');
  });

  test('filesystems without inodes have no share of them', async () => {
    const fat = { ...usage, inodes: 0n, inodesUsed: 0n, inodesFree: 0n };
    expect((await printed({ inodes: true }, [fat]))[0]).toMatch(/ -\n$/);
  });
});

describe('guestfs filesystems', () => {
  const report = {
    images: [{ device: '/dev/sda', virtualSize: 1000, partitionTable: 'gpt' }],
    partitions: [
      { device: '/dev/sda1', size: 10, label: 'boot', mbrId: null, gptType: 'C12A' },
      { device: '/dev/sda2', size: 20, label: null, mbrId: 0x8e, gptType: null },
    ],
    filesystems: [
      { device: '/dev/sda1', type: 'vfat', label: 'EFI', uuid: 'A-B' },
      { device: '/dev/vg/root', type: 'btrfs', label: null, uuid: 'u' },
      { device: '/dev/mapper/cryptsda3', type: 'ext4', label: null, uuid: null },
      { device: '/dev/md0', type: 'xfs', label: null, uuid: null },
    ],
    encrypted: [
      {
        ...{ device: '/dev/sda3', type: 'crypto_LUKS', uuid: 'luks' },
        ...{ mapping: '/dev/mapper/cryptsda3', opened: true },
      },
    ],
    operatingSystems: [],
    problems: [],
  } as unknown as InspectionReport;
  const examined = {
    report,
    members: [
      { device: '/dev/sda4', type: 'linux_raid_member', uuid: 'ab-cd:12' },
      { device: '/dev/sda5', type: 'linux_raid_member', uuid: 'ab-cd:13' },
      { device: '/dev/sda6', type: 'LVM2_member', uuid: 'ab-cd:12' },
    ],
    physicalVolumes: new Map([['abcd', '/dev/sda2']]),
    logicalVolumes: ['/dev/vg/root'],
    errors: [],
  };
  const calls = {
    featureAvailable: async () => true,
    blockdevGetsize64: async () => 5n,
    btrfsSubvolumeGetDefault: async () => 5n,
    btrfsSubvolumeList: async () => [
      { btrfssubvolumeId: 256n, btrfssubvolumePath: '@home' },
      { btrfssubvolumeId: 5n, btrfssubvolumePath: 'whole' },
    ],
    lvs: async () => ['/dev/vg/root'],
    lvuuid: async () => 'lv-uuid',
    mdDetail: async () => new Map([['uuid', 'AB:CD12']]),
    partToDev: async (device: string) => device.replace(/\d+$/, ''),
    pvsFull: async () => [{ pvName: '/dev/sdc2', pvUuid: 'ab-cd', pvSize: 20n }],
    vgsFull: async () => [{ vgName: 'vg', vgUuid: 'vg-uuid', vgSize: 19n }],
    vgpvuuids: async () => ['abcd'],
  } as unknown as Guestfs;

  test('what lies on what', async () => {
    // The kernel of the appliance found the disks in another order.
    const volumes = await new Volumes(calls, examined, () => undefined).list();
    const parents = volumes.map(({ kind, name, parents }) => `${kind} ${name} < ${parents.join()}`);
    expect(parents).toEqual([
      'filesystem /dev/sda1 < /dev/sda',
      'filesystem /dev/vg/root < vg',
      'filesystem /dev/mapper/cryptsda3 < /dev/sda3',
      'filesystem /dev/md0 < /dev/sda4',
      'filesystem btrfsvol:/dev/vg/root/@home < /dev/vg/root',
      'encrypted /dev/sda3 < ',
      'lv /dev/vg/root < vg',
      'vg vg < /dev/sda2',
      'pv /dev/sda2 < /dev/sda',
      'partition /dev/sda1 < /dev/sda',
      'partition /dev/sda2 < /dev/sda',
      'device /dev/sda < ',
    ]);
    expect(volumes[0]).toMatchObject({ type: 'vfat', label: 'EFI', size: 5n, uuid: 'A-B' });
    expect(volumes.filter(({ kind }) => kind === 'partition').map(({ type }) => type)).toEqual([
      'C12A',
      '0x8e',
    ]);
    const [, rows] = volumeTable(volumes.slice(-1));
    expect(rows).toEqual([['/dev/sda', 'device', 'gpt', '-', '1000 B', '-', '-']]);
  });

  /** Volumes of these kinds, and the calls that they took. */
  async function asked(kinds: VolumeKind[], changes: Partial<typeof examined> = {}) {
    const made: string[] = [];
    const g = new Proxy(calls, {
      get: (target, name: keyof VolumeCalls) => {
        made.push(name);
        return Reflect.get(target, name);
      },
    });
    const volumes = await new Volumes(g, { ...examined, ...changes }, () => undefined).list(kinds);
    return { volumes, made };
  }

  test('nothing is asked that concerns other kinds only', async () => {
    expect((await asked(['partition', 'device'])).made).toEqual([]);
    expect((await asked(['encrypted'])).made).toEqual(['blockdevGetsize64']);
    expect((await asked(['filesystem'])).made.filter((call) => /^(lv|vg|pv|feature)/.test(call))).toEqual([]);
    for (const kind of ['lv', 'vg', 'pv'] as const) {
      const { volumes } = await asked([kind]);
      expect(volumes.map((volume) => volume.kind)).toEqual([kind]);
    }
  });

  test('sizes are those of the partition table, unless the kernel may have cut something off', async () => {
    const partition = { device: '/dev/sda1', type: 'gpt', size: 512, end: 1023 };
    const [filesystem] = report.filesystems;
    const sizeOf = async (part: Partial<typeof partition>, virtualSize: number, device = '/dev/sda1') => {
      const changed = {
        images: [{ device: '/dev/sda', virtualSize }],
        partitions: [{ ...partition, ...part }],
        filesystems: [{ ...filesystem, device }],
        encrypted: [],
      } as unknown as InspectionReport;
      const { volumes, made } = await asked(['filesystem'], { report: changed });
      return [volumes[0]?.size, made];
    };
    const kernel = [5n, ['blockdevGetsize64']];
    expect(await sizeOf({}, 1024)).toEqual([512, []]);
    expect(await sizeOf({}, 1023)).toEqual(kernel);
    expect(await sizeOf({ type: 'sun' }, 1024)).toEqual(kernel);
    expect(await sizeOf({}, 1024, '/dev/sda')).toEqual([1024, []]);
    expect(await sizeOf({}, 1025, '/dev/sda')).toEqual(kernel);
  });

  test('LVM is asked where blkid has seen it, or where it could not tell', async () => {
    const none = { physicalVolumes: new Map(), logicalVolumes: [] };
    expect((await asked(['lv', 'vg', 'pv'], none)).made).toEqual([]);
    const errors = [{ device: '/dev/sda', error: new Error('ambivalent') }];
    const { made, volumes } = await asked(['lv', 'vg', 'pv'], { ...none, errors } as never);
    expect(made).toEqual(expect.arrayContaining(['pvsFull', 'lvs', 'vgsFull']));
    expect(volumes.map(({ kind }) => kind)).toEqual(['lv', 'vg', 'pv']);
  });

  test('an appliance without LVM is asked for none', async () => {
    const none = { ...calls, featureAvailable: async () => false } as unknown as Guestfs;
    const volumes = await new Volumes(none, examined, () => undefined).list();
    expect(volumes.filter(({ kind }) => ['lv', 'vg', 'pv'].includes(kind))).toEqual([]);
  });
});

describe('guestfs diff', () => {
  const stat = { stMode: 0o100644n, stSize: 1n, stMtimeSec: 0n, stMtimeNsec: 5n };
  const zero = new Proxy(stat, { get: (target, name) => Reflect.get(target, name) ?? 0n });
  const before = entryOf('/etc/a', 'a', 2, zero as never);
  const after = { ...before, mode: 0o100755, size: 2n, mtimeNs: 7n };
  const changed: Difference = {
    change: 'changed',
    path: '/etc/a',
    before,
    after,
    changes: {
      mode: { before: 0o644, after: 0o755 },
      size: { before: 1n, after: 2n },
      xattrs: { before: null, after: new Map([['user.a', Buffer.from('b')]]) },
    },
  };

  const text = (difference: Difference) =>
    differenceLine(difference)
      .map((piece) => (typeof piece === 'string' ? piece : piece[0]))
      .join('');

  test('lines', () => {
    expect(text(changed)).toBe('~ /etc/a: mode -rw-r--r-- → -rwxr-xr-x, size 1 → 2, extended attributes');
    expect(text({ change: 'added', path: '/b', before: null, after })).toBe('+ /b');
    expect(text({ change: 'removed', path: '/b', before, after: null })).toBe('- /b');
  });

  test('times that differ by less than a millisecond look different', () => {
    const times = { ...changed, changes: { mtimeNs: { before: 5n, after: 7n } } };
    expect(text(times)).toBe(
      '~ /etc/a: mtime 1970-01-01T00:00:00.000000005Z → 1970-01-01T00:00:00.000000007Z',
    );
  });

  test('device nodes by their numbers', () => {
    const nodes = { before: { ...before, rdev: 0x103n }, after: { ...after, rdev: 0x105n } };
    const changes = { rdev: { before: 0x103n, after: 0x105n } };
    expect(text({ ...changed, ...nodes, changes })).toBe('~ /etc/a: device 1,3 → 1,5');
  });

  test('JSON', () => {
    const json = JSON.parse(toJson(differenceToJson(changed)));
    expect(json).toMatchObject({
      change: 'changed',
      before: { mode: '0644', size: 1 },
      changes: {
        mode: { before: '0644', after: '0755' },
        size: { before: 1, after: 2 },
        xattrs: { before: null, after: { 'user.a': 'Yg==' } },
      },
    });
    expect(differenceToJson({ change: 'removed', path: '/b', before, after: null })).toMatchObject({
      after: null,
    });
  });

  test('arguments', () => {
    const args = ['--content', '--no-mtime', '--add-before=b.img', '--format', 'raw', 'a.img', 'c.img'];
    expect(parseDiff(args)).toMatchObject({
      before: [
        { path: 'a.img', format: 'raw' },
        { path: 'b.img', format: 'raw' },
      ],
      after: [{ path: 'c.img', format: 'raw' }],
      options: { content: true, mtime: false, xattrs: false },
      names: ['a.img', 'c.img'],
      html: undefined,
      exitCode: false,
    });
  });
});

test('help and completion do not load the addon: they are to be had where it cannot be loaded', () => {
  const program = `
    require(${JSON.stringify(join(root, 'dist/cli/commands.js'))}).descriptions();
    console.log(Object.keys(require.cache).filter((path) => /(native|guestfs)\\.(js|node)$/.test(path)).join());`;
  expect(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' })).toBe('\n');
});

test('what a failure quotes is no command in a log of GitHub Actions', async () => {
  const args = ['dist/cli/main.js', 'inspect', '--progress=text', '##[add-mask]a'];
  const failing = async (env: Record<string, string | undefined>) => (await runNode(args, { env })).stderr;
  expect(await failing({ GITHUB_ACTIONS: 'true' })).toMatch(
    /^::error title=guestfs::guestfs: .*# #\[add-mask\]a.*\(ENOENT\)\n$/,
  );
  expect(await failing({ GITHUB_ACTIONS: undefined })).toMatch(/^guestfs: .*##\[add-mask\]a.*\(ENOENT\)\n$/);
});

test('failures speak of the options of the command', () => {
  const severalRoots = () => choose('ls', 'disk', undefined, ['/dev/sda1', '/dev/sda2']);
  expect(severalRoots).toThrow('say which by the option root');
  expect(failureOf(thrownBy(severalRoots), 'inspect')).toEqual({
    code: 'ERR_GUESTFS_NO_ROOT',
    operation: 'ls',
    message: 'ls: disk has operating systems on /dev/sda1, /dev/sda2: say which by --root',
    hint: 'say which by --root',
  });
});

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test('a job that follows handles tells each step once', () => {
  const phases: string[] = [];
  const nothing = () => undefined;
  const job = new Job('whole');
  job[observe]({
    started: nothing,
    progress: nothing,
    ended: nothing,
    phase: (_, phase) => phases.push(phase),
  });
  const handle = new Job('launch');
  job.follow(handle, (operation) => `a: ${operation}`);
  handle.start();
  handle.phase('boot');
  handle.phase('boot');
  handle.start();
  expect(phases).toEqual(['a: launch', 'a: launch: boot', 'a: launch']);
});
