import { AbortError, GuestfsError } from '../faults/errors';
import { textOf } from '../faults/faults';
import type { Isoinfo } from '../generated/structs';
import type { Guestfs } from '../guestfs';
import { addApplications } from '../guests/applications';
import { beginReport, Devices } from '../guests/devices';
import { checkImages, type Inspectable } from '../guests/images';
import { type OpenGuest, withGuest } from '../guests/open';
import { describeSystem } from '../guests/operating-system';
import { addOwnWords } from '../guests/own-words';
import { Problems } from '../guests/problems';
import type { FilesystemReport, InspectionReport, IsoReport, OperatingSystemReport } from '../guests/report';
import { mountedUsage, type Usage, usageOfDevice } from '../guests/usage';
import type { ImageFacts } from '../host/image-facts';
import { type CheckedInspectOptions, checkOptions, type InspectOptions } from './options';

/** `inspect()`, as index.ts explains it. */
export async function inspect(images: Inspectable, options: InspectOptions = {}): Promise<InspectionReport> {
  const files = checkImages(images);
  const checked = checkOptions(options);
  try {
    return await withGuest(files, { ...checked, operation: 'inspect' }, (guest) => examine(guest, checked));
  } catch (error) {
    if (checked.signal?.aborted) throw new AbortError('inspect', checked.signal.reason);
    throw error;
  }
}

async function examine({ g, images }: OpenGuest, options: CheckedInspectOptions): Promise<InspectionReport> {
  const report = beginReport(images, await g.listDevices());
  const problems = new Problems(report.problems);
  noteImages(images, report, problems);
  const devices = new Devices(g, report, problems, options.keys);
  try {
    await devices.examine();
    if (devices.mountable.length > 0) await examineSystems(g, report, problems, options);
    await examineFilesystems(g, devices.mountable, problems);
  } catch (error) {
    // A crafted or broken filesystem has crashed the appliance: what was found before is still worth having.
    const crashed = error instanceof GuestfsError && error.code === 'ERR_GUESTFS_TERMINATED';
    if (!crashed || options.signal?.aborted) throw error;
    problems.noteError(null, error);
  }
  return report;
}

async function examineSystems(
  g: Guestfs,
  report: InspectionReport,
  problems: Problems,
  options: CheckedInspectOptions,
): Promise<void> {
  const roots = (await problems.attempt(null, () => g.inspectOs())) ?? [];
  for (const root of roots) report.operatingSystems.push(await describeSystem(g, root, problems));
  for (const [index, system] of report.operatingSystems.entries()) {
    if (index > 0) await problems.attempt(null, () => g.umountAll());
    await examineMounted(g, system, report.filesystems, problems, options);
  }
}

/** Mounts a system as it would itself, once for the sizes and the applications. */
async function examineMounted(
  g: Guestfs,
  system: OperatingSystemReport,
  filesystems: readonly FilesystemReport[],
  problems: Problems,
  { applications = true, icon = false }: CheckedInspectOptions,
): Promise<void> {
  for (const { path, device } of system.mountpoints) {
    const filesystem = filesystems.find((each) => each.device === device);
    const usage = await problems.attempt(device, () => mountedUsage(g, device, path));
    if (usage && filesystem) noteUsage(filesystem, usage);
    // Without its root there is nothing to be seen.
    if (!usage && path === '/') return;
  }
  const { root } = system;
  await addOwnWords(g, system, problems);
  if (applications) await addApplications(g, system, problems);
  if (icon) {
    const png = await problems.attempt(root, () => g.inspectGetIcon(root));
    system.icon = png && png.length > 0 ? png.toString('base64') : null;
  }
}

/** Examines the filesystems that belong to no system. */
async function examineFilesystems(
  g: Guestfs,
  filesystems: readonly FilesystemReport[],
  problems: Problems,
): Promise<void> {
  for (const filesystem of filesystems) {
    const { device } = filesystem;
    if (filesystem.type === 'iso9660') {
      const isoinfo = await problems.attempt(device, () => g.isoinfoDevice(device));
      if (isoinfo) filesystem.iso = describeIso(isoinfo);
    }
    if (filesystem.size !== null) continue;
    const usage = await problems.attempt(device, () => usageOfDevice(g, device));
    if (usage) noteUsage(filesystem, usage);
  }
}

/** What the host has found odd about the images. */
function noteImages(images: readonly ImageFacts[], report: InspectionReport, problems: Problems): void {
  for (const [index, { notes }] of images.entries()) {
    const device = report.images[index]?.device ?? null;
    for (const note of notes) problems.note(device, note.code, textOf(note));
  }
}

/** Blocks of filesystems have 512 bytes at least, so that a double holds their sizes exactly up to 2^62 bytes. */
function noteUsage(filesystem: FilesystemReport, { size, used, free }: Usage): void {
  Object.assign(filesystem, { size: Number(size), used: Number(used), free: Number(free) });
}

export function describeIso(isoinfo: Isoinfo): IsoReport {
  return {
    volumeId: isoinfo.isoVolumeId || null,
    systemId: isoinfo.isoSystemId || null,
    publisherId: isoinfo.isoPublisherId || null,
    dataPreparerId: isoinfo.isoDataPreparerId || null,
    applicationId: isoinfo.isoApplicationId || null,
    created: isoTime(isoinfo.isoVolumeCreationT),
    modified: isoTime(isoinfo.isoVolumeModificationT),
  };
}

/** libguestfs says -1 where there is no date. */
function isoTime(seconds: bigint): string | null {
  const date = new Date(Number(seconds) * 1000);
  return seconds < 0n || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
