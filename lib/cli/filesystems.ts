import type { VolumeNode } from '../guests/volume-tree';
import type { Volume, VolumeKind } from '../guests/volumes';
import { printable } from '../text/printable';
import { humanSize } from '../text/size';
import type { Column } from '../text/table';
import { type GuestCommand, guestCommand } from './guest';
import { addOption, imageOperand, launchOptions } from './options';
import { volumesOf } from './volumes';

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
      { name: 'graph', about: 'Show as a tree what lies on what, from the disks up' },
      {
        name: 'json',
        about: 'Print JSON: an array of { name, kind, type, label, size, parents, uuid }, in bytes',
      },
      addOption,
      ...launchOptions,
    ],
    examples: [
      { args: 'disk.qcow2', about: 'What can be mounted' },
      { args: '--graph disk.qcow2', about: 'What lies on what' },
      { args: '--all --key file:passphrase disk.qcow2', about: 'Everything, encrypted volumes opened' },
    ],
    exitCodes: { 0: 'success', 1: 'something could not be examined; the rest is listed' },
  },
  access: 'devices',
  plan(args) {
    if (args.has('graph') && args.has('json')) throw args.wrong('--graph and --json exclude each other');
    const asked = Object.keys(kinds).filter((option) => args.has('all') || args.has(option));
    const wanted = (asked.length > 0 ? asked : ['filesystems']).flatMap((option) => kinds[option] ?? []);
    return async (guest) => {
      const { results } = guest;
      if (args.has('graph')) {
        for (const line of volumeGraph(await volumesOf(guest))) await results.line(line);
        return;
      }
      const all = await volumesOf(guest, wanted);
      const volumes = wanted.flatMap((kind) => all.filter((volume) => volume.kind === kind));
      if (args.has('json')) await results.json(volumes, 2);
      else await results.table(...volumeTable(volumes));
    };
  },
};

export const command = guestCommand(definition);

/** Lines of a tree: `├─ /dev/sda1  partition 0x83, ext4 "root", 20 GiB` */
export function volumeGraph(volumes: readonly Volume[]): string[] {
  const { volumeTree } = require('../guests/volume-tree') as typeof import('../guests/volume-tree');
  const linesOf = (node: VolumeNode, first: string, rest: string): string[] => {
    const last = node.children.length - 1;
    return [
      `${first}${describeNode(node)}`,
      ...node.children.flatMap((child, index) =>
        index < last
          ? linesOf(child, `${rest}├─ `, `${rest}│  `)
          : linesOf(child, `${rest}└─ `, `${rest}   `),
      ),
    ];
  };
  return volumeTree(volumes).flatMap((node) => linesOf(node, '', ''));
}

const kindNames: Readonly<Record<VolumeKind, string | null>> = {
  ...{ device: 'disk', partition: 'partition', encrypted: 'encrypted', filesystem: null },
  ...{ pv: 'physical volume', vg: 'volume group', lv: 'logical volume' },
};

function describeNode({ name, volumes, again }: VolumeNode): string {
  if (again) return `${printable(name)}  (see above)`;
  const layers = volumes.map(({ kind, type, label }) =>
    [kindNames[kind], type, label === null ? null : JSON.stringify(label)].filter(Boolean).join(' '),
  );
  const size = volumes.find((each) => each.size !== null)?.size ?? null;
  const parts = [...layers, ...(size === null ? [] : [humanSize(Number(size))])];
  return `${printable(name)}  ${printable(parts.filter(Boolean).join(', '))}`;
}

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
