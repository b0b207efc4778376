import { errorFor } from '../faults/errors';
import { checkImages } from '../guests/images';
import type { ApplicationReport, InspectionReport, OperatingSystemReport } from '../guests/report';
import type { ImageSource } from '../host/image-types';
import { inspectWith } from '../inspect/inspect';
import { checkRead } from '../inspect/options';
import { readOptions } from '../options/read';
import { comparePackages } from '../packages/compare';
import type { DiffPackagesOptions, PackageDifference } from './options';

const operation = 'diffPackages';

/** `diffPackages()`, as index.ts explains it. */
export async function diffPackages(
  before: ImageSource | readonly ImageSource[],
  after: ImageSource | readonly ImageSource[],
  options: DiffPackagesOptions = {},
): Promise<PackageDifference[]> {
  const { root, ...others } = readOptions(operation, options) as DiffPackagesOptions;
  const checked = checkRead(operation, others as Record<string, unknown>, ['root']);
  const guests = [before, after].map((images) => checkImages(images, operation));
  // Side by side; where one fails, the other is given up.
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, ...(checked.signal ? [checked.signal] : [])]);
  const reports = await Promise.all(
    guests.map((images) =>
      inspectWith(operation, images, { ...checked, signal }).catch((error: unknown) => {
        abort.abort();
        throw error;
      }),
    ),
  );
  const [old, fresh] = reports.map((report) => systemIn(report, root)) as [Listed, Listed];
  return comparePackages(old.system.packageFormat ?? '', old.applications, fresh.applications);
}

interface Listed {
  readonly system: OperatingSystemReport;
  readonly applications: readonly ApplicationReport[];
}

/** @throws GuestfsError where it is not clear which system it is, or its packages are not known */
function systemIn(
  { operatingSystems, images, problems }: InspectionReport,
  root: string | undefined,
): Listed {
  const found = root === undefined ? operatingSystems : operatingSystems.filter((each) => each.root === root);
  const [system] = found;
  const name = images.map(({ path }) => path).join(', ');
  if (!system || found.length > 1) {
    const roots = operatingSystems.map((each) => each.root).join(', ') || 'none';
    throw errorFor({
      ...{ code: 'ERR_GUESTFS_NO_ROOT', operation },
      problem: `${name} has not just one operating system whose packages could be compared: ${roots}`,
      ...{ joint: ': ', hint: (named) => `name the one to compare by ${named('root')}` },
    });
  }
  const { applications } = system;
  if (applications) return { system, applications };
  const why = problems.find(({ device }) => device === system.root)?.message ?? 'its packages are not known';
  throw errorFor({ ...{ code: 'ERR_GUESTFS_NO_PACKAGE_LIST', operation }, problem: `${name}: ${why}` });
}
