// A bill of materials as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/
import { createHash } from 'node:crypto';
import { packageVersion } from '../text/generated/package';
import type { Inventory, Listed, SystemInventory } from './inventory';
import { licenseOf } from './licenses';
import { dependencies } from './relations';

type Library = typeof import('@cyclonedx/cyclonedx-library');
type Component = import('@cyclonedx/cyclonedx-library').Models.Component;

export function cyclonedx(inventory: Inventory): object {
  const library = require('@cyclonedx/cyclonedx-library') as Library;
  const { Models, Enums, Serialize, Spec } = library;
  const whole = new Models.Component(Enums.ComponentType.File, inventory.name, { bomRef: 'image' });
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: whole, timestamp: new Date(inventory.time) }),
  });
  bom.metadata.tools.components.add(
    new Models.Component(Enums.ComponentType.Application, 'guestfs', { version: packageVersion }),
  );
  for (const system of inventory.systems) {
    const component = systemComponent(library, system);
    bom.components.add(component);
    whole.dependencies.add(component.bomRef);
    for (const each of packageComponents(library, system)) {
      bom.components.add(each);
      component.dependencies.add(each.bomRef);
    }
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const document = JSON.parse(serializer.serialize(bom, { sortLists: true, space: 0 }));
  return { ...document, serialNumber: serialNumber(JSON.stringify(document)) };
}

function systemComponent({ Models, Enums }: Library, { system }: SystemInventory): Component {
  const { root, osRelease, distro, type, productName, versionText } = system;
  return new Models.Component(
    Enums.ComponentType.OperatingSystem,
    osRelease?.ID ?? distro ?? type ?? 'unknown',
    {
      bomRef: `system:${root}`,
      version: osRelease?.VERSION_ID ?? versionText ?? undefined,
      description: productName ?? undefined,
    },
  );
}

function packageComponents(library: Library, { system, packages }: SystemInventory): Component[] {
  const seen = new Map<string, number>();
  const components = packages.map((each) => {
    const count = seen.get(each.purl) ?? 0;
    seen.set(each.purl, count + 1);
    const ref = `${each.purl}#${system.root}${count > 0 ? `#${count}` : ''}`;
    return packageComponent(library, each, ref);
  });
  for (const [index, needed] of dependencies(packages.map((each) => each.package)).entries())
    for (const place of needed) components[index]?.dependencies.add((components[place] as Component).bomRef);
  return components;
}

function packageComponent({ Models, Enums }: Library, listed: Listed, bomRef: string): Component {
  const { package: each, purl, version, licenses } = listed;
  const component = new Models.Component(Enums.ComponentType.Library, each.name, {
    ...{ bomRef, version, purl },
    publisher: each.vendor ?? undefined,
    description: each.summary ?? undefined,
  });
  const all = each.license === null ? licenses : [each.license];
  const found = all.map(licenseOf);
  // The format takes one expression alone, or names.
  const [only] = found;
  if (only && found.length === 1 && only.kind === 'expression')
    component.licenses.add(new Models.LicenseExpression(only.text));
  else for (const { text } of found) component.licenses.add(new Models.NamedLicense(text));
  for (const [name, value] of propertiesOf(listed))
    component.properties.add(new Models.Property(`guestfs:${name}`, value));
  return component;
}

function propertiesOf({ package: each }: Listed): [string, string][] {
  const told = {
    source: each.source,
    sourceVersion: each.sourceVersion,
    origin: each.origin,
    installTime: each.installTime,
    installedSize: each.installedSize === null ? null : String(each.installedSize),
  };
  return Object.entries(told).filter((entry): entry is [string, string] => entry[1] !== null);
}

/** A UUID that is the same for the same content (RFC 9562, version 8). */
export function serialNumber(content: string): string {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
}
