// The database of RPM, of any of its kinds.
import { headersInBerkeley, isBerkeley } from './berkeley';
import { headersInNdb, isNdb } from './ndb';
import { BadDatabase, mostPackages, type Package } from './package';
import { packageIn } from './rpm-header';
import { isSqlite, Sqlite } from './sqlite';
import type { SystemFile, SystemFiles } from './system-files';

/** Where distributions have it; the second is what image-based systems have. */
const folders = ['/usr/lib/sysimage/rpm', '/usr/share/rpm', '/var/lib/rpm'];

const names = ['rpmdb.sqlite', 'Packages.db', 'Packages'];

/** Bytes of all headers that are read, and characters of what is kept of them: headers may lie in one another. */
const mostBytes = 4 * 2 ** 30;
const mostKept = 256 * 2 ** 20;

/** Packages of RPM; undefined where there is no database. @throws BadDatabase */
export async function readRpm(files: SystemFiles): Promise<Package[] | undefined> {
  let empty: Package[] | undefined;
  for (const name of names) {
    for (const folder of folders) {
      const path = `${folder}/${name}`;
      const file = await files.open(path);
      if (!file || file.size === 0) continue;
      const packages = await packagesIn(file, await files.open(`${path}-wal`));
      // A newer kind beside the old one may have been made and never used.
      if (packages.length > 0) return packages;
      empty ??= packages;
    }
  }
  return empty;
}

/** Headers of all packages, from the database in which there are some. @throws BadDatabase */
export async function* rpmHeaders(files: SystemFiles): AsyncGenerator<Buffer> {
  for (const name of names) {
    for (const folder of folders) {
      const path = `${folder}/${name}`;
      const file = await files.open(path);
      if (!file || file.size === 0) continue;
      const log = await files.open(`${path}-wal`);
      let left = Math.min(file.size + (log?.size ?? 0), mostBytes);
      let isEmpty = true;
      for await (const header of headersIn(file, log)) {
        isEmpty = false;
        left -= header.length;
        if (left < 0) throw new BadDatabase('more packages of RPM than their database can hold');
        yield header;
      }
      if (!isEmpty) return;
    }
  }
}

async function packagesIn(file: SystemFile, log: SystemFile | undefined): Promise<Package[]> {
  const packages: Package[] = [];
  // None can be larger than what it lies in.
  let left = Math.min(file.size + (log?.size ?? 0), mostBytes);
  let kept = 0;
  for await (const header of headersIn(file, log)) {
    const found = packageIn(header);
    packages.push(found);
    left -= header.length;
    kept += charactersOf(found);
    if (packages.length > mostPackages || left < 0 || kept > mostKept)
      throw new BadDatabase('more packages of RPM than their database can hold');
  }
  return packages;
}

function charactersOf(found: Package): number {
  const lengths = Object.values(found).map((value) =>
    Array.isArray(value) ? value.reduce((sum, each) => sum + each.length, 0) : String(value).length,
  );
  return lengths.reduce((sum, each) => sum + each, 0);
}

async function* headersIn(file: SystemFile, log: SystemFile | undefined): AsyncGenerator<Buffer> {
  try {
    yield* headersByKind(file, log);
  } catch (error) {
    // A file may give less than it says it has, at any place.
    throw isBeyondEnd(error) ? new BadDatabase('a database of RPM that ends too early') : error;
  }
}

async function* headersByKind(file: SystemFile, log: SystemFile | undefined): AsyncGenerator<Buffer> {
  const head = await file.read(0, 512);
  if (isSqlite(head)) yield* headersInSqlite(file, log);
  else if (isNdb(head)) yield* headersInNdb(file);
  else if (isBerkeley(head)) yield* headersInBerkeley(file);
  else throw new BadDatabase('a database of RPM of a kind that is not known');
}

/** Whether a number was read from where a buffer has no bytes. */
function isBeyondEnd(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ERR_OUT_OF_RANGE' || code === 'ERR_BUFFER_OUT_OF_BOUNDS';
}

async function* headersInSqlite(file: SystemFile, log: SystemFile | undefined): AsyncGenerator<Buffer> {
  const database = await Sqlite.open(file, log);
  for await (const [, header] of database.rows('Packages')) {
    if (!Buffer.isBuffer(header)) throw new BadDatabase('a row of RPM without a header');
    yield header;
  }
}
