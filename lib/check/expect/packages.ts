import { errorFor } from '../../faults/errors';
import type { ApplicationReport, OperatingSystemReport } from '../../guests/report';
import { printable } from '../../text/printable';
import type { Sighting } from '../rule';
import type { Expectations } from './expectations';
import { isInRange, parseRange } from './ranges';

/** How packages differ from what is expected of them. @throws GuestfsError where they are not known */
export function unexpectedPackages(
  { applications, packageFormat, root }: OperatingSystemReport,
  expected: NonNullable<Expectations['packages']>,
): Sighting[] {
  if (applications === null)
    throw errorFor({
      ...{ code: 'ERR_GUESTFS_NO_PACKAGE_LIST', operation: 'check' },
      problem: `the packages of the system on ${root} are not known: what is expected of them was not looked at`,
    });
  return Object.entries(expected).flatMap(([name, what]): Sighting[] => {
    // A name may say the architecture too, as with dpkg.
    const [, own = name, arch] = /^(.+):([a-z\d_-]+)$/.exec(name) ?? [];
    const found = applications.filter(
      (each) => each.name === own && (arch === undefined || each.arch === arch),
    );
    const versions = found.map(versionOf).join(', ');
    if (what === 'absent')
      return found.length > 0
        ? [{ seen: `the package ${name} (${versions}) is installed, and should not be` }]
        : [];
    if (found.length === 0) return [{ seen: `the package ${name} is not installed` }];
    const bounds = what === 'present' ? [] : (parseRange(what) ?? []);
    // Kernels may be there in several versions.
    if (found.some((each) => isInRange(packageFormat ?? '', each, bounds))) return [];
    return [{ seen: `the package ${name} is ${versions}, and should be ${what}` }];
  });
}

function versionOf({ epoch, version, release }: ApplicationReport): string {
  return printable(`${epoch > 0 ? `${epoch}:` : ''}${version ?? ''}${release === null ? '' : `-${release}`}`);
}
