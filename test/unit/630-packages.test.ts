/** Databases of packages that their own tools have made, and such as nobody would make. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readApk } from '../../lib/packages/apk';
import { readDpkg } from '../../lib/packages/dpkg';
import { BadDatabase, type Package, versionParts } from '../../lib/packages/package';
import { readPacman } from '../../lib/packages/pacman';
import { readRpm } from '../../lib/packages/rpm';
import { Sqlite } from '../../lib/packages/sqlite';
import type { SystemFiles } from '../../lib/packages/system-files';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { HostFiles } from '../support/host-files';
import { berkeleyTree, dpkgOfThisMachine, ndbTree, pacmanTree, rpmTree } from '../support/package-trees';
import { Random } from '../support/random';

let folder: TemporaryFolder;
let truth: string[];
let headers: Buffer[];

const filesOf = (tree: string) => new HostFiles(folder.file(tree));

beforeAll(async () => {
  folder = temporaryFolder();
  truth = rpmTree(folder.file('sqlite'));
  headers = await headersIn('sqlite');
  berkeleyTree(folder.file('berkeley'), headers);
  berkeleyTree(folder.file('berkeley-big'), headers, true);
  ndbTree(folder.file('ndb'), headers);
});

afterAll(() => folder[Symbol.dispose]());

async function headersIn(tree: string): Promise<Buffer[]> {
  const file = await filesOf(tree).open('/var/lib/rpm/rpmdb.sqlite');
  const found: Buffer[] = [];
  const database = await Sqlite.open(file as NonNullable<typeof file>, undefined);
  for await (const [, header] of database.rows('Packages')) found.push(header as Buffer);
  return found;
}

const seconds = (time: string | null) => (time === null ? null : Date.parse(time) / 1000);

/** As `rpm -qa` says it. */
const asRpm = (each: Package) =>
  [
    ...[each.name, each.epoch || '(none)', each.version, each.release, each.arch],
    `${each.source}-${each.sourceVersion}.src.rpm`,
    ...[each.vendor, each.license, each.installedSize, seconds(each.installTime), each.summary],
  ].join('|');

describe('rpm', () => {
  test.each(['sqlite', 'berkeley', 'berkeley-big', 'ndb'])('%s is read as rpm reads it', async (tree) => {
    const packages = (await readRpm(filesOf(tree))) ?? [];
    expect(packages.map(asRpm).sort()).toEqual(truth.map((line) => line.replace('|0|', '|(none)|')));
    expect(packages.find(({ name }) => name === 'alpha')).toMatchObject({
      ...{ description: 'Several\nlines.', url: 'https://example.org/alpha', origin: 'Fedora Project' },
      ...{ module: 'mod:1:2:3', provides: ['alpha'] },
    });
    expect(packages.find(({ name }) => name === 'beta-libs')?.depends).toContain('glibc');
  });

  test('what has been written into the log of SQLite counts, up to the last whole transaction', async () => {
    const program = `
import shutil, sqlite3, sys
source, target = sys.argv[1:]
database = sqlite3.connect(source)
database.execute('PRAGMA journal_mode=WAL')
database.execute('INSERT INTO Packages (blob) SELECT blob FROM Packages')
database.commit()
for end in ('', '-wal'): shutil.copy(source + end, target + end)
`;
    mkdirSync(folder.file('log/var/lib/rpm'), { recursive: true });
    const [from, to] = ['sqlite', 'log'].map((tree) => folder.file(`${tree}/var/lib/rpm/rpmdb.sqlite`));
    const copy = folder.file('copy.sqlite');
    copyFileSync(from as string, copy);
    execFileSync('python3', ['-c', program, copy, to as string]);
    expect(await readRpm(filesOf('log'))).toHaveLength(4);
    truncateSync(`${to}-wal`, statSync(`${to}-wal`).size - 1);
    expect(await readRpm(filesOf('log'))).toHaveLength(2);
  });

  test('without a database there is no list, and an empty one is empty', async () => {
    expect(await readRpm(filesOf('nothing'))).toBeUndefined();
    ndbTree(folder.file('empty'), []);
    expect(await readRpm(filesOf('empty'))).toEqual([]);
  });
});

describe('dpkg', () => {
  test('is read as dpkg-query reads it', async () => {
    const told = dpkgOfThisMachine();
    const packages = (await readDpkg(new HostFiles('/'))) ?? [];
    const size = ({ installedSize }: Package) => (installedSize === null ? '' : installedSize / 1024);
    const lines = packages.map((each) =>
      [
        ...[
          each.name,
          versionOf(each),
          each.arch,
          each.source,
          each.sourceVersion,
          size(each),
          each.url ?? '',
        ],
        each.summary ?? '',
      ].join('|'),
    );
    expect(lines.sort()).toEqual(told);
    expect(packages.filter(({ installTime }) => installTime === null)).toEqual([]);
    expect(packages.find(({ name }) => name === 'perl')?.depends).toContain(
      `perl-base (= ${told.find((line) => line.startsWith('perl|'))?.split('|')[1]})`,
    );
  });

  test('in an image without a package manager each package has a file of its own', async () => {
    write(
      'distroless/var/lib/dpkg/status.d/base',
      'Package: base-files\nVersion: 12.4\nArchitecture: amd64\n',
    );
    write('distroless/var/lib/dpkg/status.d/base.md5sums', 'x  y\n');
    expect(await readDpkg(filesOf('distroless'))).toMatchObject([
      { name: 'base-files', version: '12.4', release: null, source: 'base-files', sourceVersion: '12.4' },
    ]);
  });

  test('packages that are removed, and have left their configuration, are not installed; held ones are', async () => {
    const stanza = (name: string, status: string) => `Package: ${name}\nStatus: ${status}\nVersion: 1:2-3\n`;
    const text = [
      stanza('held', 'hold ok installed'),
      stanza('gone', 'deinstall ok config-files'),
      stanza('waiting', 'install ok triggers-pending'),
    ];
    write('states/var/lib/dpkg/status', text.join('\n'));
    const packages = await readDpkg(filesOf('states'));
    expect(packages?.map(({ name, epoch, version, release }) => [name, epoch, version, release])).toEqual([
      ['held', 1, '2', '3'],
      ['waiting', 1, '2', '3'],
    ]);
  });
});

test('pacman is read as pacman reads it', async () => {
  const told = pacmanTree(folder.file('pacman'));
  const packages = (await readPacman(filesOf('pacman'))) ?? [];
  expect(packages.map((each) => `${each.name} ${versionOf(each)}`)).toEqual(told);
  expect(packages[0]).toMatchObject({
    ...{ source: 'gamma-base', sourceVersion: '1:2.0.1-3', license: 'MIT AND BSD', installedSize: 4096 },
    ...{ vendor: 'Someone <someone@example.org>', depends: ['alpha>=1'], provides: ['gam=2'] },
    ...{ installTime: expect.stringMatching(/^20/), summary: 'Third', url: 'https://example.org/gamma' },
  });
});

test('apk is read by the letters of its fields', async () => {
  const text = `C:Q1abc=
P:busybox-binsh
V:1.36.1-r29
A:x86_64
S:1563
I:8192
T:busybox ash /bin/sh
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Someone <someone@example.org>
t:1700000000
D:busybox=1.36.1-r29
p:/bin/sh cmd:sh=1.36.1-r29
F:bin
R:sh
`;
  write('apk/usr/lib/apk/db/installed', `${text}\nP:second\nV:2\n\n`);
  expect(await readApk(filesOf('apk'))).toMatchObject([
    {
      ...{ name: 'busybox-binsh', version: '1.36.1', release: 'r29', arch: 'x86_64', source: 'busybox' },
      ...{ sourceVersion: '1.36.1-r29', license: 'GPL-2.0-only', installedSize: 8192 },
      ...{ depends: ['busybox=1.36.1-r29'], provides: ['/bin/sh', 'cmd:sh=1.36.1-r29'] },
    },
    { name: 'second', version: '2', release: null, source: 'second' },
  ]);
});

test.each([
  ['1:2.3-4-5', 1, '2.3-4', '5'],
  ['2.3', 0, '2.3', null],
  ['', 0, null, null],
  ['x:1', 0, 'x:1', null],
])('the version %s has its parts', (text, epoch, version, release) => {
  expect(versionParts(text)).toEqual({ epoch, version, release });
});

describe('a database that somebody has damaged', () => {
  const rounds = Number(process.env.GUESTFS_TEST_DAMAGE ?? 150);

  test.each([
    ['sqlite', 'var/lib/rpm/rpmdb.sqlite'],
    ['berkeley', 'var/lib/rpm/Packages'],
    ['ndb', 'usr/lib/sysimage/rpm/Packages.db'],
  ])('of the kind %s is told as that, or read as far as it is none', async (tree, place) => {
    const whole = readFileSync(folder.file(`${tree}/${place}`));
    const random = new Random(16);
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < rounds; round++) {
      write(`damaged-${tree}/${place}`, damaged(whole, random));
      const started = process.cpuUsage();
      try {
        await readRpm(filesOf(`damaged-${tree}`));
        outcomes.read++;
      } catch (error) {
        expect(error).toBeInstanceOf(BadDatabase);
        outcomes.refused++;
      }
      expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000);
    }
    expect(outcomes.refused).toBeGreaterThan(rounds / 20);
  });

  test.each([
    ['sqlite', 'var/lib/rpm/rpmdb.sqlite'],
    ['berkeley', 'var/lib/rpm/Packages'],
    ['ndb', 'usr/lib/sysimage/rpm/Packages.db'],
  ])('of the kind %s that ends anywhere in its beginning is told as that', async (tree, place) => {
    const whole = readFileSync(folder.file(`${tree}/${place}`));
    for (let length = 1; length < 600; length++) {
      const cut: SystemFiles = {
        open: async (path) => {
          if (path !== `/${place}`) return undefined;
          const bytes = whole.subarray(0, length);
          // As a file that says it has more than can be read of it, every other time.
          const size = length % 2 === 0 ? length : whole.length;
          return { size, read: async (offset, count) => bytes.subarray(offset, offset + count) };
        },
        list: async () => [],
        times: async () => new Map(),
      };
      await expect(readRpm(cut)).rejects.toThrow(BadDatabase);
    }
  });

  test('pages that lead in circles, and counts that are too large, end', async () => {
    const whole = readFileSync(folder.file('sqlite/var/lib/rpm/rpmdb.sqlite'));
    // The root of the schema becomes an inner page that leads to itself.
    const circle = Buffer.from(whole);
    circle[100] = 5;
    circle.writeUInt16BE(0, 103);
    circle.writeUInt32BE(1, 108);
    write('circle/var/lib/rpm/rpmdb.sqlite', circle);
    await expect(readRpm(filesOf('circle'))).rejects.toThrow('lead in circles');
    ndbTree(folder.file('overlapping'), headers);
    const place = folder.file('overlapping/usr/lib/sysimage/rpm/Packages.db');
    const database = readFileSync(place);
    // Every slot leads to the one package, under its own number as far as anybody looks.
    const blob = 4096;
    for (let slot = 3; slot < 256; slot++) {
      database.writeUInt32LE(1, 16 * slot + 4);
      database.writeUInt32LE(blob / 16, 16 * slot + 8);
      database.writeUInt32LE(database.readUInt32LE(16 * 3 + 12), 16 * slot + 12);
    }
    writeFileSync(place, database);
    await expect(readRpm(filesOf('overlapping'))).rejects.toThrow('than their database can hold');
    const header = Buffer.alloc(64);
    header.writeUInt32BE(0xffff_ffff, 0);
    ndbTree(folder.file('counts'), [header]);
    await expect(readRpm(filesOf('counts'))).rejects.toThrow('longer than what it lies in');
    write('text/var/lib/dpkg/status', Buffer.alloc(1000, 0xff));
    await expect(readDpkg(filesOf('text'))).rejects.toThrow(BadDatabase);
    write('text/lib/apk/db/installed', Buffer.alloc(1000, 0xff));
    await expect(readApk(filesOf('text'))).rejects.toThrow(BadDatabase);
    write('text/var/lib/pacman/local/x/desc', Buffer.alloc(1000, 0xff));
    await expect(readPacman(filesOf('text'))).rejects.toThrow(BadDatabase);
  });
});

const versionOf = ({ epoch, version, release }: Package) =>
  `${epoch > 0 ? `${epoch}:` : ''}${version}${release === null ? '' : `-${release}`}`;

function write(name: string, content: string | Buffer) {
  const path = folder.file(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Some bytes changed, a number made large, or the end cut off. */
function damaged(whole: Buffer, random: Random): Buffer {
  const copy = Buffer.from(whole);
  const kind = random.below(3);
  if (kind === 0) return copy.subarray(0, random.below(copy.length));
  // What leads to the rest lies at the beginning.
  const near = () => random.below(random.below(2) === 0 ? 8192 : copy.length - 4);
  for (let count = 1 + random.below(8); count > 0; count--) {
    if (kind === 1) copy[near()] = random.below(256);
    else copy.writeUInt32LE(0xffff_ffff - random.below(3), near());
  }
  return copy;
}
