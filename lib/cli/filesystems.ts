import { humanSize } from '../text/size';
import type { Column } from '../text/table';
import { type GuestCommand, guestCommand } from './guest';
import { addOption, imageOperand, launchOptions } from './options';
import { type Volume, type VolumeKind, volumesOf } from './volumes';

/** Kinds by the options that ask for them, in the order of the output. */
const kinds: Readonly<Record<string, VolumeKind>> = {
  filesystems: 'filesystem',
  encrypted: 'encrypted',
  lvs: 'lv',
  vgs: 'vg',
  pvs: 'pv',
  partitions: 'partition',
  devices: 'device',
};

const definition: GuestCommand = {
  description: {
    name: 'filesystems',
    summary: 'List filesystems, partitions, logical volumes and devices of a guest',
    operands: [imageOperand],
    about: [
      'Lists what is on the disks of a guest: its filesystems, or what the options name, with types, labels, sizes, what each lies on, and UUIDs. No filesystem is mounted.',
    ],
    options: [
      { name: 'filesystems', about: 'Filesystems, swap too; the default' },
      { name: 'encrypted', about: 'Encrypted volumes, opened or not' },
      { name: 'lvs', about: 'Logical volumes of LVM' },
      { name: 'vgs', about: 'Volume groups' },
      { name: 'pvs', about: 'Physical volumes' },
      { name: 'partitions', about: 'Partitions' },
      { name: 'devices', about: 'Disks, in the order of the IMAGEs' },
      { name: 'all', about: 'All of these' },
      {
        name: 'json',
        about: 'Print JSON: an array of { name, kind, type, label, size, parents, uuid }, in bytes',
      },
      addOption,
      ...launchOptions,
    ],
    examples: [
      { args: 'disk.qcow2', about: 'What can be mounted' },
      { args: '--all --key file:passphrase disk.qcow2', about: 'Everything, encrypted volumes opened' },
    ],
    exitCodes: { 0: 'success', 1: 'something could not be examined; the rest is listed' },
  },
  access: 'devices',
  plan(args) {
    const asked = Object.keys(kinds).filter((option) => args.has('all') || args.has(option));
    const wanted = (asked.length > 0 ? asked : ['filesystems']).flatMap((option) => kinds[option] ?? []);
    return async (guest) => {
      const { results } = guest;
      const all = await volumesOf(guest, wanted);
      const volumes = wanted.flatMap((kind) => all.filter((volume) => volume.kind === kind));
      if (args.has('json')) await results.json(volumes, 2);
      else await results.table(...volumeTable(volumes));
    };
  },
};

export const command = guestCommand(definition);

export function volumeTable(volumes: readonly Volume[]): [columns: Column[], rows: string[][]] {
  const columns: Column[] = [
    ...[{ heading: 'NAME' }, { heading: 'KIND' }, { heading: 'TYPE' }, { heading: 'LABEL' }],
    ...[{ heading: 'SIZE', align: 'right' } as const, { heading: 'PARENTS' }, { heading: 'UUID' }],
  ];
  const rows = volumes.map(({ name, kind, type, label, size, parents, uuid }) => [
    ...[name, kind, type ?? '-', label ?? '-', size === null ? '-' : humanSize(Number(size))],
    ...[parents.join(', ') || '-', uuid ?? '-'],
  ]);
  return [columns, rows];
}
