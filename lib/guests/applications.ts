// The packages of a system: what its own database says, else what libguestfs does, which says "none" where it does not know
// how to list them, too.
import { codeOf } from '../faults/kinds';
import type { Guestfs } from '../guestfs';
import { BadDatabase, type Package } from '../packages/package';
import { findDatabase, isReadable, readPackages } from '../packages/read';
import { GuestFiles } from '../packages/system-files';
import { readPrograms } from '../packages/windows';
import { describeApplication } from './operating-system';
import { isRefusal, type Problems } from './problems';
import type { ApplicationReport, OperatingSystemReport } from './report';

const code = 'ERR_GUESTFS_NO_PACKAGE_LIST';

/** Distributions without packages. */
const withoutPackages: ReadonlySet<string> = new Set(['buildroot', 'cirros', 'freedos', 'ttylinux']);

/**
 * Adds the packages of a mounted system; where they cannot be listed they stay null, with a problem that says why.
 * Returns what the database of the system says of them, if it is read.
 */
export async function addApplications(
  g: Guestfs,
  system: OperatingSystemReport,
  problems: Problems,
): Promise<readonly Package[]> {
  const { root, type, distro } = system;
  if (type === 'windows') return await addPrograms(g, system, problems);
  const files = new GuestFiles(g);
  const note = (message: string) => problems.note(root, code, message);
  try {
    // A distribution that libguestfs does not know may have packages of a format that is known.
    const found = system.packageFormat === null ? await findDatabase(files, note) : undefined;
    system.packageFormat ??= found?.format ?? null;
    const packages = found?.packages ?? (await readPackages(files, system.packageFormat ?? '', note));
    if (packages) {
      system.applications = packages.map(applicationOf);
      system.applicationsSource = 'database';
      return packages;
    }
    const { packageFormat } = system;
    if (isReadable(packageFormat ?? '')) problems.note(root, code, missing(packageFormat));
    else if (!withoutPackages.has(distro ?? '')) problems.note(root, code, unknownFormat(packageFormat));
  } catch (error) {
    if (error instanceof BadDatabase) await addOfDamaged(g, system, problems, error);
    else if (isRefusal(error)) noteRefusal(root, problems, error);
    else throw error;
  }
  return [];
}

/** Programs of Windows by its registry; where that cannot be read, what libguestfs makes of it. */
async function addPrograms(
  g: Guestfs,
  system: OperatingSystemReport,
  problems: Problems,
): Promise<readonly Package[]> {
  const { root, windows } = system;
  const note = (message: string) => problems.note(root, code, message);
  let why: string | undefined;
  try {
    if (windows?.softwareHive && (await g.featureAvailable(['hivex']))) {
      const programs = await readPrograms(g, windows.softwareHive, note);
      system.applications = programs.map((each) => {
        const { displayName, installPath } = each;
        return { ...applicationOf(each.package), displayName, installPath };
      });
      system.applicationsSource = 'database';
      // Keys may be but numbers: people, and bills of materials, know programs by what they are called.
      return programs.map((each) => ({ ...each.package, name: each.displayName }));
    }
  } catch (error) {
    if (!isRefusal(error) && !(error instanceof BadDatabase)) throw error;
    why = error.message;
  }
  await addListed(g, system, problems);
  if (why !== undefined && system.applications)
    note(`programs of single users are not listed: the registry could not be read (${why})`);
  return [];
}

/** The program that has written a database may read what is not understood here. */
async function addOfDamaged(
  g: Guestfs,
  system: OperatingSystemReport,
  problems: Problems,
  { message }: BadDatabase,
): Promise<void> {
  const { root, packageFormat } = system;
  try {
    const applications = await g.inspectListApplications2(root);
    if (applications.length > 0) {
      system.applications = applications.map(describeApplication);
      system.applicationsSource = 'libguestfs';
      return;
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const what = `the database of packages (${packageFormat}) is damaged, or of a kind that is not known: ${message}`;
  problems.note(root, code, `${what}; which are installed is not known`);
}

async function addListed(g: Guestfs, system: OperatingSystemReport, problems: Problems): Promise<void> {
  try {
    system.applications = (await g.inspectListApplications2(system.root)).map(describeApplication);
    system.applicationsSource = 'libguestfs';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    noteRefusal(system.root, problems, error);
  }
}

function noteRefusal(root: string, problems: Problems, error: Error & { operation: string }): void {
  problems.note(root, codeOf(error), `the packages could not be listed: ${error.message}`, error.operation);
}

function applicationOf(each: Package): ApplicationReport {
  const { name, epoch, version, release, arch, source, sourceVersion, license, installedSize } = each;
  const { installTime, origin, module, url, summary, description, vendor } = each;
  return {
    ...{ name, displayName: null, epoch, version, release, arch, installPath: null, publisher: vendor, url },
    ...{ source, sourceVersion, license, installedSize, installTime, origin, module, summary, description },
  };
}

const missing = (format: string | null) =>
  `the database of packages (${format}) is not there: which are installed is not known`;

function unknownFormat(format: string | null): string {
  const what = format === null ? 'of this system' : `of the format ${format}`;
  return `packages ${what} cannot be listed: which are installed is not known`;
}
