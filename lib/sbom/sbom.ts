import { basename } from 'node:path';
import { checkImages, type Inspectable } from '../guests/images';
import type { InspectionReport } from '../guests/report';
import { inspectWith } from '../inspect/inspect';
import type { MountedSystem } from '../inspect/systems';
import { cyclonedx } from './cyclonedx';
import { filesOf, noFiles } from './files';
import { fullVersion, type Listed, type SystemInventory, timeOfDocument } from './inventory';
import { languagePackages, mostLanguagePackages } from './languages';
import { copyrightOf } from './licenses';
import { type CheckedSbomOptions, checkSbomOptions, type SbomOptions } from './options';
import { languagePurl, purlOf } from './purl';
import { spdx } from './spdx';

/** `sbom()`, as index.ts explains it. */
export async function sbom(
  images: Inspectable,
  options: SbomOptions = {},
): Promise<{ document: object; report: InspectionReport }> {
  const checked = checkSbomOptions(options);
  const { format, inspection } = checked;
  const systems: SystemInventory[] = [];
  const visit = async (mounted: MountedSystem) => {
    const languages = checked.languages ? await listedLanguages(mounted) : [];
    systems.push({ system: mounted.system, packages: await listed(mounted, checked), languages });
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
  options: CheckedSbomOptions,
): Promise<Listed[]> {
  const found: Listed[] = [];
  const files = options.files ? await filesOf(g, system, problems) : noFiles;
  for (const each of packages) {
    // RPM keeps the keys that it trusts among its packages.
    if (each.name === 'gpg-pubkey') continue;
    const told =
      options.licenses && system.packageFormat === 'deb'
        ? await problems.attempt(system.root, () => copyrightOf(g, each))
        : undefined;
    found.push({
      package: each,
      purl: purlOf(each, system),
      version: fullVersion(each),
      licenses: told ?? [],
      files: files(each),
    });
  }
  return found;
}

async function listedLanguages({ g, system, problems }: MountedSystem): Promise<Listed[]> {
  const found: Listed[] = [];
  await problems.attempt(system.root, async () => {
    for await (const { type, package: each, path } of languagePackages(g)) {
      if (found.length >= mostLanguagePackages) {
        const message = `more than ${mostLanguagePackages} packages of languages: the others are not told`;
        problems.note(system.root, 'ERR_GUESTFS_TOO_MANY_FILES', message, 'sbom');
        return;
      }
      const purl = languagePurl(type, each);
      found.push({ package: each, purl, version: each.version ?? '', licenses: [], files: [], path });
    }
  });
  return found;
}
