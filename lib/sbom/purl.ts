// Package URLs, with the qualifiers by which scanners find what is known of a package.
// https://github.com/package-url/purl-spec
import type { OperatingSystemReport } from '../guests/report';
import type { Package } from '../packages/package';
import { fullVersion } from './inventory';

/** Types of package URLs by libguestfs's names of the formats. */
const types: Readonly<Record<string, string>> = { deb: 'deb', rpm: 'rpm', apk: 'apk', pacman: 'alpm' };

/** Names of distributions where others than their own are used. */
const namespaces: Readonly<Record<string, string>> = { rhel: 'redhat', sles: 'suse', sled: 'suse' };

/** Package URL of a package of a language. */
export function languagePurl(type: 'pypi' | 'npm' | 'gem', { name, version }: Package): string {
  const { PackageURL } = require('packageurl-js') as typeof import('packageurl-js');
  const [, scope, own = name] = (type === 'npm' && /^(@[^/]+)\/(.+)$/.exec(name)) || [];
  // As PEP 503 has it: names that differ only so are the same.
  const plain = type === 'pypi' ? own.toLowerCase().replace(/[-_.]+/g, '-') : own;
  return new PackageURL(type, scope, plain, version ?? undefined, undefined, undefined).toString();
}

type Describes = Pick<OperatingSystemReport, 'osRelease' | 'distro' | 'packageFormat' | 'versionText'>;

/** Package URL of a package of a system. */
export function purlOf(each: Package, system: Describes): string {
  const { PackageURL } = require('packageurl-js') as typeof import('packageurl-js');
  const type = types[system.packageFormat ?? ''] ?? 'generic';
  const id = system.osRelease?.ID ?? system.distro ?? '';
  const version = type === 'rpm' ? fullVersion({ ...each, epoch: 0 }) : fullVersion(each);
  return new PackageURL(
    type,
    namespaces[id] ?? (id || undefined),
    each.name,
    version || undefined,
    qualifiers(each, system, type, id),
    undefined,
  ).toString();
}

function qualifiers(each: Package, { osRelease, versionText }: Describes, type: string, id: string) {
  const told = {
    arch: each.arch,
    epoch: type === 'rpm' && each.epoch > 0 ? String(each.epoch) : null,
    distro: id && [id, osRelease?.VERSION_ID ?? versionText].filter(Boolean).join('-'),
    rpmmod: each.module,
    upstream: upstreamOf(each, type),
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value)) as Record<string, string>;
}

/** Source package, where it is another one; advisories are about these. */
function upstreamOf(each: Package, type: string): string | null {
  const { name, source, sourceVersion } = each;
  if (source === null) return null;
  if (type === 'rpm') return `${source}-${sourceVersion}.src.rpm`;
  const hasOwnVersion = sourceVersion !== null && sourceVersion !== fullVersion(each);
  if (source === name && !hasOwnVersion) return null;
  return hasOwnVersion ? `${source}@${sourceVersion}` : source;
}
