import type { Inspectable } from '../guests/images';
import type { InspectionReport } from '../guests/report';
import type { SbomOptions } from './options';

export type { SbomFormat, SbomOptions } from './options';

/** Result of {@link sbom}. */
export interface SbomResult {
  /** The document: an object for `JSON.stringify()`, the same each time for an image that has not changed. */
  readonly document: object;
  /** What the inspection has found: its `problems` tell what the document may lack. */
  readonly report: InspectionReport;
}

/**
 * Makes a software bill of materials of the operating systems in the disk images of one guest: each with its packages,
 * their versions, sources, licences, and which needs which. Every package has its package URL (purl), as scanners match
 * vulnerabilities by it. The images are opened read-only.
 *
 * ```ts
 * const { document } = await sbom('disk.qcow2');
 * await writeFile('disk.cdx.json', JSON.stringify(document));
 * ```
 *
 * The document's time is `SOURCE_DATE_EPOCH`, or that at which a package was installed last.
 *
 * @param images - the disk of the guest, or all its disks in their order
 * @throws what {@link inspect} throws
 */
export function sbom(images: Inspectable, options?: SbomOptions): Promise<SbomResult> {
  const implementation: typeof import('./sbom') = require('./sbom');
  return implementation.sbom(images, options);
}
