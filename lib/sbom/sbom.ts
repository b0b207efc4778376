import { basename } from 'node:path';
import { checkImages, type Inspectable } from '../guests/images';
import type { InspectionReport } from '../guests/report';
import { inspectWith } from '../inspect/inspect';
import type { MountedSystem } from '../inspect/systems';
import { cyclonedx } from './cyclonedx';
import { fullVersion, type Listed, type SystemInventory, timeOfDocument } from './inventory';
import { copyrightOf } from './licenses';
import { checkSbomOptions, type SbomOptions } from './options';
import { purlOf } from './purl';
import { spdx } from './spdx';

/** `sbom()`, as index.ts explains it. */
export async function sbom(
  images: Inspectable,
  options: SbomOptions = {},
): Promise<{ document: object; report: InspectionReport }> {
  const { format, licenses, inspection } = checkSbomOptions(options);
  const systems: SystemInventory[] = [];
  const visit = async (mounted: MountedSystem) => {
    systems.push({ system: mounted.system, packages: await listed(mounted, licenses) });
  };
  const [first] = checkImages(images);
  const report = await inspectWith('sbom', images, inspection, visit);
  const packages = systems.flatMap((each) => each.packages.map((one) => one.package));
  const inventory = {
    name: basename(first?.path ?? 'image'),
    systems,
    time: timeOfDocument(packages, process.env),
  };
  return { document: format === 'spdx' ? spdx(inventory) : cyclonedx(inventory), report };
}

async function listed(
  { g, system, packages, problems }: MountedSystem,
  licenses: boolean,
): Promise<Listed[]> {
  const found: Listed[] = [];
  for (const each of packages) {
    // RPM keeps the keys that it trusts among its packages.
    if (each.name === 'gpg-pubkey') continue;
    const told =
      licenses && system.packageFormat === 'deb'
        ? await problems.attempt(system.root, () => copyrightOf(g, each))
        : undefined;
    found.push({
      package: each,
      purl: purlOf(each, system),
      version: fullVersion(each),
      licenses: told ?? [],
    });
  }
  return found;
}
