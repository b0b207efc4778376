// The database of dpkg: one file and what has changed since it was written, or in images without a package manager a folder.
import { BadDatabase, bytesIn, type Package, packageOf, timeOf, versionParts } from './package';
import { isForSeveral, isInstalled, Records, type Stanza, stanzas } from './stanzas';
import { type SystemFiles, wholeOf } from './system-files';

const status = '/var/lib/dpkg/status';
const changes = '/var/lib/dpkg/updates';
const folder = '/var/lib/dpkg/status.d';
const listings = '/var/lib/dpkg/info';

/** Bytes of the largest database that is read: ten times that of a system with everything. */
const most = 128 * 2 ** 20;

/** Changes after which dpkg itself writes its database anew, many times over. */
const mostChanges = 10_000;

/** Packages of dpkg; undefined where there is no database. @throws BadDatabase */
export async function readDpkg(files: SystemFiles): Promise<Package[] | undefined> {
  const records = new Records();
  const whole = await textOf(files, status);
  let isFound = whole !== undefined;
  let isEmpty = (whole ?? '').trim() === '';
  for (const stanza of stanzas(whole ?? '')) records.add(stanza);
  if (isFound)
    for (const text of await changesOf(files)) for (const each of stanzas(text)) records.change(each);
  for (const name of await files.list(folder)) {
    if (name.endsWith('.md5sums')) continue;
    const text = await textOf(files, `${folder}/${name}`);
    isFound ||= text !== undefined;
    isEmpty &&= (text ?? '').trim() === '';
    for (const stanza of stanzas(text ?? '')) records.add(stanza);
  }
  if (!isFound) return undefined;
  const all = records.all();
  if (all.length === 0 && !isEmpty) throw new BadDatabase(`no package is told in ${status}`);
  return await withTimes(files, all.filter(isInstalled));
}

async function textOf(files: SystemFiles, path: string): Promise<string | undefined> {
  const file = await files.open(path);
  if (!file) return undefined;
  const content = await wholeOf(file, most);
  if (!content) throw new BadDatabase(`${path} has ${file.size} bytes, which no database of dpkg has`);
  return content.toString();
}

/** What dpkg was doing when it was interrupted, or the machine stopped: it counts, as for dpkg itself. */
async function changesOf(files: SystemFiles): Promise<string[]> {
  const names = (await files.list(changes)).filter((name) => /^\d+$/.test(name)).sort();
  if (names.length > mostChanges) throw new BadDatabase(`${changes} has ${names.length} files`);
  const texts: string[] = [];
  let length = 0;
  for (const name of names) {
    const text = (await textOf(files, `${changes}/${name}`)) ?? '';
    length += text.length;
    if (length > most) throw new BadDatabase(`${changes} has more than any database of dpkg`);
    texts.push(text);
  }
  return texts;
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
async function withTimes(files: SystemFiles, installed: readonly Stanza[]): Promise<Package[]> {
  const found = await timesOf(files, installed.map(likelyListing));
  // What is not there costs most: a folder without an index is searched from end to end.
  const others = installed.filter((each) => !found.has(likelyListing(each))).map(otherListing);
  const foundToo = await timesOf(files, others);
  return installed.map((each) => {
    const time = found.get(likelyListing(each)) ?? foundToo.get(otherListing(each));
    return { ...described(each), installTime: time === undefined ? null : timeOf(time) };
  });
}

const timesOf = (files: SystemFiles, names: readonly string[]) =>
  files.times(
    listings,
    names.filter((name) => !name.includes('/')),
  );

const listing = (each: Stanza) => `${each.get('package')}.list`;
const listingOfArch = (each: Stanza) => `${each.get('package')}:${each.get('architecture')}.list`;

/** The name of the list as dpkg writes it now, and as older ones, or other tools, may have. */
const likelyListing = (each: Stanza) => (isForSeveral(each) ? listingOfArch(each) : listing(each));
const otherListing = (each: Stanza) => (isForSeveral(each) ? listing(each) : listingOfArch(each));
