// What a bill of materials tells, whatever its format.
import type { OperatingSystemReport } from '../guests/report';
import type { Package } from '../packages/package';
import type { PackageFile } from '../packages/package-file';

export interface Inventory {
  /** Name of the whole: of the first image. */
  readonly name: string;
  readonly systems: readonly SystemInventory[];
  /** Time of the document, ISO 8601 in seconds. */
  readonly time: string;
}

export interface SystemInventory {
  readonly system: OperatingSystemReport;
  readonly packages: readonly Listed[];
  /** Packages of the package managers of languages. */
  readonly languages: readonly Listed[];
}

/** A package with what the document calls it. */
export interface Listed {
  readonly package: Package;
  /** Package URL. */
  readonly purl: string;
  /** Version in the words of the package manager, epoch and release included. */
  readonly version: string;
  /** Licences that its own files tell, where they were read. */
  readonly licenses: readonly string[];
  /** Files that it brings, with their checksums, where they are told. */
  readonly files: readonly PackageFile[];
  /** Where its metadata is, of a package of a language. */
  readonly path?: string;
}

/** Version as package managers write it. */
export function fullVersion({ epoch, version, release }: Package): string {
  return `${epoch > 0 ? `${epoch}:` : ''}${version ?? ''}${release === null ? '' : `-${release}`}`;
}

/**
 * Time of a document that is the same each time for an image that has not changed: `SOURCE_DATE_EPOCH`, else the time at
 * which a package was installed last.
 */
export function timeOfDocument(packages: readonly Package[], env: NodeJS.ProcessEnv): string {
  const { SOURCE_DATE_EPOCH: given = '' } = env;
  const installed = packages
    .map(({ installTime }) => installTime ?? '')
    .reduce((a, b) => (a > b ? a : b), '');
  const time = /^\d{1,12}$/.test(given) ? Number(given) * 1000 : Date.parse(installed || '1970-01-01');
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
