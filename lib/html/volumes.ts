// The volumes of a report, also of one that was made without the option `volumes`.
import { isPartOf } from '../guests/blkid';
import type { InspectionReport, VolumeReport } from '../guests/report';
import { type VolumeNode, volumeTree } from '../guests/volume-tree';

export function nodesOf(report: InspectionReport): VolumeNode[] {
  return volumeTree(report.volumes ?? knownVolumes(report));
}

/** What the rest of a report tells of volumes: what LVM and RAID put together is not in it. */
function knownVolumes({ images, partitions, filesystems, encrypted }: InspectionReport): VolumeReport[] {
  const mappings = new Map(encrypted.map(({ device, mapping }) => [mapping, device]));
  const parentsOf = (name: string) => {
    const below =
      mappings.get(name) ??
      images.find(({ device }) => isPartOf(name, device))?.device ??
      filesystems.find(({ device }) => name.startsWith(`btrfsvol:${device}/`))?.device;
    return below === undefined ? [] : [below];
  };
  const volume = (name: string, kind: VolumeReport['kind'], more: Partial<VolumeReport>): VolumeReport => ({
    ...{ name, kind, type: null, label: null, size: null, uuid: null, parents: parentsOf(name) },
    ...more,
  });
  return [
    ...images.map(({ device, virtualSize, partitionTable }) =>
      volume(device, 'device', { type: partitionTable, size: virtualSize, parents: [] }),
    ),
    ...partitions.map(({ device, size, label }) => volume(device, 'partition', { size, label })),
    ...encrypted.map(({ device, type, uuid }) => volume(device, 'encrypted', { type, uuid })),
    ...filesystems.map(({ device, type, label, uuid }) =>
      volume(device, 'filesystem', { type, label, uuid }),
    ),
  ];
}
