// Files of packages of pacman: a list for each, and a table in the format of mtree(5), packed by gzip.
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { nameOf } from '../text/bytes';
import { BadDatabase } from './package';
import type { FilesOfPackage, PackageFile } from './package-file';
import { pacmanFolder } from './pacman';
import { type SystemFiles, wholeOf } from './system-files';

/** Bytes of the largest table, packed and unpacked. */
const mostPacked = 32 * 2 ** 20;
const most = 128 * 2 ** 20;

export async function* readPacmanFiles(files: SystemFiles): AsyncGenerator<FilesOfPackage> {
  const folder = await pacmanFolder(files);
  for (const name of await files.list(folder)) {
    const [, own, version] = /^(.+)-([^-]+-[^-]+)$/.exec(name) ?? [];
    if (own === undefined || version === undefined) continue;
    const table = await contentOf(files, `${folder}/${name}/mtree`);
    const found = table
      ? mtreeFiles(await unpacked(table, `${folder}/${name}`))
      : await listed(files, `${folder}/${name}`);
    yield { name: own, version, arch: null, files: found };
  }
}

async function listed(files: SystemFiles, folder: string): Promise<PackageFile[]> {
  const text = (await contentOf(files, `${folder}/files`))?.toString() ?? '';
  const [, list = ''] = /^%FILES%\n((?:.+\n?)*)/m.exec(text) ?? [];
  const paths = list.split('\n').filter((path) => path !== '' && !path.endsWith('/'));
  return paths.map((path) => ({ path: `/${path}`, mode: null, digest: null }));
}

async function unpacked(table: Buffer, folder: string): Promise<string> {
  try {
    return (await promisify(gunzip)(table, { maxOutputLength: most })).toString('latin1');
  } catch {
    throw new BadDatabase(`${folder}/mtree cannot be unpacked`);
  }
}

/** Entries of a table; `/set` says what holds for all that follow. */
export function mtreeFiles(text: string): PackageFile[] {
  let common: ReadonlyMap<string, string> = new Map();
  const found: PackageFile[] = [];
  for (const line of text.split('\n')) {
    const [name = '', ...words] = line.split(' ');
    const own = new Map(words.map((word) => word.split(/=(.*)/s, 2) as [string, string]));
    if (name === '/set') common = new Map([...common, ...own]);
    else if (name.startsWith('./') && !/^\.\/\.[A-Z]+$/.test(name))
      found.push(...fileOf(name, new Map([...common, ...own])));
  }
  return found;
}

function fileOf(name: string, facts: ReadonlyMap<string, string>): PackageFile[] {
  if (facts.get('type') !== 'file') return [];
  const path = name
    .slice(1)
    .replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  const mode = Number.parseInt(facts.get('mode') ?? '', 8);
  const [sha256, md5] = ['sha256digest', 'md5digest'].map((each) => facts.get(each)?.toLowerCase());
  const digest = sha256
    ? { algorithm: 'sha256' as const, value: sha256 }
    : md5
      ? { algorithm: 'md5' as const, value: md5 }
      : null;
  const isSum = digest !== null && /^(?:[\da-f]{32}|[\da-f]{64})$/.test(digest.value);
  return [
    {
      path: nameOf(Buffer.from(path, 'latin1')),
      mode: Number.isNaN(mode) ? null : mode & 0o7777,
      digest: isSum ? digest : null,
    },
  ];
}

async function contentOf(files: SystemFiles, path: string): Promise<Buffer | undefined> {
  const file = await files.open(path);
  if (!file) return undefined;
  const content = await wholeOf(file, mostPacked);
  if (!content) throw new BadDatabase(`${path} has ${file.size} bytes, which no list of pacman has`);
  return content;
}
