// A bill of materials as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/
// Its library is not used to write it: what it takes of other packages if they are there stops bundlers where they are not.
import { createHash } from 'node:crypto';
import type { Digest } from '../packages/package-file';
import { packageVersion } from '../text/generated/package';
import type { Inventory, Listed, SystemInventory } from './inventory';
import { licenseOf } from './licenses';
import { dependencies } from './relations';

interface Component {
  readonly type: 'application' | 'file' | 'library' | 'operating-system';
  readonly 'bom-ref'?: string;
  readonly name: string;
  readonly version?: string | undefined;
  readonly publisher?: string | undefined;
  readonly description?: string | undefined;
  readonly licenses?: readonly object[] | undefined;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly components?: readonly Component[] | undefined;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

const image = 'image';

export function cyclonedx({ name, time, systems }: Inventory): object {
  const components: Component[] = [];
  const relations: Dependency[] = [{ ref: image, dependsOn: systems.map(systemRef) }];
  for (const each of systems) {
    const all = [...each.packages, ...each.languages];
    const refs = packageRefs(each.system.root, all);
    components.push(systemComponent(each), ...all.map((one, place) => packageComponent(one, refs[place])));
    relations.push({ ref: systemRef(each), dependsOn: refs });
    const needed = dependencies(each.packages.map((one) => one.package));
    const refsOf = (places: readonly number[]) => places.map((place) => refs[place] as string);
    relations.push(...refs.map((ref, place) => ({ ref, dependsOn: refsOf(needed[place] ?? []) })));
  }
  const whole: Component = { type: 'file', 'bom-ref': image, name };
  const tool: Component = { type: 'application', name: 'guestfs', version: packageVersion };
  const content = {
    metadata: { timestamp: time, tools: { components: [tool] }, component: whole },
    ...{ components, dependencies: relations },
  };
  return {
    ...{
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
    },
    serialNumber: serialNumber(JSON.stringify(content)),
    version: 1,
    ...content,
  };
}

const systemRef = ({ system }: SystemInventory) => `system:${system.root}`;

/** Names of the packages within the document: a package may be there twice, and two systems may have the same one. */
function packageRefs(root: string, packages: readonly Listed[]): string[] {
  const seen = new Map<string, number>();
  return packages.map(({ purl }) => {
    const count = seen.get(purl) ?? 0;
    seen.set(purl, count + 1);
    return `${purl}#${root}${count > 0 ? `#${count}` : ''}`;
  });
}

function systemComponent(inventory: SystemInventory): Component {
  const { osRelease, distro, type, productName, versionText } = inventory.system;
  return {
    ...{ type: 'operating-system', 'bom-ref': systemRef(inventory) },
    name: osRelease?.ID ?? distro ?? type ?? 'unknown',
    version: osRelease?.VERSION_ID ?? versionText ?? undefined,
    description: productName ?? undefined,
  };
}

function packageComponent(listed: Listed, ref = ''): Component {
  const { package: each, purl, version } = listed;
  return {
    ...{ type: 'library', 'bom-ref': ref, name: each.name, version },
    publisher: each.vendor ?? undefined,
    description: each.summary ?? undefined,
    licenses: licensesOf(listed),
    ...{ purl, properties: propertiesOf(listed), components: filesOf(listed) },
  };
}

/** The format takes one expression alone, or names. */
function licensesOf({ package: each, licenses }: Listed): object[] | undefined {
  const found = (each.license === null ? licenses : [each.license]).map(licenseOf);
  const [only] = found;
  if (only === undefined) return undefined;
  if (found.length === 1 && only.kind === 'expression') return [{ expression: only.text }];
  return found.map(({ text }) => ({ license: { name: text } }));
}

/** Names of algorithms, as the format has them. */
export const algorithms: Readonly<Record<Digest['algorithm'], string | undefined>> = {
  ...{
    md5: 'MD5',
    sha1: 'SHA-1',
    sha224: undefined,
    sha256: 'SHA-256',
    sha384: 'SHA-384',
    sha512: 'SHA-512',
  },
};

function filesOf({ files }: Listed): Component[] | undefined {
  if (files.length === 0) return undefined;
  return files.map(({ path, digest }): Component => {
    const alg = digest === null ? undefined : algorithms[digest.algorithm];
    return { type: 'file', name: path, ...(digest && alg && { hashes: [{ alg, content: digest.value }] }) };
  });
}

function propertiesOf({ package: each, path }: Listed): { name: string; value: string }[] {
  const told = {
    source: each.source,
    sourceVersion: each.sourceVersion,
    origin: each.origin,
    path: path ?? null,
    installTime: each.installTime,
    installedSize: each.installedSize === null ? null : String(each.installedSize),
  };
  return Object.entries(told).flatMap(([name, value]) =>
    value === null ? [] : [{ name: `guestfs:${name}`, value }],
  );
}

/** A UUID that is the same for the same content (RFC 9562, version 8). */
export function serialNumber(content: string): string {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return `urn:uuid:${parts.join('-')}`;
}
