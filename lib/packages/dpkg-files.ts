// Files of packages of dpkg: a list for each package, and checksums (MD5) of those that are no configuration.

import { BadDatabase } from './package';
import type { FilesOfPackage } from './package-file';
import { type SystemFiles, wholeOf } from './system-files';

const folder = '/var/lib/dpkg/info';
const other = '/var/lib/dpkg/status.d';
const diversions = '/var/lib/dpkg/diversions';
const overrides = '/var/lib/dpkg/statoverride';

/** Bytes of the longest list that is read, 500 000 files, and of what somebody has said by hand. */
const many = 64 * 2 ** 20;
const few = 2 ** 20;

export async function* readDpkgFiles(files: SystemFiles): AsyncGenerator<FilesOfPackage> {
  const names = new Set(await files.list(folder));
  const local = new LocalWords(await textOf(files, diversions, few), await textOf(files, overrides, few));
  for (const name of names) {
    if (!name.endsWith('.list')) continue;
    const own = name.slice(0, -'.list'.length);
    const paths = linesOf(await textOf(files, `${folder}/${name}`)).filter((path) => path !== '/.');
    const sums = names.has(`${own}.md5sums`)
      ? sumsIn(await textOf(files, `${folder}/${own}.md5sums`))
      : new Map();
    yield filesOf(own, paths, sums, local);
  }
  // Images without a package manager have checksums only.
  for (const name of await files.list(other)) {
    if (!name.endsWith('.md5sums')) continue;
    const sums = sumsIn(await textOf(files, `${other}/${name}`));
    yield filesOf(name.slice(0, -'.md5sums'.length), [...sums.keys()], sums, local);
  }
}

function filesOf(
  name: string,
  paths: readonly string[],
  sums: ReadonlyMap<string, string>,
  local: LocalWords,
): FilesOfPackage {
  const [own = '', arch = null] = name.split(':');
  // Folders are listed too; one that is not empty is told by what lies in it.
  const folders = new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/'))));
  const listed = paths.filter((path) => !folders.has(path));
  const files = listed.map((path) => {
    const value = sums.get(path);
    const digest = value === undefined ? null : { algorithm: 'md5' as const, value };
    return { path: local.placeOf(path, own), mode: local.modeOf(path), digest };
  });
  return { name: own, arch, version: null, files };
}

/** What dpkg was told of files otherwise than their packages have it: other places, other permissions. */
class LocalWords {
  readonly #diversions: ReadonlyMap<string, { readonly to: string; readonly by: string }>;
  readonly #modes: ReadonlyMap<string, number>;

  constructor(diverted: string, overridden: string) {
    const lines = diverted.split('\n');
    // The place, where it is instead, and the package whose file takes the place.
    this.#diversions = new Map(
      lines.flatMap((from, at) => {
        const [to, by] = [lines[at + 1], lines[at + 2]];
        return at % 3 === 0 && to?.startsWith('/') && by ? [[from, { to, by }] as const] : [];
      }),
    );
    // `root messagebus 4754 /usr/lib/dbus-1.0/dbus-daemon-launch-helper`
    this.#modes = new Map(
      overridden.split('\n').flatMap((line) => {
        const [, mode, path] = /^\S+ \S+ ([0-7]{1,5}) (\/.+)$/.exec(line) ?? [];
        return mode && path ? [[unmerged(path), Number.parseInt(mode, 8) & 0o7777] as const] : [];
      }),
    );
  }

  placeOf(path: string, name: string): string {
    const found = this.#diversions.get(path);
    return found && found.by !== name ? found.to : path;
  }

  modeOf(path: string): number | null {
    return this.#modes.get(unmerged(path)) ?? null;
  }
}

/** A path by the name that it has where `/bin` and `/usr/bin` are two. */
const unmerged = (path: string) => path.replace(/^\/usr(?=\/(?:s?bin|lib\w*)\/)/, '');

const linesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('/'));

/** `d41d8cd98f00b204e9800998ecf8427e  usr/bin/true` */
function sumsIn(text: string): Map<string, string> {
  const lines = text.split('\n').flatMap((line): [string, string][] => {
    const [, sum, path] = /^([\da-f]{32}) [ *](.+)$/.exec(line) ?? [];
    return sum === undefined || path === undefined ? [] : [[`/${path.replace(/^(?:\.?\/)+/, '')}`, sum]];
  });
  return new Map(lines);
}

async function textOf(files: SystemFiles, path: string, most = many): Promise<string> {
  const file = await files.open(path);
  if (!file) return '';
  const content = await wholeOf(file, most);
  if (!content) throw new BadDatabase(`${path} has ${file.size} bytes, which no list of dpkg has`);
  return content.toString();
}
