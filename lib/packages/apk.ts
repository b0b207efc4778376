// The database of apk, Alpine's package manager: fields of one letter, packages apart by empty lines.
import { BadDatabase, bytesIn, mostPackages, type Package, packageOf } from './package';
import { type SystemFiles, wholeOf } from './system-files';

/** apk-tools 3 has it in `/usr`. */
const places = ['/lib/apk/db/installed', '/usr/lib/apk/db/installed'];

const most = 128 * 2 ** 20;

/** Packages of apk; undefined where there is no database. @throws BadDatabase */
export async function readApk(files: SystemFiles): Promise<Package[] | undefined> {
  const text = await apkDatabase(files);
  if (text === undefined) return undefined;
  const parts = text.split(/\n\s*\n/, mostPackages + 1);
  if (parts.length > mostPackages) throw new BadDatabase('more packages of apk than any distribution has');
  const packages = parts.flatMap(described);
  if (packages.length === 0 && text.trim() !== '')
    throw new BadDatabase('no package is told in the database of apk');
  return packages;
}

/** Text of the database; undefined where there is none. @throws BadDatabase */
export async function apkDatabase(files: SystemFiles): Promise<string | undefined> {
  for (const place of places) {
    const file = await files.open(place);
    if (!file) continue;
    const content = await wholeOf(file, most);
    if (!content) throw new BadDatabase(`${place} has ${file.size} bytes, which no database of apk has`);
    return content.toString();
  }
  return undefined;
}

function described(stanza: string): Package[] {
  const fields = new Map<string, string>();
  for (const [, letter = '', value = ''] of stanza.matchAll(/^([A-Za-z]):(.*)$/gm))
    if (!fields.has(letter)) fields.set(letter, value);
  const get = (letter: string) => fields.get(letter) || null;
  const name = get('P');
  if (!name?.trim()) return [];
  const full = fields.get('V') ?? '';
  const [, version = full, release = null] = /^(.*)-(r\d+)$/.exec(full) ?? [];
  const words = (letter: string) => (fields.get(letter) ?? '').split(' ').filter((word) => word !== '');
  return [
    packageOf({
      ...{ name, version: version || null, release, arch: get('A'), source: get('o') ?? name },
      ...{
        sourceVersion: full || null,
        vendor: get('m'),
        license: get('L'),
        url: get('U'),
        summary: get('T'),
      },
      ...{ installedSize: bytesIn(fields.get('I')), depends: words('D'), provides: words('p') },
      // The tag of the repository that the package was asked of.
      origin: get('s'),
    }),
  ];
}
