// Files of packages with their checksums, as far as the database of the system has them.
import type { Guestfs } from '../guestfs';
import type { Problems } from '../guests/problems';
import type { OperatingSystemReport } from '../guests/report';
import { packageFiles } from '../packages/files';
import { BadDatabase, type Package } from '../packages/package';
import type { PackageFile } from '../packages/package-file';
import { GuestFiles } from '../packages/system-files';
import { fullVersion } from './inventory';

/** Files that are told: a document of more could not be written. */
const most = 1_000_000;

export type FilesOf = (each: Package) => readonly PackageFile[];

export const noFiles: FilesOf = () => [];

/** Files by their packages. What cannot be read is a problem. */
export async function filesOf(
  g: Guestfs,
  { root, packageFormat }: OperatingSystemReport,
  problems: Problems,
): Promise<FilesOf> {
  const found = new Map<string, readonly PackageFile[]>();
  let count = 0;
  try {
    await problems.attempt(root, async () => {
      for await (const { name, arch, version, files } of packageFiles(
        new GuestFiles(g),
        packageFormat ?? '',
      )) {
        count += files.length;
        if (count > most) throw new BadDatabase(`they are more than ${most}`);
        found.set(keyOf(name, arch, version), files);
      }
    });
  } catch (error) {
    if (!(error instanceof BadDatabase)) throw error;
    const message = `not all files of packages are told: ${error.message}`;
    problems.note(root, 'ERR_GUESTFS_NO_PACKAGE_LIST', message, 'sbom');
  }
  return (each) => {
    const { name, arch, version, release } = each;
    const versions = [
      fullVersion({ ...each, epoch: 0 }),
      fullVersion(each),
      release === null ? version : null,
      null,
    ];
    const keys = versions.flatMap((one) => [keyOf(name, arch, one), keyOf(name, null, one)]);
    const key = keys.find((one) => found.has(one));
    return key === undefined ? [] : (found.get(key) ?? []);
  };
}

const keyOf = (...parts: readonly (string | null)[]) => parts.map((part) => part ?? '').join('\0');
