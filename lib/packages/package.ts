/** A package as the database of its system describes it. What the database does not tell is null. */
export interface Package {
  readonly name: string;
  /** Epoch of the version; 0 where there is none. */
  readonly epoch: number;
  /** Version without epoch and release. */
  readonly version: string | null;
  /** Release, what stands behind the version: `'3+deb12u1'`, `'r2'`. */
  readonly release: string | null;
  /** Architecture in the words of the package manager. */
  readonly arch: string | null;
  /** Source package, and its version where it is told. */
  readonly source: string | null;
  readonly sourceVersion: string | null;
  /** Who has made the package. */
  readonly vendor: string | null;
  /** Licence in the words of the package. */
  readonly license: string | null;
  /** Bytes that it takes once it is installed. */
  readonly installedSize: number | null;
  /** Time of its installation, ISO 8601. */
  readonly installTime: string | null;
  /** Where it comes from: a distribution or a repository. */
  readonly origin: string | null;
  readonly url: string | null;
  readonly summary: string | null;
  readonly description: string | null;
  /** RPM's label of the module that it belongs to. */
  readonly module: string | null;
  /** What it depends on, in the words of its package manager. */
  readonly depends: readonly string[];
  /** What others may call it. */
  readonly provides: readonly string[];
}

/** A package of which nothing is told but this. */
export function packageOf(told: Pick<Package, 'name'> & Partial<Package>): Package {
  return {
    ...{ epoch: 0, version: null, release: null, arch: null, source: null, sourceVersion: null },
    ...{ vendor: null, license: null, installedSize: null, installTime: null, origin: null, url: null },
    ...{ summary: null, description: null, module: null, depends: [], provides: [] },
    ...told,
  };
}

/** Packages of the largest system that is read: no distribution has so many. */
export const mostPackages = 200_000;

/** Tells what a database does not tell of one of its packages. */
export type Note = (message: string) => void;

/** A database of packages that is not what it should be. */
export class BadDatabase extends Error {}

/** Parts of a version `EPOCH:VERSION-RELEASE`; the release is what follows the last hyphen. */
export function versionParts(text: string): Pick<Package, 'epoch' | 'version' | 'release'> {
  const [, epoch = '0', rest = ''] = /^(?:(\d{1,9}):)?([\s\S]*)$/.exec(text) ?? [];
  const at = rest.lastIndexOf('-');
  const [version, release] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at + 1)];
  return { epoch: Number(epoch), version: version || null, release: release || null };
}

/** Time of so many seconds since 1970; null where there is no such time. */
export function timeOf(seconds: number): string | null {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) || seconds <= 0 ? null : date.toISOString();
}

/** A number that a database writes as text, as bytes: `'1024'`; null where it is none. */
export function bytesIn(text: string | undefined, unit = 1): number | null {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return null;
  const bytes = Number(text) * unit;
  return Number.isSafeInteger(bytes) ? bytes : null;
}
