/** Databases of packages, made by the package managers themselves where the host has them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Package {
  readonly name: string;
  /** Version without epoch and release. */
  readonly version: string;
  readonly release?: string;
  readonly epoch?: number;
  /** Architecture in the words of the package manager. */
  readonly arch: string;
}

/** Makes the database of these packages below a folder that will be the root of a system. */
export type PackageDatabase = (tree: string, packages: readonly Package[]) => void;

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });

/** Packages are built in a folder that is gone afterwards. */
function inWorkshop(tree: string, work: (folder: string) => void): void {
  const folder = `${tree}.packages`;
  mkdirSync(folder, { recursive: true });
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const versionOf = ({ epoch, version, release }: Package) =>
  `${epoch ? `${epoch}:` : ''}${version}${release ? `-${release}` : ''}`;

/** By dpkg. */
export const dpkg: PackageDatabase = (tree, packages) =>
  inWorkshop(tree, (folder) => {
    for (const name of ['info', 'updates', 'triggers'])
      mkdirSync(join(tree, 'var/lib/dpkg', name), { recursive: true });
    for (const file of ['status', 'available']) writeFileSync(join(tree, 'var/lib/dpkg', file), '');
    const files = packages.map((each) => {
      const source = join(folder, each.name);
      mkdirSync(join(source, 'DEBIAN'), { recursive: true });
      const { name, arch } = each;
      const control = `Package: ${name}\nVersion: ${versionOf(each)}\nArchitecture: ${arch}\nMaintainer: Tests <tests@example.com>\nDescription: ${name} of a test\n More of it.\n`;
      writeFileSync(join(source, 'DEBIAN/control'), control);
      run('dpkg-deb', '--build', '--root-owner-group', source, `${source}.deb`);
      return `${source}.deb`;
    });
    run(
      'dpkg',
      `--root=${tree}`,
      '--force-not-root,architecture,bad-path',
      '--log=/dev/null',
      '--install',
      ...files,
    );
  });

/** By rpm, in its format of today, at a place of the system. */
export const rpm =
  (place: string): PackageDatabase =>
  (tree, packages) =>
    inWorkshop(tree, (folder) => {
      const files = packages.map((each) => {
        const { name, version, release = '1', epoch, arch } = each;
        const spec = [
          ...[
            `Name: ${name}`,
            `Version: ${version}`,
            `Release: ${release}`,
            ...(epoch ? [`Epoch: ${epoch}`] : []),
          ],
          ...[`Summary: ${name} of a test`, 'License: MIT', '%description', 'More of it.', '%files'],
        ];
        writeFileSync(join(folder, `${name}.spec`), `${spec.join('\n')}\n`);
        const target = [
          '--target',
          `${arch}-linux`,
          '--define',
          `_topdir ${folder}`,
          '--define',
          `_rpmdir ${folder}`,
        ];
        run('rpmbuild', '--quiet', '-bb', ...target, join(folder, `${name}.spec`));
        return join(folder, arch, `${name}-${version}-${release}.${arch}.rpm`);
      });
      mkdirSync(join(tree, place), { recursive: true });
      const blind = ['--justdb', '--nodeps', '--noscripts', '--ignorearch', '--ignoreos', '--nosignature'];
      run(
        'rpm',
        '--dbpath',
        join(tree, place),
        '--define',
        '_db_backend sqlite',
        '--install',
        ...blind,
        ...files,
      );
    });

/** As rpm 4.15 and older kept it, by Berkeley DB: what rpm has made, in the other container. */
export const berkeleyRpm: PackageDatabase = (tree, packages) => {
  const place = 'var/lib/rpm';
  rpm(place)(tree, packages);
  const query = 'SELECT hnum, hex(blob) FROM Packages';
  const rows = run('python3', '-c', `${dump}`, join(tree, place, 'rpmdb.sqlite'), query);
  rmSync(join(tree, place), { recursive: true });
  mkdirSync(join(tree, place));
  const head = 'VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n';
  execFileSync('db_load', [join(tree, place, 'Packages')], { input: `${head}${rows}DATA=END\n` });
};

// Keys are numbers in the order of bytes of the machine; that of 0 tells the last.
const dump = `
import sqlite3, struct, sys
key = lambda n: struct.pack('<I', n).hex()
rows = list(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]))
print(f' {key(0)}\\n {key(max(n for n, _ in rows))}')
for n, blob in rows: print(f' {key(n)}\\n {blob.lower()}')
`;

/** By pacman. */
export const pacman: PackageDatabase = (tree, packages) =>
  inWorkshop(tree, (folder) => {
    mkdirSync(join(tree, 'var/lib/pacman'), { recursive: true });
    writeFileSync(join(folder, 'pacman.conf'), '[options]\nArchitecture = x86_64\nSigLevel = Never\n');
    const files = packages.map((each) => {
      const { name, arch } = each;
      const info = [
        ...[
          `pkgname = ${name}`,
          `pkgbase = ${name}`,
          `pkgver = ${versionOf(each)}`,
          `pkgdesc = ${name} of a test`,
        ],
        ...[
          'url = https://example.com/',
          'builddate = 1700000000',
          'packager = Tests',
          'size = 0',
          `arch = ${arch}`,
        ],
      ];
      writeFileSync(join(folder, '.PKGINFO'), `${info.join('\n')}\n`);
      const file = join(folder, `${name}.pkg.tar.gz`);
      run('tar', '-C', folder, '-czf', file, '.PKGINFO');
      return file;
    });
    const places = [
      '--root',
      tree,
      '--dbpath',
      join(tree, 'var/lib/pacman'),
      '--config',
      join(folder, 'pacman.conf'),
    ];
    const own = ['--cachedir', folder, '--hookdir', folder, '--gpgdir', folder, '--logfile', '/dev/null'];
    run(
      'fakeroot',
      'pacman',
      ...places,
      ...own,
      '--upgrade',
      '--dbonly',
      '--noconfirm',
      '--noprogressbar',
      ...files,
    );
  });

/** As apk writes it; Debian has no apk. */
export const apk: PackageDatabase = (tree, packages) => {
  const entries = packages.map((each) =>
    [
      ...[
        `C:Q1${Buffer.from(each.name.padEnd(20, '.')).toString('base64')}`,
        `P:${each.name}`,
        `V:${versionOf(each)}`,
      ],
      ...[
        `A:${each.arch}`,
        'S:1000',
        'I:4096',
        `T:${each.name} of a test`,
        'U:https://example.com/',
        'L:MIT',
      ],
      ...[
        `o:${each.name}`,
        'm:Tests <tests@example.com>',
        't:1700000000',
        'F:usr',
        'F:usr/bin',
        `R:${each.name}`,
        'a:0:0:755',
        '',
      ],
    ].join('\n'),
  );
  mkdirSync(join(tree, 'lib/apk/db'), { recursive: true });
  writeFileSync(join(tree, 'lib/apk/db/installed'), `${entries.join('\n')}\n`);
};

/** As Portage writes it; Debian has no Portage. */
export const portage: PackageDatabase = (tree, packages) => {
  for (const each of packages) {
    const folder = join(tree, 'var/db/pkg/app-misc', `${each.name}-${each.version}`);
    mkdirSync(folder, { recursive: true });
    const facts = {
      CATEGORY: 'app-misc',
      PF: `${each.name}-${each.version}`,
      SLOT: '0',
      repository: 'gentoo',
      KEYWORDS: each.arch,
    };
    for (const [name, value] of Object.entries(facts)) writeFileSync(join(folder, name), `${value}\n`);
  }
};
