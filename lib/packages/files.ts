// The files of packages, as far as the databases of their managers list them, with permissions and checksums where these do.
import { readApkFiles } from './apk-files';
import { readDpkgFiles } from './dpkg-files';
import type { FilesOfPackage } from './package-file';
import { readPacmanFiles } from './pacman-files';
import { rpmHeaders } from './rpm';
import { filesIn } from './rpm-files';
import type { SystemFiles } from './system-files';

export type { FilesOfPackage, PackageFile } from './package-file';

type Reader = (files: SystemFiles) => AsyncGenerator<FilesOfPackage>;

const readers: ReadonlyMap<string, Reader> = new Map([
  ['deb', readDpkgFiles],
  ['rpm', readRpmFiles],
  ['apk', readApkFiles],
  ['pacman', readPacmanFiles],
]);

/** Files of all packages, package by package; nothing where the format has no reader. @throws BadDatabase */
export async function* packageFiles(files: SystemFiles, format: string): AsyncGenerator<FilesOfPackage> {
  const read = readers.get(format);
  if (read) yield* read(files);
}

async function* readRpmFiles(files: SystemFiles): AsyncGenerator<FilesOfPackage> {
  for await (const header of rpmHeaders(files)) yield filesIn(header);
}
