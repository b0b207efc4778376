// The database of dpkg: one file, or in images without a package manager a folder of them.
import { BadDatabase, bytesIn, type Package, packageOf, timeOf, versionParts } from './package';
import { type SystemFiles, wholeOf } from './system-files';

const status = '/var/lib/dpkg/status';
const folder = '/var/lib/dpkg/status.d';
const listings = '/var/lib/dpkg/info';

/** Bytes of the largest database that is read: ten times that of a system with everything. */
const most = 128 * 2 ** 20;

/** Packages of dpkg; undefined where there is no database. @throws BadDatabase */
export async function readDpkg(files: SystemFiles): Promise<Package[] | undefined> {
  const texts = [await textOf(files, status)];
  for (const name of await files.list(folder))
    if (!name.endsWith('.md5sums')) texts.push(await textOf(files, `${folder}/${name}`));
  const found = texts.filter((text) => text !== undefined);
  if (found.length === 0) return undefined;
  const packages = found.flatMap((text) => [...stanzas(text)].filter(isInstalled).map(described));
  if (packages.length === 0 && found.some((text) => text.trim() !== ''))
    throw new BadDatabase(`no package is told in ${status}`);
  return await withTimes(files, packages);
}

async function textOf(files: SystemFiles, path: string): Promise<string | undefined> {
  const file = await files.open(path);
  if (!file) return undefined;
  const content = await wholeOf(file, most);
  if (!content) throw new BadDatabase(`${path} has ${file.size} bytes, which no database of dpkg has`);
  return content.toString();
}

type Stanza = ReadonlyMap<string, string>;

/** Fields of each stanza, their names in small letters, and lines that go on joined by line breaks. */
export function* stanzas(text: string): Generator<Stanza> {
  let fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
      last = undefined;
    } else if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
    } else {
      const colon = line.indexOf(':');
      last = colon > 0 ? line.slice(0, colon).toLowerCase() : undefined;
      if (last !== undefined) fields.set(last, line.slice(colon + 1).trim());
    }
  }
  if (fields.size > 0) yield fields;
}

/** States of packages whose files are there. Without a word on it the package is part of the image. */
const states: ReadonlySet<string> = new Set([
  ...['installed', 'triggers-pending', 'triggers-awaited', 'half-configured', 'unpacked'],
]);

function isInstalled(fields: Stanza): boolean {
  const [, , state] = fields.get('status')?.split(/\s+/) ?? ['', '', 'installed'];
  return Boolean(fields.get('package')) && states.has(state ?? '');
}

function described(fields: Stanza): Package {
  const get = (name: string) => fields.get(name) || null;
  const version = get('version');
  const [, source = null, sourceVersion = null] =
    /^(\S+)(?:\s+\((.+)\))?/.exec(fields.get('source') ?? '') ?? [];
  const [summary = '', ...lines] = (fields.get('description') ?? '').split('\n');
  return packageOf({
    name: fields.get('package') as string,
    ...versionParts(version ?? ''),
    arch: get('architecture'),
    // Where it is not told they are those of the package itself.
    source: source ?? fields.get('package') ?? null,
    sourceVersion: sourceVersion ?? version,
    vendor: get('maintainer'),
    installedSize: bytesIn(fields.get('installed-size'), 1024),
    ...{ origin: get('origin'), url: get('homepage') },
    summary: summary || null,
    description: lines.map((line) => (line === '.' ? '' : line)).join('\n') || null,
    depends: [...alternatives(fields.get('pre-depends')), ...alternatives(fields.get('depends'))],
    provides: alternatives(fields.get('provides')),
  });
}

function alternatives(text = ''): string[] {
  return text
    .split(',')
    .map((each) => each.trim().replace(/\s+/g, ' '))
    .filter((each) => each !== '');
}

/** The list of a package's files is written when it is installed. */
async function withTimes(files: SystemFiles, packages: readonly Package[]): Promise<Package[]> {
  const names = packages.flatMap(({ name, arch }) => [`${name}.list`, `${name}:${arch}.list`]);
  const times = await files.times(
    listings,
    names.filter((name) => !name.includes('/')),
  );
  return packages.map((each) => {
    const time = times.get(`${each.name}:${each.arch}.list`) ?? times.get(`${each.name}.list`);
    return { ...each, installTime: time === undefined ? null : timeOf(time) };
  });
}
