// How long the packages of a system with 20,000 of them take, once its appliance is there: by our readers, and by
// libguestfs's own listing. `npm run bench -- packages [COUNT]`
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Guestfs } from 'guestfs';

const require = createRequire(import.meta.url);
const { readPackages } = require('../dist/packages/read.js');
const { GuestFiles } = require('../dist/packages/system-files.js');

const count = Number(process.argv[2] ?? 20_000);
const rounds = 3;
const systems = { deb: debian, rpm: fedora };

const folder = mkdtempSync(join(tmpdir(), 'guestfs-bench-'));
try {
  console.table(await measured());
} finally {
  rmSync(folder, { recursive: true });
}

async function measured() {
  const g = new Guestfs();
  try {
    for (const [format, make] of Object.entries(systems))
      await g.addDrive(image(format, make), { format: 'raw', readonly: true });
    await g.launch();
    const rows = {};
    for (const root of await g.inspectOs()) {
      const format = await g.inspectGetPackageFormat(root);
      await g.mountRo(root, '/');
      rows[`${format}, ${count} packages`] = {
        'own reader': await best(() => readPackages(new GuestFiles(g), format)),
        libguestfs: await best(() => g.inspectListApplications2(root)),
      };
      await g.umountAll();
    }
    return rows;
  } finally {
    await g.close();
  }
}

/** Seconds of the quickest round, and how many packages were told. */
async function best(list) {
  let [seconds, told] = [Number.POSITIVE_INFINITY, 0];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    try {
      told = (await list()).length;
    } catch (error) {
      return error.code;
    }
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  return `${seconds.toFixed(2)} s, ${told} told`;
}

function image(format, make) {
  const [tree, path] = [join(folder, format), join(folder, `${format}.img`)];
  for (const each of ['etc', 'bin', 'home', 'usr', 'var/lib'])
    mkdirSync(join(tree, each), { recursive: true });
  writeFileSync(join(tree, 'etc/fstab'), '');
  make(tree);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-N', String(2 * count + 1000), '-d', tree, path, '512M']);
  return path;
}

function debian(tree) {
  const info = join(tree, 'var/lib/dpkg/info');
  mkdirSync(info, { recursive: true });
  writeFileSync(join(tree, 'etc/os-release'), 'ID=debian\nVERSION_ID="12"\n');
  writeFileSync(join(tree, 'etc/debian_version'), '12.5\n');
  const stanzas = Array.from({ length: count }, (_, number) => {
    const name = `package-${String(number).padStart(5, '0')}`;
    writeFileSync(join(info, `${name}.list`), '/.\n');
    return `Package: ${name}
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 1024
Maintainer: Somebody <somebody@example.org>
Architecture: amd64
Source: source-${number >> 2}
Version: 1:2.${number}-3+deb12u1
Depends: ${Array.from({ length: 12 }, (_, other) => `package-${String((number + other) % count).padStart(5, '0')} (>= 1)`).join(', ')}
Description: a package
${' Words that say what it is for.\n'.repeat(16)}Homepage: https://example.org/${name}
`;
  });
  writeFileSync(join(tree, 'var/lib/dpkg/status'), stanzas.join('\n'));
}

function fedora(tree) {
  mkdirSync(join(tree, 'var/lib/rpm'), { recursive: true });
  writeFileSync(join(tree, 'etc/os-release'), 'ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n');
  writeFileSync(join(tree, 'etc/fedora-release'), 'Fedora release 40 (Forty)\n');
  const script = fileURLToPath(new URL('../test/support/rpm-database.py', import.meta.url));
  execFileSync('python3', [script, join(tree, 'var/lib/rpm/rpmdb.sqlite'), String(count), '1000']);
}
