/** Databases of packages as interrupted managers leave them, in places that others have chosen, and such as would take for ever. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readApk } from '../../lib/packages/apk';
import { readDpkg } from '../../lib/packages/dpkg';
import { BadDatabase, type Package } from '../../lib/packages/package';
import { pacmanFolder, readPacman } from '../../lib/packages/pacman';
import { readPacmanFiles } from '../../lib/packages/pacman-files';
import { readPackages } from '../../lib/packages/read';
import { Sqlite } from '../../lib/packages/sqlite';
import { stanzas } from '../../lib/packages/stanzas';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { HostFiles } from '../support/host-files';

let folder: TemporaryFolder;
const filesOf = (tree: string) => new HostFiles(folder.file(tree));

beforeAll(() => {
  folder = temporaryFolder();
});

afterAll(() => folder[Symbol.dispose]());

function write(name: string, content: string | Buffer) {
  const path = folder.file(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

async function allOf<T>(each: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of each) all.push(one);
  return all;
}

interface Told {
  readonly version?: string;
  readonly arch?: string | null;
  readonly status?: string;
  readonly isForSeveral?: boolean;
}

function stanza(name: string, told: Told = {}): string {
  const { version = '1', arch = 'amd64', status = 'install ok installed', isForSeveral } = told;
  const lines = [
    ...[`Package: ${name}`, `Status: ${status}`, 'Priority: optional', 'Section: misc'],
    ...['Maintainer: Somebody <somebody@example.org>', `Version: ${version}`, 'Description: something'],
    ...(arch === null ? [] : [`Architecture: ${arch}`]),
    ...(isForSeveral ? ['Multi-Arch: same'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const named = (packages: readonly Package[] | undefined) =>
  packages?.map(({ name, arch, version }) => `${name}:${arch} ${version}`).sort();

/** What dpkg-query says of a tree. */
function queried(tree: string): string[] {
  for (const each of ['info/x', 'updates/x', 'triggers/x', 'available'])
    mkdirSync(dirname(folder.file(`${tree}/var/lib/dpkg/${each}`)), { recursive: true });
  const fields = ['Package', 'Architecture', 'Version', 'db:Status-Status'].map((each) => `\${${each}}`);
  const format = `${fields.join('|')}\n`;
  const args = ['--admindir', folder.file(`${tree}/var/lib/dpkg`), '-W', '-f', format];
  const lines = execFileSync('dpkg-query', args, { stdio: 'pipe' }).toString().trimEnd().split('\n');
  const there = /^(\S+)\|(\S+)\|(\S+)\|(?:installed|unpacked|half-configured|triggers-\w+)$/;
  return lines.flatMap((line) => (there.test(line) ? line.replace(there, '$1:$2 $3') : [])).sort();
}

describe('changes that dpkg has not yet written into its database', () => {
  const same = { isForSeveral: true };
  const gone = 'deinstall ok config-files';

  test.each<[string, string[], string[][]]>([
    ['upgrade a package', [stanza('a'), stanza('b')], [[stanza('a', { version: '2' })]]],
    ['install one', [stanza('a')], [[stanza('b', { status: 'install ok unpacked' })]]],
    ['remove one', [stanza('a'), stanza('b')], [[stanza('a', { status: gone })]]],
    ['follow each other', [stanza('a')], [[stanza('a', { version: '2' })], [stanza('a', { version: '3' })]]],
    [
      'are about one architecture of several',
      [stanza('l', same), stanza('l', { ...same, arch: 'i386' })],
      [[stanza('l', { ...same, arch: 'i386', version: '2' })]],
    ],
    [
      'remove one architecture of several',
      [stanza('l', same), stanza('l', { ...same, arch: 'i386' })],
      [[stanza('l', { ...same, arch: 'i386', status: gone })]],
    ],
    [
      'make a package one for all architectures',
      [stanza('a'), stanza('b')],
      [[stanza('a', { arch: 'all', version: '2' })]],
    ],
    [
      'break off in the middle',
      [stanza('a')],
      [[stanza('a', { version: '2', status: 'install reinstreq unpacked' })]],
    ],
  ])('count when they %s', async (what, status, updates) => {
    const tree = what.replaceAll(' ', '-');
    write(`${tree}/var/lib/dpkg/status`, status.join('\n'));
    for (const [index, each] of updates.entries())
      write(`${tree}/var/lib/dpkg/updates/${String(index).padStart(4, '0')}`, each.join('\n'));
    // What dpkg is still writing, it does not read.
    write(`${tree}/var/lib/dpkg/updates/tmp.i`, stanza('x'));
    const packages = named(await readDpkg(filesOf(tree)));
    expect(packages).toEqual(queried(tree));
    expect(packages).not.toContain('x:amd64 1');
  });
});

describe('dpkg', () => {
  test('of what is told twice the last word counts, and architectures are apart', async () => {
    const text = [
      ...[
        stanza('a'),
        stanza('l', { isForSeveral: true }),
        stanza('l', { isForSeveral: true, arch: 'i386' }),
      ],
      stanza('a', { version: '2' }),
    ];
    write('twice/var/lib/dpkg/status', text.join('\n'));
    expect(named(await readDpkg(filesOf('twice')))).toEqual(['a:amd64 2', 'l:amd64 1', 'l:i386 1']);
  });

  test('a database in which everything is removed is one without packages', async () => {
    write('removed/var/lib/dpkg/status', stanza('a', { status: 'deinstall ok config-files' }));
    expect(await readDpkg(filesOf('removed'))).toEqual([]);
    write(
      'half/var/lib/dpkg/status',
      [stanza('a'), stanza('b', { status: 'install reinstreq half-installed' })].join('\n'),
    );
    expect(named(await readDpkg(filesOf('half')))).toEqual(['a:amd64 1']);
  });

  test.each<[string, string]>([
    ['packages', Array.from({ length: 250_000 }, (_, index) => `Package: p${index}\n`).join('\n')],
    [
      'architectures',
      Array.from({ length: 5000 }, (_, index) => `Package: p\nArchitecture: a${index}\n`).join('\n'),
    ],
  ])('more %s than there are anywhere are refused', async (what, text) => {
    write(`many-${what}/var/lib/dpkg/status`, text);
    await expect(readDpkg(filesOf(`many-${what}`))).rejects.toThrow(BadDatabase);
  });

  test('neither empty lines nor fields without end take memory', () => {
    const before = process.memoryUsage().heapUsed;
    let count = 0;
    for (const each of stanzas(`${'\n'.repeat(4 << 20)}Package: a\n${'x:\n'.repeat(100)}`))
      count += each.size;
    expect(count).toBe(2);
    const fields = Array.from({ length: 100_000 }, (_, index) => `f${index}: 1\n`).join('');
    const [only] = stanzas(`Package: a\n${fields}`);
    expect(only?.size).toBeLessThanOrEqual(1000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(256 << 20);
  });
});

describe('pacman', () => {
  const desc = (name: string) => `%NAME%\n${name}\n\n%VERSION%\n1-1\n\n%ARCH%\nany\n`;
  const local = 'var/lib/pacman/local';

  test('of packages that it was interrupted at, name and version are known, and that no more is', async () => {
    write(`interrupted/${local}/ALPM_DB_VERSION`, '9\n');
    write(`interrupted/${local}/a-1-1/desc`, desc('a'));
    write(`interrupted/${local}/b-with-dashes-1:2.0-3/files`, '%FILES%\n');
    write(`interrupted/${local}/c-1-1/desc`, '');
    write(`interrupted/${local}/.stray`, 'x');
    const notes: string[] = [];
    const packages = await readPacman(filesOf('interrupted'), (message) => notes.push(message));
    expect(
      packages?.map(({ name, epoch, version, release, arch }) => [name, epoch, version, release, arch]),
    ).toEqual([
      ['a', 0, '1', '1', 'any'],
      ['b-with-dashes', 1, '2.0', '3', null],
      ['c', 0, '1', '1', null],
    ]);
    expect(notes).toEqual([
      '/var/lib/pacman/local does not describe b-with-dashes-1:2.0-3 and 1 more: nothing but the name and the version is known',
    ]);
  });

  test('the database is where its configuration says', async () => {
    write(
      'moved/etc/pacman.conf',
      '[options]\n#DBPath = /none\n DBPath = /usr/lib/holo/pacmandb/ \nHoldPkg = pacman\n',
    );
    write('moved/usr/lib/holo/pacmandb/local/a-1-1/desc', desc('a'));
    write('moved/usr/lib/holo/pacmandb/local/a-1-1/files', '%FILES%\nusr/\nusr/bin/a\n');
    expect(named(await readPacman(filesOf('moved')))).toEqual(['a:any 1']);
    const [files] = await allOf(readPacmanFiles(filesOf('moved')));
    expect(files).toMatchObject({ name: 'a', files: [{ path: '/usr/bin/a' }] });
    write('windows/etc/pacman.conf', '[options]\r\nDBPath = /a b/c\t \r\nHoldPkg = pacman\r\n');
    expect(await pacmanFolder(filesOf('windows'))).toBe('/a b/c/local');
  });

  test.each([' ', '\t', '/', ' /'])('a configuration of nothing but %j is read at once', async (part) => {
    const many = part.repeat(300_000 / part.length);
    write('long/etc/pacman.conf', `DBPath = /${many}x\n${many}\nDBPath${many}x`);
    const started = process.cpuUsage();
    expect((await pacmanFolder(filesOf('long'))) === `/${many}x/local`).toBe(true);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(2000);
  });
});

test('apk tells the repository that a package was tagged with, and refuses more packages than there are', async () => {
  write(
    'apk/lib/apk/db/installed',
    'P:a\nV:1-r0\nA:x86_64\ns:edge\n\nP:.build-deps\nV:20240101.1\nA:noarch\n\nP: \nV:1\n',
  );
  expect(await readApk(filesOf('apk'))).toMatchObject([
    { name: 'a', origin: 'edge', release: 'r0' },
    { name: '.build-deps', version: '20240101.1', release: null, origin: null },
  ]);
  write(
    'apk-many/lib/apk/db/installed',
    Array.from({ length: 250_000 }, (_, index) => `P:p${index}\n`).join('\n'),
  );
  await expect(readApk(filesOf('apk-many'))).rejects.toThrow(BadDatabase);
});

test('rows of SQLite that lie in one another, in any table, end', async () => {
  const place = folder.file('bomb.sqlite');
  const program = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('PRAGMA page_size=4096')
database.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)')
database.execute("CREATE TABLE other (x TEXT DEFAULT '" + 'y' * 2000000 + "')")
database.commit()
`;
  execFileSync('python3', ['-c', program, place]);
  const bytes = readFileSync(place);
  // Every cell of the schema becomes the long one.
  const count = 1500;
  const long = Math.min(bytes.readUInt16BE(108), bytes.readUInt16BE(110));
  bytes.writeUInt16BE(count, 103);
  for (let index = 0; index < count; index++) bytes.writeUInt16BE(long, 108 + 2 * index);
  write('bomb', bytes);
  const file = await filesOf('.').open('/bomb');
  const database = await Sqlite.open(file as NonNullable<typeof file>, undefined);
  const started = process.cpuUsage();
  await expect(allOf(database.rows('Packages'))).rejects.toThrow(BadDatabase);
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000);
});

test.each([
  ['deb', 'var/lib/dpkg/status', `${stanza('whole')}\n${stanza('cut').replace(/Version.*/s, 'Vers')}`],
  ['apk', 'lib/apk/db/installed', 'P:whole\nV:1-r0\n\nP:cut'],
])('a database of %s that is cut within a package is told as that', async (format, path, text) => {
  write(`cut-${format}/${path}`, text);
  const notes: string[] = [];
  const packages = await readPackages(filesOf(`cut-${format}`), format, (note) => notes.push(note));
  expect(packages?.map(({ name }) => name)).toEqual(['cut', 'whole']);
  expect(notes).toEqual([expect.stringMatching(/version of cut: it is cut/)]);
});
