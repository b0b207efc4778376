// Filesystems from which machines boot, mounted one after the other for rules about the guest as a whole.
import type { WalkEntry } from '../bulk/entry';
import type { Guestfs } from '../guestfs';
import { orNull } from '../guests/problems';
import { mountReadOnly } from '../guests/read-only';
import type { InspectionReport, OperatingSystemReport, PartitionReport } from '../guests/report';

/** Types of partitions from which firmware boots: EFI system partitions, and what boot loaders add to them. */
const gptTypes = new Set(['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'BC13C2FF-59E6-4262-A352-B275FD6F7172']);

const efiMbr = 0xef;

const isBoot = ({ gptType, mbrId }: PartitionReport) => gptTypes.has(gptType ?? '') || mbrId === efiMbr;

/** Filesystems from which firmware may boot: those of such partitions, and all of FAT. */
export function firmwareFilesystems({ partitions, filesystems }: InspectionReport): string[] {
  const boots = new Set(partitions.filter(isBoot).map(({ device }) => device));
  const mountable = filesystems.filter(({ size }) => size !== null);
  return mountable
    .filter(({ device, type }) => type === 'vfat' || boots.has(device))
    .map(({ device }) => device);
}

/** Mounts a system as it would itself; which of its filesystems cannot be mounted has been told. */
export async function mountAgain(g: Guestfs, { mountpoints }: OperatingSystemReport): Promise<void> {
  await g.umountAll();
  for (const { path, device } of mountpoints) {
    if (path === '/') await mountReadOnly(g, device, path);
    else await orNull(g.realpath(path).then((place) => mountReadOnly(g, device, place)));
  }
}

/** Entries a few folders deep; none where there is no such folder. */
export async function* shallow(g: Guestfs, folder: string, depth: number): AsyncGenerator<WalkEntry> {
  if (!(await g.isDir(folder, { followsymlinks: true }))) return;
  const real = folder === '/' ? folder : await g.realpath(folder);
  yield* g.walk(real, { maxDepth: depth });
}
