// Files of a package of RPM: its header has a list of folders, and for each file its folder, name, permissions, checksum.

import { BadDatabase } from './package';
import type { Digest, FilesOfPackage, PackageFile } from './package-file';
import { headerOf } from './rpm-header';

const tags = {
  ...{
    name: 1000,
    version: 1001,
    release: 1002,
    arch: 1022,
    epoch: 1003,
    modes: 1030,
    digests: 1035,
    flags: 1037,
  },
  ...{ folders: 1116, names: 1117, folderNames: 1118, algorithm: 5011 },
} as const;

/** Files that are of the package, and that it does not bring. */
const ghost = 1 << 6;

/** Numbers of algorithms, as OpenPGP has them. */
const algorithms: Readonly<Record<number, Digest['algorithm']>> = {
  ...{ 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224' },
};

const lengths: Readonly<Record<Digest['algorithm'], number>> = {
  ...{ md5: 32, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 },
};

/** @throws BadDatabase */
export function filesIn(bytes: Buffer): FilesOfPackage {
  const header = headerOf(bytes);
  const [name] = header.strings(tags.name);
  if (name === undefined) throw new BadDatabase('a package without a name');
  const text = (tag: number) => header.strings(tag)[0] ?? null;
  const names = header.strings(tags.names);
  const folderNames = header.strings(tags.folderNames);
  const folders = header.numbers(tags.folders);
  const [modes, flags] = [header.numbers(tags.modes), header.numbers(tags.flags)];
  const digests = header.strings(tags.digests);
  const algorithm = algorithms[header.numbers(tags.algorithm)[0] ?? 1];
  const files = names.flatMap((base, index): PackageFile[] => {
    const folder = folderNames[folders[index] ?? -1];
    if (folder === undefined || ((flags[index] ?? 0) & ghost) !== 0) return [];
    const mode = modes[index];
    const isFile = mode === undefined || (mode & 0o170000) === 0o100000;
    if (!isFile) return [];
    return [
      {
        path: `${folder}${base}`,
        mode: mode === undefined ? null : mode & 0o7777,
        digest: digestOf(digests[index], algorithm),
      },
    ];
  });
  const [version, release] = [text(tags.version), text(tags.release)];
  return {
    name,
    arch: text(tags.arch),
    version: release === null ? version : `${version}-${release}`,
    files,
  };
}

function digestOf(value: string | undefined, algorithm: Digest['algorithm'] | undefined): Digest | null {
  if (!value || !algorithm || value.length !== lengths[algorithm] || !/^[\da-f]+$/i.test(value)) return null;
  return { algorithm, value: value.toLowerCase() };
}
