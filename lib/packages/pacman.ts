// The database of pacman, Arch's package manager: a folder for each package.
import {
  BadDatabase,
  bytesIn,
  mostPackages,
  type Note,
  type Package,
  packageOf,
  timeOf,
  versionParts,
} from './package';
import { type SystemFiles, wholeOf } from './system-files';

const configuration = '/etc/pacman.conf';
const usual = '/var/lib/pacman';

/** Bytes of the largest description that is read. */
const most = 2 ** 20;

/** Packages of pacman; undefined where there is no database. @throws BadDatabase */
export async function readPacman(files: SystemFiles, note: Note = () => {}): Promise<Package[] | undefined> {
  const folder = await pacmanFolder(files);
  const names = (await files.list(folder)).filter((name) => name !== 'ALPM_DB_VERSION');
  if (names.length === 0) return undefined;
  if (names.length > mostPackages) throw new BadDatabase(`${folder} has ${names.length} packages`);
  const packages: Package[] = [];
  const undescribed: string[] = [];
  for (const name of names) {
    const file = await files.open(`${folder}/${name}/desc`);
    const content = file && (await wholeOf(file, most));
    const found = content && described(content.toString());
    const known = found ?? namedBy(name);
    if (!known) continue;
    if (!found) undescribed.push(name);
    packages.push(known);
  }
  if (packages.length === 0) throw new BadDatabase(`${folder} does not describe a package`);
  const [first, ...others] = undescribed;
  if (first !== undefined) {
    const what = others.length === 0 ? first : `${first} and ${others.length} more`;
    note(`${folder} does not describe ${what}: nothing but the name and the version is known`);
  }
  return packages;
}

/** Where its configuration says that the packages are. */
export async function pacmanFolder(files: SystemFiles): Promise<string> {
  const file = await files.open(configuration);
  const text = (file && (await wholeOf(file, most)))?.toString() ?? '';
  // What ends a line is taken off without a pattern: one would look at each run of blanks again and again.
  const [, told = usual] = /^[ \t]*DBPath[ \t]*=[ \t]*(\/[^\0\r\n]*)\r?$/m.exec(text) ?? [];
  const folder = told.trimEnd();
  return `${folder}${folder.endsWith('/') ? '' : '/'}local`;
}

/** As pacman itself has it: what is no such folder is none of its own. */
function namedBy(folder: string): Package | undefined {
  const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(folder) ?? [];
  if (name === undefined || version === undefined) return undefined;
  return packageOf({ name, ...versionParts(version) });
}

function described(text: string): Package | undefined {
  const fields = fieldsOf(text);
  const all = (name: string) => fields.get(name) ?? [];
  const get = (name: string) => all(name)[0] ?? null;
  const name = get('NAME');
  if (!name?.trim()) return undefined;
  return packageOf({
    ...{ name, ...versionParts(get('VERSION') ?? ''), arch: get('ARCH'), source: get('BASE') ?? name },
    ...{
      sourceVersion: get('VERSION'),
      vendor: get('PACKAGER'),
      license: all('LICENSE').join(' AND ') || null,
    },
    ...{ installedSize: bytesIn(get('SIZE') ?? undefined), installTime: timeOf(Number(get('INSTALLDATE'))) },
    ...{ url: get('URL'), summary: get('DESC'), depends: all('DEPENDS'), provides: all('PROVIDES') },
  });
}

/** Lines below each `%NAME%`. */
function fieldsOf(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const name = /^%([A-Z0-9_]+)%$/.exec(line)?.[1];
    if (name !== undefined) {
      lines = [];
      fields.set(name, lines);
    } else if (line !== '') lines.push(line);
  }
  return fields;
}
