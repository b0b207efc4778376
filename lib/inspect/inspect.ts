import { AbortError, GuestfsError } from '../faults/errors';
import { textOf } from '../faults/faults';
import type { Isoinfo } from '../generated/structs';
import type { Guestfs } from '../guestfs';
import { beginReport, Devices } from '../guests/devices';
import { checkImages, type Inspectable } from '../guests/images';
import { type OpenGuest, withGuest } from '../guests/open';
import { Problems } from '../guests/problems';
import type { FilesystemReport, InspectionReport, IsoReport, VolumeReport } from '../guests/report';
import { SubvolumeLists } from '../guests/subvolumes';
import { usageOfDevice } from '../guests/usage';
import { Volumes } from '../guests/volumes';
import type { ImageFacts } from '../host/image-facts';
import { type CheckedInspectOptions, checkOptions, type InspectOptions } from './options';
import { addSubvolumes, noteUnclean, noteUsage, Systems, shareUsage, type Visit } from './systems';

/** `inspect()`, as index.ts explains it. */
export async function inspect(images: Inspectable, options: InspectOptions = {}): Promise<InspectionReport> {
  return await inspectWith('inspect', images, checkOptions(options));
}

/** What is known of a guest when its systems have been looked at. */
export interface ExaminedGuest {
  readonly g: Guestfs;
  readonly report: InspectionReport;
  readonly problems: Problems;
  /** Filesystems that can be mounted, those of the systems among them. */
  readonly filesystems: readonly FilesystemReport[];
}

/** Takes a look at the guest as a whole. Nothing stays mounted for it. */
export type VisitGuest = (guest: ExaminedGuest) => Promise<void>;

/** Inspects for another operation, which looks at each system while that is mounted, and then at the whole. */
export async function inspectWith(
  operation: string,
  images: Inspectable,
  options: CheckedInspectOptions,
  visit?: Visit,
  visitGuest?: VisitGuest,
): Promise<InspectionReport> {
  const files = checkImages(images);
  const began = performance.now();
  let launched = began;
  const passed = (end: number) => Math.round(end - began);
  try {
    const report = await withGuest(files, { ...options, operation }, (guest) => {
      launched = performance.now();
      return examine(guest, options, visit, visitGuest);
    });
    if (options.times) report.times = { launch: passed(launched), total: passed(performance.now()) };
    return report;
  } catch (error) {
    if (options.signal?.aborted) throw new AbortError(operation, options.signal.reason);
    throw error;
  }
}

async function examine(
  { g, images }: OpenGuest,
  options: CheckedInspectOptions,
  visit: Visit | undefined,
  visitGuest: VisitGuest | undefined,
): Promise<InspectionReport> {
  const report = beginReport(images, await g.listDevices());
  const problems = new Problems(report.problems);
  noteImages(images, report, problems);
  const devices = new Devices(g, report, problems, options.keys);
  const subvolumes = new SubvolumeLists(g);
  try {
    await devices.examine();
    await addSubvolumes(report, devices.mountable, subvolumes);
    const systems = new Systems(g, report, problems, devices, subvolumes, options, visit);
    if (devices.mountable.length > 0) await systems.examine();
    const others = devices.mountable.filter(({ device }) => !systems.failed.has(device));
    await examineFilesystems(g, others, problems);
    shareUsage(report.filesystems);
    await noteUnclean(g, devices.mountable, problems);
    if (options.volumes) report.volumes = await volumesOf(g, devices, report, problems);
    if (options.usage) report.usage = await systems.usage(others);
    await visitGuest?.({ g, report, problems, filesystems: others });
  } catch (error) {
    // A crafted or broken filesystem has crashed the appliance: what was found before is still worth having.
    const crashed = error instanceof GuestfsError && error.code === 'ERR_GUESTFS_TERMINATED';
    if (!crashed || options.signal?.aborted) throw error;
    problems.noteError(null, error);
  }
  return report;
}

async function volumesOf(
  g: Guestfs,
  { members, physicalVolumes, logicalVolumes }: Devices,
  report: InspectionReport,
  problems: Problems,
): Promise<VolumeReport[]> {
  // It lists subvolumes by itself.
  const filesystems = report.filesystems.filter(({ device }) => !device.startsWith('btrfsvol:'));
  const examined = {
    report: { ...report, filesystems },
    members,
    physicalVolumes,
    logicalVolumes,
    errors: problems.errors,
  };
  const noted = (error: unknown, device?: string) =>
    problems.noteError(device ?? null, error as GuestfsError);
  const volumes = await new Volumes(g, examined, noted).list();
  return volumes.map(({ size, parents, ...volume }) => ({
    ...volume,
    size: size === null ? null : Number(size),
    parents: [...parents],
  }));
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
