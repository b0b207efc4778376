// What has changed from the packages of one system to those of another.
import type { Package } from './package';
import { compareVersions } from './versions';

/** A package that is in one of two systems only, or in both with other versions. */
export interface PackageChange<T> {
  /** What has happened; newer and older are as the package manager orders versions. */
  readonly change: 'added' | 'removed' | 'upgraded' | 'downgraded';
  /** Name of the package. */
  readonly name: string;
  /** Architecture in the words of the package manager; null where it does not tell. */
  readonly arch: string | null;
  /** Package as the first system has it; null where it has not. */
  readonly before: T | null;
  /** Package as the second system has it; null where it has not. */
  readonly after: T | null;
}

type Comparable = Pick<Package, 'name' | 'arch' | 'epoch' | 'version' | 'release'>;

/** Changes in the order of the names. Of a package that is there in several versions (RPM's kernels) each is one. */
export function comparePackages<T extends Comparable>(
  format: string,
  before: readonly T[],
  after: readonly T[],
): PackageChange<T>[] {
  const [old, fresh] = [grouped(before), grouped(after)];
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return keys.flatMap((key) => changesOf(format, old.get(key) ?? [], fresh.get(key) ?? []));
}

function grouped<T extends Comparable>(packages: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of packages) {
    const key = `${each.name}\0${each.arch ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

function changesOf<T extends Comparable>(
  format: string,
  before: readonly T[],
  after: readonly T[],
): PackageChange<T>[] {
  const isSame = (a: T, b: T) => compareVersions(format, a, b) === 0;
  const gone = before.filter((a) => !after.some((b) => isSame(a, b)));
  const come = after.filter((b) => !before.some((a) => isSame(a, b)));
  const [was, is] = [gone[0], come[0]];
  if (before.length === 1 && after.length === 1 && was && is) {
    const change = compareVersions(format, was, is) < 0 ? 'upgraded' : 'downgraded';
    return [{ change, name: is.name, arch: is.arch, before: was, after: is }];
  }
  return [
    ...gone.map((each) => ({
      change: 'removed' as const,
      name: each.name,
      arch: each.arch,
      before: each,
      after: null,
    })),
    ...come.map((each) => ({
      change: 'added' as const,
      name: each.name,
      arch: each.arch,
      before: null,
      after: each,
    })),
  ];
}
