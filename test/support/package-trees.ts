// Trees with databases of packages that their own tools have made, and what these say of them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const run = (file: string, args: readonly string[], cwd: string, input?: string) =>
  execFileSync(file, args, { cwd, input, stdio: 'pipe', maxBuffer: 1 << 28 });

const spec = `
Name: alpha
Epoch: 2
Version: 1.2.3
Release: 4.fc40
Summary: First
License: MIT AND GPL-2.0-or-later
Vendor: Example
Distribution: Fedora Project
ModularityLabel: mod:1:2:3
URL: https://example.org/alpha
%description
Several
lines.
%package -n beta-libs
Summary: Libraries
Epoch: 0
Requires: glibc >= 2.1
%description -n beta-libs
%build
%install
mkdir -p %{buildroot}/usr/share/alpha
for i in $(seq 400); do echo > %{buildroot}/usr/share/alpha/a-file-with-a-name-that-is-rather-long-$i; done
%files
/usr/share/alpha
%files -n beta-libs
`;

/** Fields of `rpm -qa` that are compared. */
const queried =
  '%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{SOURCERPM}|%{VENDOR}|%{LICENSE}|%{SIZE}|%{INSTALLTIME}|%{SUMMARY}\n';

/** Makes RPMs, installs them into the database of a tree, and returns what `rpm -qa` says of each. */
export function rpmTree(tree: string): string[] {
  const work = `${tree}.work`;
  mkdirSync(work, { recursive: true });
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(work, 'alpha.spec'), spec);
  run('rpmbuild', ['-bb', '--target', 'noarch', '--define', `_topdir ${work}`, 'alpha.spec'], work);
  const folder = join(work, 'RPMS/noarch');
  const files = readdirSync(folder).map((name) => join(folder, name));
  const where = ['--root', tree, '--dbpath', '/var/lib/rpm', '--define', '_db_backend sqlite'];
  run('rpm', [...where, '--justdb', '--nodeps', '-i', ...files], work);
  rmSync(work, { recursive: true });
  return run('rpm', [...where, '-qa', '--qf', queried], tree)
    .toString()
    .trimEnd()
    .split('\n')
    .sort();
}

/** Makes a tree whose database of RPM is one of Berkeley DB, in the byte order of little or big machines. */
export function berkeleyTree(tree: string, headers: readonly Buffer[], isBig = false): void {
  const folder = join(tree, 'var/lib/rpm');
  mkdirSync(folder, { recursive: true });
  const key = (number: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(number);
    return bytes.toString('hex');
  };
  // RPM keeps the number of the last package under the key 0.
  const entries = [
    [key(0), key(headers.length)],
    ...headers.map((each, index) => [key(index + 1), each.toString('hex')]),
  ];
  const order = `db_lorder=${isBig ? 4321 : 1234}\n`;
  const dump = `VERSION=3\nformat=bytevalue\ntype=hash\n${order}HEADER=END\n${entries
    .flat()
    .map((each) => ` ${each}\n`)
    .join('')}DATA=END\n`;
  run('db5.3_load', ['Packages'], folder, dump);
}

/** Makes a tree whose database of RPM is `Packages.db`, which no tool of Debian writes. */
export function ndbTree(tree: string, headers: readonly Buffer[]): void {
  const folder = join(tree, 'usr/lib/sysimage/rpm');
  mkdirSync(folder, { recursive: true });
  const slots = Buffer.alloc(4096);
  slots.write('RpmP', 0, 'latin1');
  slots.writeUInt32LE(1, 8);
  slots.writeUInt32LE(1, 12);
  slots.writeUInt32LE(headers.length + 1, 16);
  for (let at = 32; at < slots.length; at += 16) slots.write('Slot', at, 'latin1');
  const blobs: Buffer[] = [];
  let offset = slots.length;
  for (const [index, header] of headers.entries()) {
    const blob = Buffer.alloc(Math.ceil((16 + header.length + 12) / 16) * 16);
    blob.write('BlbS', 0, 'latin1');
    blob.writeUInt32LE(index + 1, 4);
    blob.writeUInt32LE(1, 8);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    blob.write('BlbE', blob.length - 4, 'latin1');
    // One slot stays free, as that of a package that has been removed.
    const slot = 32 + 16 * (index + 1);
    slots.writeUInt32LE(index + 1, slot + 4);
    slots.writeUInt32LE(offset / 16, slot + 8);
    slots.writeUInt32LE(blob.length / 16, slot + 12);
    blobs.push(blob);
    offset += blob.length;
  }
  writeFileSync(join(folder, 'Packages.db'), Buffer.concat([slots, ...blobs]));
}

const pkginfo = `pkgname = gamma
pkgbase = gamma-base
pkgver = 1:2.0.1-3
pkgdesc = Third
url = https://example.org/gamma
builddate = 1700000000
packager = Someone <someone@example.org>
size = 4096
arch = any
license = MIT
license = BSD
depend = alpha>=1
provides = gam=2
`;

/** Makes a package of pacman, installs it into a tree, and returns what `pacman -Q` says. */
export function pacmanTree(tree: string): string[] {
  const work = `${tree}.work`;
  for (const folder of [join(work, 'usr/share/gamma'), join(tree, 'var/lib/pacman')])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(work, '.PKGINFO'), pkginfo);
  writeFileSync(join(work, 'conf'), '[options]\nArchitecture = auto\nSigLevel = Never\n');
  run('tar', ['cf', 'gamma.pkg.tar', '.PKGINFO', 'usr'], work);
  const where = [
    ...['--config', join(work, 'conf'), '--root', tree, '--dbpath', join(tree, 'var/lib/pacman')],
    ...['--cachedir', work, '--logfile', join(work, 'log')],
  ];
  run('pacman', [...where, '--noconfirm', '-U', '-dd', './gamma.pkg.tar'], work);
  const said = run('pacman', [...where, '-Q'], work)
    .toString()
    .trimEnd()
    .split('\n');
  rmSync(work, { recursive: true });
  return said;
}

/** What `dpkg-query` says of this machine. */
export function dpkgOfThisMachine(): string[] {
  const fields = [
    ...[
      'Package',
      'Version',
      'Architecture',
      'source:Package',
      'source:Version',
      'Installed-Size',
      'Homepage',
    ],
    ...['binary:Summary', 'db:Status-Status'],
  ];
  return run('dpkg-query', ['-W', '-f', `${fields.map((field) => `\${${field}}`).join('|')}\n`], '/')
    .toString()
    .trimEnd()
    .split('\n')
    .filter((line) => line.endsWith('|installed'))
    .map((line) => line.slice(0, -'|installed'.length).trimEnd())
    .sort();
}
