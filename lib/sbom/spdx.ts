// A bill of materials as SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/

import { packageVersion } from '../text/generated/package';
import { serialNumber } from './cyclonedx';
import { distributionOf } from './distribution';
import type { Inventory, Listed, SystemInventory } from './inventory';
import { licenseOf } from './licenses';
import { dependencies } from './relations';

const unknown = 'NOASSERTION';

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: 'DESCRIBES' | 'CONTAINS' | 'DEPENDS_ON';
  readonly relatedSpdxElement: string;
}

/** Licences that SPDX does not know, by the references that stand for them. */
type Extracted = Map<string, string>;

export function spdx(inventory: Inventory): object {
  const extracted: Extracted = new Map();
  const packages: object[] = [
    { ...elementOf('SPDXRef-Image', inventory.name), primaryPackagePurpose: 'FILE' },
  ];
  const files: object[] = [];
  const relationships: Relationship[] = [relation('SPDXRef-DOCUMENT', 'DESCRIBES', 'SPDXRef-Image')];
  for (const [index, each] of inventory.systems.entries()) {
    // By this beginning of its name Trivy knows it.
    const id = `SPDXRef-OperatingSystem-${index}`;
    packages.push(systemElement(id, each));
    relationships.push(relation('SPDXRef-Image', 'CONTAINS', id));
    const all = [...each.packages, ...each.languages];
    const ids = all.map((_, place) => `SPDXRef-Package-${index}-${place}`);
    for (const [place, listed] of all.entries()) {
      const own = ids[place] as string;
      packages.push(packageElement(own, listed, extracted));
      // Packages of languages are none of the distribution's.
      relationships.push(relation(place < each.packages.length ? id : 'SPDXRef-Image', 'CONTAINS', own));
    }
    for (const [place, needed] of dependencies(each.packages.map((listed) => listed.package)).entries())
      for (const other of needed)
        relationships.push(relation(ids[place] as string, 'DEPENDS_ON', ids[other] as string));
    for (const [place, listed] of all.entries()) {
      for (const element of fileElements(listed, `SPDXRef-File-${index}-${place}`)) {
        files.push(element);
        relationships.push(relation(ids[place] as string, 'CONTAINS', element.SPDXID));
      }
    }
  }
  const content = {
    packages,
    ...(files.length > 0 && { files }),
    relationships,
    ...extractedInfos(extracted),
  };
  const uuid = serialNumber(JSON.stringify([inventory.name, inventory.time, content])).slice(
    'urn:uuid:'.length,
  );
  return {
    ...{ spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT', name: inventory.name },
    documentNamespace: `https://spdx.org/spdxdocs/guestfs-${uuid}`,
    creationInfo: { created: inventory.time, creators: [`Tool: guestfs-${packageVersion}`] },
    ...content,
  };
}

function relation(from: string, type: Relationship['relationshipType'], to: string): Relationship {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

function elementOf(id: string, name: string) {
  return {
    ...{ SPDXID: id, name, downloadLocation: unknown, filesAnalyzed: false },
    ...{ licenseConcluded: unknown, licenseDeclared: unknown, copyrightText: unknown },
  };
}

function systemElement(id: string, { system }: SystemInventory): object {
  const { type, productName } = system;
  const { id: name, version } = distributionOf(system);
  return {
    ...elementOf(id, name ?? type ?? 'unknown'),
    ...(version && { versionInfo: version }),
    ...(productName && { description: productName }),
    primaryPackagePurpose: 'OPERATING_SYSTEM',
  };
}

function packageElement(id: string, listed: Listed, extracted: Extracted): object {
  const { package: each, purl, version, licenses } = listed;
  const declared = each.license === null ? licenses : [each.license];
  return {
    ...elementOf(id, each.name),
    // What contains files has to say so.
    filesAnalyzed: listed.files.some(({ digest }) => digest !== null),
    ...(version && { versionInfo: version }),
    ...(each.vendor?.trim() && { supplier: supplierOf(each.vendor) }),
    ...(each.url && isUrl(each.url) && { homepage: each.url }),
    // In these words Trivy looks for it.
    ...(each.source && {
      sourceInfo: `built package from: ${each.source} ${each.sourceVersion ?? ''}`.trimEnd(),
    }),
    ...(each.summary && { summary: each.summary }),
    licenseDeclared: declared.length === 0 ? unknown : expressionOf(declared, extracted),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}

/** `Name <address>` as the format has it: on one line, the address in parentheses. */
function supplierOf(vendor: string): string {
  const [, name = vendor, address] = /^([^<>()]*[^<>()\s])\s*<([^<>()\s]+)>$/.exec(vendor.trim()) ?? [];
  const told = address === undefined ? name : `${name} (${address})`;
  return `Organization: ${told.replace(/\s+/g, ' ').trim()}`;
}

function isUrl(text: string): boolean {
  return /^(?:https?|ftp|git):\/\/[\w.~:/?#[\]@!$&'()*+,;=%-]+$/.test(text) && URL.canParse(text);
}

/** Files of which a checksum is told: the format takes no others. */
function fileElements({ files }: Listed, id: string) {
  return files.flatMap(({ path, digest }, place) => {
    if (digest === null) return [];
    const checksum = { algorithm: digest.algorithm.toUpperCase(), checksumValue: digest.value };
    const licences = { licenseConcluded: unknown, copyrightText: unknown };
    return [{ SPDXID: `${id}-${place}`, fileName: `.${path}`, checksums: [checksum], ...licences }];
  });
}

function expressionOf(licenses: readonly string[], extracted: Extracted): string {
  const parts = licenses.map(licenseOf).map(({ kind, text }) => {
    if (kind === 'name') return referenceTo(text, extracted);
    // What distributions call so stands in no list, and the document has to say that it is one.
    for (const [reference] of text.matchAll(/LicenseRef-[\w.-]+/g)) extracted.set(reference, reference);
    return text;
  });
  return parts.length === 1 ? (parts[0] as string) : parts.map((part) => `(${part})`).join(' AND ');
}

function referenceTo(text: string, extracted: Extracted): string {
  const known = extracted.get(text) ?? `LicenseRef-${extracted.size}`;
  extracted.set(text, known);
  return known;
}

function extractedInfos(extracted: Extracted) {
  if (extracted.size === 0) return {};
  const infos = [...extracted].map(([text, licenseId]) => ({ licenseId, name: text, extractedText: text }));
  return { hasExtractedLicensingInfos: infos };
}
