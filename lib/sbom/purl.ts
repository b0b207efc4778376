// Package URLs, with the qualifiers by which scanners find what is known of a package.
// https://github.com/package-url/purl-spec
import { toUSVString } from 'node:util';
import type { OperatingSystemReport } from '../guests/report';
import type { Package } from '../packages/package';
import { type Describes, distributionOf } from './distribution';
import { fullVersion } from './inventory';

/** Types of package URLs by libguestfs's names of the formats. */
const types: Readonly<Record<string, string>> = { deb: 'deb', rpm: 'rpm', apk: 'apk', pacman: 'alpm' };

/** Type of what no type of URLs is for, as programs of Windows: they are named, and no distribution with them. */
const unknownType = 'generic';

/** Names of those who make packages of RPM, where they are not those of the distribution. */
const makers: readonly (readonly [RegExp, string])[] = [
  [/^rhel$/, 'redhat'],
  [/^opensuse/, 'opensuse'],
  [/^(?:sle[sd]|sle_hpc|sles_sap|sle-micro|sl-micro)$/, 'suse'],
];

/** Package URL of a package of a language. */
export function languagePurl(type: 'pypi' | 'npm' | 'gem', { name, version }: Package): string {
  const [, scope, own = name] = (type === 'npm' && /^(@[^/]+)\/(.+)$/.exec(name)) || [];
  // As PEP 503 has it: names that differ only so are the same.
  const plain = type === 'pypi' ? own.toLowerCase().replace(/[-_.]+/g, '-') : own;
  return written(type, scope ?? null, plain, version, {});
}

/** Package URL of a package of a system. */
export function purlOf(
  each: Package,
  system: Describes & Pick<OperatingSystemReport, 'packageFormat'>,
): string {
  const type = types[system.packageFormat ?? ''] ?? unknownType;
  const { id, version } = distributionOf(system);
  if (type === unknownType && system.osRelease === null)
    return written(type, null, each.name, each.version, {});
  const [, maker = id] = (type === 'rpm' && makers.find(([pattern]) => pattern.test(id ?? ''))) || [];
  const ofPackage = type === 'rpm' ? fullVersion({ ...each, epoch: 0 }) : fullVersion(each);
  return written(type, maker, each.name, ofPackage, {
    arch: each.arch,
    epoch: type === 'rpm' && each.epoch > 0 ? String(each.epoch) : null,
    distro: id && [id, version].filter(Boolean).join('-'),
    rpmmod: each.module,
    upstream: upstreamOf(each, type),
  });
}

/** Source package, where it is another one; advisories are about these. */
function upstreamOf(each: Package, type: string): string | null {
  const { name, source, sourceVersion } = each;
  if (source === null) return null;
  if (type === 'rpm') return `${source}-${sourceVersion}.src.rpm`;
  const ownVersion = sourceVersionOf(each);
  if (source === name && ownVersion === null) return null;
  return ownVersion === null ? source : `${source}@${sourceVersion}`;
}

/** Version of the source package, where it is another one: an epoch of 0 is none. */
function sourceVersionOf(each: Package): string | null {
  const { sourceVersion } = each;
  return sourceVersion?.replace(/^0+:/, '') === fullVersion(each) ? null : sourceVersion;
}

type Qualifiers = Readonly<Record<string, string | null>>;

/** Whatever a guest calls its packages: what no URL can hold is replaced, for the document is to be made in any case. */
function written(
  type: string,
  namespace: string | null,
  name: string,
  version: string | null,
  qualifiers: Qualifiers,
): string {
  const { PackageURL } = require('packageurl-js') as typeof import('packageurl-js');
  const told = Object.entries(qualifiers).flatMap(([key, value]) =>
    value ? [[key, toUSVString(value)] as const] : [],
  );
  return new PackageURL(
    type,
    toUSVString(namespace ?? '') || undefined,
    name.trim() === '' ? '-' : toUSVString(name),
    toUSVString(version ?? '') || undefined,
    Object.fromEntries(told),
    undefined,
  ).toString();
}
