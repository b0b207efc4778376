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
}

export interface CheckedSbomOptions {
  readonly format: SbomFormat;
  readonly licenses: boolean;
  readonly inspection: CheckedInspectOptions;
}

export const formats: readonly SbomFormat[] = ['cyclonedx', 'spdx'];

export function checkSbomOptions(options: SbomOptions): CheckedSbomOptions {
  const { format = 'cyclonedx', licenses = false, ...others } = readOptions('sbom', options);
  if (typeof format !== 'string') throw invalidType('sbom', 'options.format', 'string', format);
  const known = formats.find((each) => each === format);
  if (!known) throw invalidValue('sbom', 'options.format', formats.join(' or '), format);
  if (typeof licenses !== 'boolean') throw invalidType('sbom', 'options.licenses', 'boolean', licenses);
  return { format: known, licenses, inspection: checkRead('sbom', others, ['format', 'licenses']) };
}
