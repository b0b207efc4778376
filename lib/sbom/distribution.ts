// What a system calls itself, in the words by which scanners know distributions: those of os-release(5).
import type { OperatingSystemReport } from '../guests/report';

export interface Distribution {
  /** Name as `ID` of os-release(5) has it; null where none is known. */
  readonly id: string | null;
  /** Version; where there is none, as of what is always being made, the name of the next one. */
  readonly version: string | null;
}

export type Describes = Pick<OperatingSystemReport, 'osRelease' | 'distro' | 'versionText'>;

/** Names of libguestfs's where a system has no os-release, and its `ID` would be another. */
const ids: ReadonlyMap<string, string> = new Map([
  ['alpinelinux', 'alpine'],
  ['archlinux', 'arch'],
  ['oraclelinux', 'ol'],
  ['scientificlinux', 'scientific'],
]);

/** Names of libguestfs's for what it knows no more of than its family. */
const families: ReadonlySet<string> = new Set(['redhat-based', 'suse-based']);

export function distributionOf({ osRelease, distro, versionText }: Describes): Distribution {
  const { ID, VERSION_ID, BUILD_ID, VERSION_CODENAME } = osRelease ?? {};
  const name = distro !== null && !families.has(distro) ? (ids.get(distro) ?? distro) : null;
  return {
    id: ID || name,
    version: VERSION_ID || BUILD_ID || VERSION_CODENAME || versionText || null,
  };
}
