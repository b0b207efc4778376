// Files of packages of dpkg: a list for each package, and checksums (MD5) of those that are no configuration.

import { BadDatabase } from './package';
import type { FilesOfPackage } from './package-file';
import { type SystemFiles, wholeOf } from './system-files';

const folder = '/var/lib/dpkg/info';
const other = '/var/lib/dpkg/status.d';

/** Bytes of the longest list that is read: 500 000 files. */
const most = 64 * 2 ** 20;

export async function* readDpkgFiles(files: SystemFiles): AsyncGenerator<FilesOfPackage> {
  const names = new Set(await files.list(folder));
  for (const name of names) {
    if (!name.endsWith('.list')) continue;
    const own = name.slice(0, -'.list'.length);
    const paths = linesOf(await textOf(files, `${folder}/${name}`)).filter((path) => path !== '/.');
    const sums = names.has(`${own}.md5sums`)
      ? sumsIn(await textOf(files, `${folder}/${own}.md5sums`))
      : new Map();
    yield filesOf(own, paths, sums);
  }
  // Images without a package manager have checksums only.
  for (const name of await files.list(other)) {
    if (!name.endsWith('.md5sums')) continue;
    const sums = sumsIn(await textOf(files, `${other}/${name}`));
    yield filesOf(name.slice(0, -'.md5sums'.length), [...sums.keys()], sums);
  }
}

function filesOf(name: string, paths: readonly string[], sums: ReadonlyMap<string, string>): FilesOfPackage {
  const [own = '', arch = null] = name.split(':');
  // Folders are listed too; one that is not empty is told by what lies in it.
  const folders = new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/'))));
  const listed = paths.filter((path) => !folders.has(path));
  const files = listed.map((path) => {
    const value = sums.get(path);
    return { path, mode: null, digest: value === undefined ? null : { algorithm: 'md5' as const, value } };
  });
  return { name: own, arch, version: null, files };
}

const linesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('/'));

/** `d41d8cd98f00b204e9800998ecf8427e  usr/bin/true` */
function sumsIn(text: string): Map<string, string> {
  const lines = text.split('\n').flatMap((line): [string, string][] => {
    const [, sum, path] = /^([\da-f]{32}) [ *](.+)$/.exec(line) ?? [];
    return sum === undefined || path === undefined ? [] : [[`/${path.replace(/^(?:\.?\/)+/, '')}`, sum]];
  });
  return new Map(lines);
}

async function textOf(files: SystemFiles, path: string): Promise<string> {
  const file = await files.open(path);
  if (!file) return '';
  const content = await wholeOf(file, most);
  if (!content) throw new BadDatabase(`${path} has ${file.size} bytes, which no list of dpkg has`);
  return content.toString();
}
