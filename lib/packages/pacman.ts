// The database of pacman, Arch's package manager: a folder for each package.
import { BadDatabase, bytesIn, type Package, packageOf, timeOf, versionParts } from './package';
import { type SystemFiles, wholeOf } from './system-files';

const folder = '/var/lib/pacman/local';

/** Bytes of the largest description that is read. */
const most = 2 ** 20;

const mostPackages = 200_000;

/** Packages of pacman; undefined where there is no database. @throws BadDatabase */
export async function readPacman(files: SystemFiles): Promise<Package[] | undefined> {
  const names = (await files.list(folder)).filter((name) => name !== 'ALPM_DB_VERSION');
  if (names.length === 0) return undefined;
  if (names.length > mostPackages) throw new BadDatabase(`${folder} has ${names.length} packages`);
  const packages: Package[] = [];
  for (const name of names) {
    const file = await files.open(`${folder}/${name}/desc`);
    const content = file && (await wholeOf(file, most));
    const found = content && described(content.toString());
    if (!found) throw new BadDatabase(`${folder}/${name}/desc does not describe a package`);
    packages.push(found);
  }
  return packages;
}

function described(text: string): Package | undefined {
  const fields = fieldsOf(text);
  const all = (name: string) => fields.get(name) ?? [];
  const get = (name: string) => all(name)[0] ?? null;
  const name = get('NAME');
  if (name === null) return undefined;
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
