/** What is to be told of a guest, known from making it. */
import type { InspectionReport } from '../../../lib';
import type { Guest } from './guests';
import type { Volume } from './layout';
import { type MadeGuest, reported } from './maker';
import type { Package } from './packages';

type Filesystems = readonly { readonly device: string; readonly uuid: string | null }[];

/** Packages of a system, a line each. */
export const packagesOf = ({ packages }: Guest['system']) => packages.map(packageLine).sort();

/** What a system mounts. */
export function expectedMounts({ system }: Guest, { volumes }: MadeGuest, filesystems: Filesystems) {
  const deviceOf = (volume: Volume) => reported(volume, filesystems);
  const mounted = volumes.filter(({ path }) => path?.startsWith('/'));
  const mountpoints = Object.fromEntries(mounted.map((volume) => [volume.path, deviceOf(volume)]));
  const inside = system.deployment ? { '/sysroot': mountpoints['/'], '/var': mountpoints['/'] } : {};
  return {
    mountpoints: { ...mountpoints, ...inside },
    swaps: volumes.filter(({ path }) => path === 'swap').map(deviceOf),
  };
}

/** The part of a report that making a guest tells beforehand. */
export function expectedSystem(guest: Guest, made: MadeGuest, filesystems: Filesystems) {
  const { system } = guest;
  const packages = system.unlisted === undefined ? packagesOf(system) : null;
  return { ...system.tells, ...expectedMounts(guest, made, filesystems), packages };
}

/** The same of what a report tells. */
export function toldSystem(system: InspectionReport['operatingSystems'][number]) {
  const { type, distro, versionText, productName, arch, hostname, packageFormat } = system;
  const { mountpoints, filesystems, applications } = system;
  return {
    ...{ type, distro, versionText, productName, arch, hostname, packageFormat },
    mountpoints: Object.fromEntries(mountpoints.map(({ path, device }) => [path, device])),
    swaps: filesystems.filter((each) => !mountpoints.some(({ device }) => device === each)),
    packages: applications?.map(applicationLine).sort() ?? null,
  };
}

/** Whether these are the codes of a report's problems: libguestfs tells of more systems from release to release. */
export function areExpectedProblems({ system }: Guest, codes: readonly string[]): boolean {
  const rest = codes.filter((code) => !system.isUnknown || code !== 'ERR_GUESTFS_NOT_RECOGNISED');
  return rest.join() === (system.unlisted === undefined ? '' : 'ERR_GUESTFS_NO_PACKAGE_LIST');
}

/** Filesystems: type, label and UUID by device. */
export function expectedFilesystems({ volumes }: MadeGuest, filesystems: Filesystems) {
  return Object.fromEntries(
    volumes.map((volume) => [
      reported(volume, filesystems),
      [volume.type, volume.label, volume.uuid || null],
    ]),
  );
}

const packageLine = ({ name, epoch, version, release, arch }: Package) =>
  [name, `${epoch ? `${epoch}:` : ''}${version}${release ? `-${release}` : ''}`, arch].join(' ').trim();

function applicationLine({
  name,
  epoch,
  version,
  release,
  arch,
}: NonNullable<InspectionReport['operatingSystems'][number]['applications']>[number]): string {
  return packageLine({
    ...{ name, epoch, version: version ?? '', arch: arch ?? '' },
    ...(release !== null && { release }),
  });
}
