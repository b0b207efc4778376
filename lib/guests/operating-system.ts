import type { Application2 } from '../generated/structs';
import { Guestfs } from '../guestfs';
import { orNull, type Problems } from './problems';
import type { ApplicationReport, OperatingSystemReport, WindowsReport } from './report';

/** Reads what `inspectOs()` has found out of a system; nothing needs to be mounted. */
export async function describeSystem(
  g: Guestfs,
  root: string,
  problems: Problems,
): Promise<OperatingSystemReport> {
  const attempt = <T>(call: (root: string) => Promise<T>) => problems.attempt(root, () => call(root));
  const ask = async (call: (root: string) => Promise<string>) => known(await attempt(call));
  const type = await ask((root) => g.inspectGetType(root));
  const isWindows = type === 'windows';
  const major = await attempt((root) => g.inspectGetMajorVersion(root));
  const minor = await attempt((root) => g.inspectGetMinorVersion(root));
  const driveMappings = isWindows ? await attempt((root) => g.inspectGetDriveMappings(root)) : undefined;
  return {
    root,
    type,
    distro: await ask((root) => g.inspectGetDistro(root)),
    version: major || minor ? { major: major ?? 0, minor: minor ?? 0 } : null,
    versionText: null,
    osRelease: null,
    productName: await ask((root) => g.inspectGetProductName(root)),
    productVariant: await ask((root) => g.inspectGetProductVariant(root)),
    arch: await ask((root) => g.inspectGetArch(root)),
    // libguestfs takes a line as it is, and systemd no blanks around it.
    hostname: (await ask((root) => g.inspectGetHostname(root)))?.trim() || null,
    osinfo: await ask((root) => g.inspectGetOsinfo(root)),
    packageFormat: await ask((root) => g.inspectGetPackageFormat(root)),
    packageManager: await ask((root) => g.inspectGetPackageManagement(root)),
    buildId: Guestfs.supports('inspectGetBuildId') ? await ask((root) => g.inspectGetBuildId(root)) : null,
    // What else it mounts stands in a table that is read once its root is mounted.
    mountpoints: [{ path: '/', device: root }],
    filesystems: [root],
    driveMappings: [...(driveMappings ?? [])].map(([drive, device]) => ({ drive, device })),
    applications: null,
    applicationsSource: null,
    icon: null,
    windows: isWindows ? await describeWindows(g, root) : null,
  };
}

async function describeWindows(g: Guestfs, root: string): Promise<WindowsReport> {
  return {
    systemroot: await orNull(g.inspectGetWindowsSystemroot(root)),
    currentControlSet: await orNull(g.inspectGetWindowsCurrentControlSet(root)),
    softwareHive: await orNull(g.inspectGetWindowsSoftwareHive(root)),
    systemHive: await orNull(g.inspectGetWindowsSystemHive(root)),
    currentBuild: null,
    displayVersion: null,
  };
}

/** A system of which no more is known than that it is one. */
export function unknownSystem(root: string): OperatingSystemReport {
  return {
    ...{ root, type: 'linux', distro: null, version: null, versionText: null, osRelease: null },
    ...{ productName: null, productVariant: null },
    ...{ arch: null, hostname: null, osinfo: null, packageFormat: null, packageManager: null, buildId: null },
    ...{ mountpoints: [{ path: '/', device: root }], filesystems: [root], driveMappings: [] },
    ...{ applications: null, applicationsSource: null, icon: null, windows: null },
  };
}

export function describeApplication(application: Application2): ApplicationReport {
  return {
    name: application.app2Name,
    displayName: application.app2DisplayName || null,
    epoch: application.app2Epoch,
    version: application.app2Version || null,
    release: application.app2Release || null,
    arch: application.app2Arch || null,
    installPath: application.app2InstallPath || null,
    publisher: application.app2Publisher || null,
    url: application.app2Url || null,
    source: application.app2SourcePackage || null,
    ...{
      sourceVersion: null,
      license: null,
      installedSize: null,
      installTime: null,
      origin: null,
      module: null,
    },
    summary: application.app2Summary || null,
    description: application.app2Description || null,
  };
}

/** libguestfs says "unknown" where it does not know. */
function known(text: string | undefined): string | null {
  return text === 'unknown' ? null : text || null;
}
