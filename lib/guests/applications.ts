// The packages of a system. libguestfs says "none" where it does not know how to list them, too.
import { codeOf } from '../faults/kinds';
import type { Guestfs } from '../guestfs';
import { describeApplication } from './operating-system';
import { isRefusal, type Problems } from './problems';
import type { OperatingSystemReport } from './report';

const code = 'ERR_GUESTFS_NO_PACKAGE_LIST';

/** Formats of which libguestfs reads the database. */
const listable: ReadonlySet<string> = new Set(['apk', 'deb', 'pacman', 'rpm']);

/** Formats of which libguestfs says "none" also where it cannot read the database. */
const mute: ReadonlySet<string> = new Set(['apk', 'pacman', 'rpm']);

/** Distributions without packages. */
const withoutPackages: ReadonlySet<string> = new Set(['buildroot', 'cirros', 'freedos', 'ttylinux']);

/** Adds the packages of a mounted system; where they cannot be listed they stay null, with a problem that says why. */
export async function addApplications(
  g: Guestfs,
  system: OperatingSystemReport,
  problems: Problems,
): Promise<void> {
  const { root, type, distro, packageFormat } = system;
  const isWindows = type === 'windows';
  if (!isWindows && !listable.has(packageFormat ?? '')) {
    if (withoutPackages.has(distro ?? '')) return;
    const what = packageFormat === null ? 'of this system' : `of the format ${packageFormat}`;
    problems.note(root, code, `libguestfs cannot list packages ${what}: which are installed is not known`);
    return;
  }
  try {
    const applications = await g.inspectListApplications2(root);
    if (applications.length > 0 || isWindows || !mute.has(packageFormat ?? '')) {
      system.applications = applications.map(describeApplication);
      return;
    }
    problems.note(root, code, unreadable(packageFormat));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { operation, message } = error;
    if (codeOf(error) === 'ERR_GUESTFS_MESSAGE_TOO_LARGE') {
      const why = 'the list of packages is larger than a message of libguestfs can be, 4 MiB';
      const advice = `copy their database out (\`guestfs copy-out\`; ${placesOf(packageFormat)}), and ask its own program`;
      problems.note(root, codeOf(error), `${why}: ${advice}`, operation);
    } else if (/: rpmts\w+$/.test(message)) {
      // So it says that librpm gives it no iterator.
      problems.note(root, code, unreadable(packageFormat), operation);
    } else {
      problems.note(root, codeOf(error), `the packages could not be listed: ${message}`, operation);
    }
  }
}

function unreadable(format: string | null): string {
  return `the database of packages (${format}) is not there, is empty or is of a kind that libguestfs's appliance cannot read: which are installed is not known`;
}

function placesOf(format: string | null): string {
  return format === 'rpm' ? '/var/lib/rpm or /usr/lib/sysimage/rpm' : 'the folder of the package manager';
}
