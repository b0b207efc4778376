// A bill of materials as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/
// Its library is not used to write it: what it takes of other packages if they are there stops bundlers where they are not.
import { createHash } from 'node:crypto';
import type { Digest } from '../packages/package-file';
import { packageVersion } from '../text/generated/package';
import { distributionOf } from './distribution';
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
  readonly properties?: readonly Property[];
}

interface Property {
  readonly name: string;
  readonly value: string;
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

const image = 'image';

export function cyclonedx({ name, time, systems }: Inventory): object {
  const components: Component[] = [];
  const contained: string[] = [];
  const relations: Dependency[] = [{ ref: image, dependsOn: contained }];
  for (const each of systems) {
    const all = [...each.packages, ...each.languages];
    const refs = packageRefs(each.system.root, all);
    components.push(systemComponent(each));
    // What a system depends on are its own packages: scanners look for them where the distribution tells of them.
    contained.push(systemRef(each), ...refs.slice(each.packages.length));
    relations.push({ ref: systemRef(each), dependsOn: refs.slice(0, each.packages.length) });
    const needed = dependencies(each.packages.map((one) => one.package));
    for (const [place, one] of all.entries()) {
      const ref = refs[place] as string;
      components.push(packageComponent(one, ref));
      relations.push({ ref, dependsOn: (needed[place] ?? []).map((other) => refs[other] as string) });
    }
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
  const { type, productName } = inventory.system;
  const { id, version } = distributionOf(inventory.system);
  return {
    ...{ type: 'operating-system', 'bom-ref': systemRef(inventory) },
    name: id ?? type ?? 'unknown',
    version: version ?? undefined,
    description: productName ?? undefined,
    properties: properties('syft:distro:', forGrype(inventory)),
  };
}

/** What os-release(5) says, as Syft writes it and Grype reads it: of derivates, by what they are like. */
function forGrype({ system: { osRelease } }: SystemInventory): Told {
  const { ID, ID_LIKE = '', VERSION_ID, VERSION_CODENAME, BUILD_ID, PRETTY_NAME } = osRelease ?? {};
  const like = ID_LIKE.split(/\s+/).filter((id) => id !== '');
  return {
    ...{ prettyName: PRETTY_NAME, id: ID, versionID: VERSION_ID, versionCodename: VERSION_CODENAME },
    ...{ buildID: BUILD_ID, ...Object.fromEntries(like.map((id, place) => [`idLike:${place}`, id])) },
  };
}

function packageComponent(listed: Listed, ref: string): Component {
  const { package: each, purl, version } = listed;
  return {
    // Programs of Windows are used by nobody else.
    type: purl.startsWith('pkg:generic/') ? 'application' : 'library',
    ...{ 'bom-ref': ref, name: each.name, version },
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

function propertiesOf(listed: Listed): Property[] {
  const { package: each, path } = listed;
  const { source, sourceVersion, origin, installTime, installedSize } = each;
  const size = installedSize === null ? null : String(installedSize);
  return properties('guestfs:', {
    source,
    sourceVersion,
    origin,
    path,
    installTime,
    installedSize: size,
  }).concat(properties('aquasecurity:trivy:', forTrivy(listed)));
}

/** What Trivy takes of the URL of a package of its own making only. */
function forTrivy({ package: each, purl, version }: Listed): Told {
  const { name, source, sourceVersion, module } = each;
  const isOther = source !== null && (source !== name || sourceVersion !== version);
  const told = isOther && !purl.startsWith('pkg:rpm/');
  return { Modularitylabel: module, ...(told && { SrcName: source, SrcVersion: sourceVersion }) };
}

type Told = Readonly<Record<string, string | null | undefined>>;

function properties(prefix: string, told: Told): Property[] {
  return Object.entries(told).flatMap(([name, value]) =>
    value ? [{ name: `${prefix}${name}`, value }] : [],
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
