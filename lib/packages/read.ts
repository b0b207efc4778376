// The packages of a system, by the readers that there are.
import { readApk } from './apk';
import { readDpkg } from './dpkg';
import type { Note, Package } from './package';
import { readPacman } from './pacman';
import { readRpm } from './rpm';
import type { SystemFiles } from './system-files';

type Reader = (files: SystemFiles, note?: Note) => Promise<Package[] | undefined>;

/** Readers by libguestfs's names of the formats. */
const readers: ReadonlyMap<string, Reader> = new Map([
  ['deb', readDpkg],
  ['rpm', readRpm],
  ['apk', readApk],
  ['pacman', readPacman],
]);

export function isReadable(format: string): boolean {
  return readers.has(format);
}

/** The database of a system of which it is not known what format it has; of several the one with most packages. */
export async function findDatabase(
  files: SystemFiles,
  note?: Note,
): Promise<{ format: string; packages: Package[] } | undefined> {
  let found: { format: string; packages: Package[] } | undefined;
  for (const format of readers.keys()) {
    const packages = await readPackages(files, format, note);
    if (packages && packages.length > (found?.packages.length ?? 0)) found = { format, packages };
  }
  return found;
}

/**
 * Packages in the order of their names; undefined where there is no database.
 *
 * @param note - is told what the database does not tell of a package
 * @throws BadDatabase
 */
export async function readPackages(
  files: SystemFiles,
  format: string,
  note?: Note,
): Promise<Package[] | undefined> {
  const packages = await readers.get(format)?.(files, note);
  if (packages) noteUnversioned(packages, note);
  return packages?.sort((a, b) => compare(a.name, b.name) || compare(a.arch ?? '', b.arch ?? ''));
}

/** What is installed has a version: a database that does not tell it is cut, or damaged, within what it says of the package. */
function noteUnversioned(packages: readonly Package[], note: Note | undefined): void {
  const [first, ...others] = packages.filter(({ version }) => version === null);
  if (first === undefined) return;
  const what = others.length === 0 ? first.name : `${first.name} and ${others.length} more`;
  note?.(
    `the database of packages does not tell the version of ${what}: it is cut or damaged, and packages may be missing`,
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
