/** Files of packages: as their managers list them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type FilesOfPackage, packageFiles } from '../../lib/packages/files';
import { BadDatabase } from '../../lib/packages/package';
import { mtreeFiles } from '../../lib/packages/pacman-files';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { HostFiles } from '../support/host-files';
import { pacmanTree, rpmTree } from '../support/package-trees';

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

async function filesOf(tree: string, format: string): Promise<FilesOfPackage[]> {
  const found: FilesOfPackage[] = [];
  for await (const each of packageFiles(new HostFiles(tree), format)) found.push(each);
  return found;
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(folder.file(path)), { recursive: true });
  writeFileSync(folder.file(path), content);
}

test('of RPM are those that rpm lists, with their permissions and checksums', async () => {
  const tree = folder.file('rpm');
  rpmTree(tree);
  const format = '[%{=NAME}|%{=ARCH}|%{FILENAMES}|%{FILEMODES:octal}|%{FILEDIGESTS}\n]';
  const told = execFileSync('rpm', ['--root', tree, '--dbpath', '/var/lib/rpm', '-qa', '--qf', format], {
    encoding: 'utf8',
  });

  const regular = told.split('\n').filter((line) => /\|10[0-7]{4}\|/.test(line));
  const found = (await filesOf(tree, 'rpm')).flatMap(({ name, arch, files }) =>
    files.map(({ path, mode, digest }) =>
      [name, arch, path, (0o100000 | (mode ?? 0)).toString(8), digest?.value].join('|'),
    ),
  );
  expect(regular).toHaveLength(400);
  expect(found.sort()).toEqual(regular.sort());
});

test('of dpkg are those of this machine, with the checksums that they have', async () => {
  const found = await filesOf('/', 'deb');
  const listed = execFileSync('dpkg-query', ['--listfiles', 'coreutils'], { encoding: 'utf8' }).split('\n');
  const coreutils = found.find(({ name }) => name === 'coreutils');
  expect(listed).toEqual(expect.arrayContaining(coreutils?.files.map(({ path }) => path) ?? ['none']));
  const file = coreutils?.files.find(({ path }) => path.endsWith('/bin/true'));
  const content = readFileSync(file?.path ?? '');
  expect(file?.digest).toEqual({ algorithm: 'md5', value: createHash('md5').update(content).digest('hex') });
  // Folders are none, and configuration has no checksum.
  expect(coreutils?.files.some(({ path }) => path === '/usr' || path === '/bin')).toBe(false);
});

test('of images without a package manager are those with checksums', async () => {
  const sum = 'd41d8cd98f00b204e9800998ecf8427e';
  write('status.d/var/lib/dpkg/status.d/base.md5sums', `${sum}  etc/a b\n${sum}  ./usr/c\nnonsense\n`);
  expect(await filesOf(folder.file('status.d'), 'deb')).toMatchObject([
    { name: 'base', files: [{ path: '/etc/a b', digest: { value: sum } }, { path: '/usr/c' }] },
  ]);
});

test('of apk stand in its database', async () => {
  write(
    'apk/lib/apk/db/installed',
    'P:a\nV:1-r0\nA:x86_64\nF:\nR:top\nF:bin\nM:0:0:755\nR:su\na:0:0:4755\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nR:x\nZ:Q1short\n\nP:b\nV:1-r0\n',
  );
  expect(await filesOf(folder.file('apk'), 'apk')).toEqual([
    {
      ...{ name: 'a', version: '1-r0', arch: 'x86_64' },
      files: [
        { path: '/top', mode: 0o644, digest: null },
        { path: '/bin/su', mode: 0o4755, digest: { algorithm: 'sha1', value: '0'.repeat(40) } },
        { path: '/bin/x', mode: 0o644, digest: null },
      ],
    },
    { name: 'b', version: '1-r0', arch: null, files: [] },
  ]);
});

test('of pacman are listed, and stand in its tables with permissions', async () => {
  const tree = folder.file('pacman');
  pacmanTree(tree);
  const [found] = await filesOf(tree, 'pacman');
  expect(found).toMatchObject({ name: 'gamma', version: '1:2.0.1-3' });
  const sum = 'a'.repeat(64);
  const table = `#mtree\n/set type=file uid=0 gid=0 mode=644\n./.PKGINFO time=1.0 size=3\n./usr time=1.0 mode=755 type=dir\n./usr/a\\040b time=1.0 mode=4755 size=1 sha256digest=${sum}\n./usr/l type=link link=a\n./usr/c\n`;
  const expected = [
    { path: '/usr/a b', mode: 0o4755, digest: { algorithm: 'sha256', value: sum } },
    { path: '/usr/c', mode: 0o644, digest: null },
  ];
  expect(mtreeFiles(table)).toEqual(expected);
  write('table/var/lib/pacman/local/x-1-1/mtree', gzipSync(table));
  expect((await filesOf(folder.file('table'), 'pacman'))[0]?.files).toEqual(expected);
  write('bad/var/lib/pacman/local/x-1-1/mtree', 'no gzip');
  await expect(filesOf(folder.file('bad'), 'pacman')).rejects.toThrow(BadDatabase);
  // A table that is small while it is packed.
  write('bomb/var/lib/pacman/local/x-1-1/mtree', gzipSync(Buffer.alloc(200 * 2 ** 20)));
  await expect(filesOf(folder.file('bomb'), 'pacman')).rejects.toThrow(BadDatabase);
});

test('of dpkg are where they were diverted to, and have the permissions that were said instead', async () => {
  const info = 'diverted/var/lib/dpkg/info';
  write(`${info}/dash.list`, '/.\n/bin\n/bin/sh\n/bin/dash\n/usr/lib/helper\n');
  write(`${info}/dash.md5sums`, `${'a'.repeat(32)}  bin/sh\n`);
  write(`${info}/bash.list`, '/.\n/bin\n/bin/sh\n/bin/ls\n');
  write(
    'diverted/var/lib/dpkg/diversions',
    '/bin/sh\n/bin/sh.distrib\nbash\n/bin/ls\n/bin/ls.real\n:\n/bin/odd\n',
  );
  write(
    'diverted/var/lib/dpkg/statoverride',
    'root messagebus 4754 /lib/helper\nroot root 0755 /bin/dash\nroot root x /bin/ls\n',
  );
  const found = await filesOf(folder.file('diverted'), 'deb');
  const told = Object.fromEntries(found.map(({ name, files }) => [name, files]));
  expect(told.dash).toEqual([
    { path: '/bin/sh.distrib', mode: null, digest: { algorithm: 'md5', value: 'a'.repeat(32) } },
    { path: '/bin/dash', mode: 0o755, digest: null },
    { path: '/usr/lib/helper', mode: 0o4754, digest: null },
  ]);
  expect(told.bash?.map(({ path }) => path)).toEqual(['/bin/sh', '/bin/ls.real']);
  // As dpkg itself says it.
  const truename = (path: string, ...as: string[]) =>
    execFileSync(
      'dpkg-divert',
      ['--admindir', folder.file('diverted/var/lib/dpkg'), ...as, '--truename', path],
      {
        encoding: 'utf8',
      },
    ).trim();
  write('diverted/var/lib/dpkg/diversions', '/bin/sh\n/bin/sh.distrib\nbash\n/bin/ls\n/bin/ls.real\n:\n');
  expect([truename('/bin/sh'), truename('/bin/ls')]).toEqual(['/bin/sh.distrib', '/bin/ls.real']);
});
