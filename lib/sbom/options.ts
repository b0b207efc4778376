import { invalidType, invalidValue } from '../faults/arguments';
import { type CheckedInspectOptions, checkRead, type InspectOptions } from '../inspect/options';
import { readOptions } from '../options/read';

/** Formats of a bill of materials: CycloneDX 1.6 and SPDX 2.3, both as JSON. */
export type SbomFormat = 'cyclonedx' | 'spdx';

/** Options of {@link sbom}. */
export interface SbomOptions extends Omit<InspectOptions, 'applications' | 'icon'> {
  /** Format of the document; default `'cyclonedx'`. */
  readonly format?: SbomFormat | undefined;
  /**
   * Reads the licences of packages from Debian's copyright files, `/usr/share/doc/PACKAGE/copyright`: a file for each
   * package. Default false: then packages of dpkg have none, for its database does not tell them.
   */
  readonly licenses?: boolean | undefined;
  /**
   * Tells the files of packages with their checksums, as far as the database of the system has them (dpkg: MD5; RPM, pacman:
   * most often SHA-256; apk: SHA-1). The files themselves are not read. Default false.
   */
  readonly files?: boolean | undefined;
  /**
   * Tells packages of Python, npm and Ruby too, by the metadata in their standard global places; default false. Those that
   * a package of the system brings are told twice.
   */
  readonly languages?: boolean | undefined;
}

export interface CheckedSbomOptions {
  readonly format: SbomFormat;
  readonly licenses: boolean;
  readonly files: boolean;
  readonly languages: boolean;
  readonly inspection: CheckedInspectOptions;
}

export const formats: readonly SbomFormat[] = ['cyclonedx', 'spdx'];

export function checkSbomOptions(options: SbomOptions): CheckedSbomOptions {
  const { format = 'cyclonedx', ...rest } = readOptions('sbom', options);
  const { licenses = false, files = false, languages = false, ...others } = rest;
  if (typeof format !== 'string') throw invalidType('sbom', 'options.format', 'string', format);
  const known = formats.find((each) => each === format);
  if (!known) throw invalidValue('sbom', 'options.format', formats.join(' or '), format);
  const flags = { licenses, files, languages };
  for (const [name, value] of Object.entries(flags))
    if (typeof value !== 'boolean') throw invalidType('sbom', `options.${name}`, 'boolean', value);
  const inspection = checkRead('sbom', others, ['format', ...Object.keys(flags)]);
  return { format: known, ...(flags as Record<keyof typeof flags, boolean>), inspection };
}
