/** A file that a package brings. */
export interface PackageFile {
  readonly path: string;
  /** Permission bits; null where the database does not tell them. */
  readonly mode: number | null;
  /** Checksum of the content as it was installed; null where the database has none. */
  readonly digest: Digest | null;
}

export interface Digest {
  readonly algorithm: 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
  /** Hexadecimal, small letters. */
  readonly value: string;
}

/** A package with its files. */
export interface FilesOfPackage {
  readonly name: string;
  /** Architecture; null where the database does not tell it at this place. */
  readonly arch: string | null;
  /** Version in the words of the manager, where several of one name may be installed. */
  readonly version: string | null;
  readonly files: readonly PackageFile[];
}
