import type { Statvfs } from '../generated/structs';
import type { ImageFacts } from '../inspect/image';
import { isRefusal } from '../inspect/problems';
import { addOption, type Guest, type GuestCommand, guestCommand, imageOperand, launchOptions } from './guest';
import { humanSize } from './size';
import type { Column } from './table';

interface Display {
  readonly json: boolean;
  readonly human: boolean;
  readonly inodes: boolean;
}

const definition: GuestCommand = {
  description: {
    name: 'df',
    summary: 'How full the filesystems of a guest are',
    operands: [imageOperand],
    about: [
      'Says how full each filesystem of a guest is, as df(1) in the guest would. Each is mounted read-only; what cannot be mounted is told on stderr, and swap has nothing to be told.',
    ],
    options: [
      { name: 'human-readable', short: 'h', about: 'Sizes as 1.5 GiB instead of KiB' },
      { name: 'inodes', short: 'i', about: 'How many files there are, and can be' },
      {
        name: 'json',
        about:
          'Print JSON: an array of { device, type, label, size, used, available, inodes, inodesUsed, inodesFree }, in bytes',
      },
      addOption,
      ...launchOptions,
    ],
    examples: [
      { args: '-h disk.qcow2', about: 'For people' },
      { args: '--json disk.qcow2 | jq ".[] | select(.available < 1e8)"', about: 'What will be full soon' },
    ],
    exitCodes: { 0: 'success', 1: 'a filesystem could not be mounted; the others are reported' },
  },
  access: 'devices',
  plan(args) {
    const display = {
      json: args.has('json'),
      human: args.has('human-readable'),
      inodes: args.has('inodes'),
    };
    return (guest) => printUsage(guest, display);
  },
};

export const command = guestCommand(definition);

export interface Usage {
  readonly device: string;
  readonly type: string;
  readonly label: string | null;
  readonly size: number;
  readonly used: number;
  /** To other users than root. */
  readonly available: number;
  readonly inodes: number;
  readonly inodesUsed: number;
  readonly inodesFree: number;
}

async function printUsage(guest: Guest, display: Display): Promise<void> {
  const usages = await usagesOf(guest);
  const { results } = guest;
  if (display.json) await results.json(usages, 2);
  else await results.table(...usageTable(usages, display));
}

export async function usagesOf({
  g,
  images,
  keys,
  job,
  failed,
}: Pick<Guest, 'g' | 'keys' | 'job' | 'failed'> & { readonly images: readonly ImageFacts[] }): Promise<
  Usage[]
> {
  const { examineDevices } = require('../inspect/mount') as typeof import('../inspect/mount');
  const { mountable, report } = await examineDevices(g, images, keys);
  for (const { device, ...problem } of report.problems) failed(problem, device ?? undefined);
  const usages: Usage[] = [];
  for (const [index, { device, type, label }] of mountable.entries()) {
    job.phase(device);
    try {
      await g.umountAll();
      await g.mountRo(device, '/');
      usages.push({ device, type, label, ...usageOf(await g.statvfs('/')) });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, device);
    }
    job.progress(index + 1, mountable.length);
  }
  return usages;
}

function usageOf({ blocks, frsize, bfree, bavail, files, ffree }: Statvfs) {
  return {
    size: Number(blocks * frsize),
    used: Number((blocks - bfree) * frsize),
    available: Number(bavail * frsize),
    inodes: Number(files),
    inodesUsed: Number(files - ffree),
    inodesFree: Number(ffree),
  };
}

export function usageTable(
  usages: readonly Usage[],
  { human, inodes }: Pick<Display, 'human' | 'inodes'>,
): [columns: Column[], rows: string[][]] {
  const shown = (bytes: number) => (human ? humanSize(bytes) : String(Math.ceil(bytes / 1024)));
  const whole = inodes ? 'INODES' : human ? 'SIZE' : 'KIB';
  const right = (heading: string): Column => ({ heading, align: 'right' });
  return [
    [
      ...[{ heading: 'FILESYSTEM' }, { heading: 'TYPE' }, right(whole), right('USED')],
      ...[right(inodes ? 'FREE' : 'AVAILABLE'), right('USE%')],
    ],
    usages.map((usage) => {
      const { device, type, size, used, available } = usage;
      return inodes
        ? [
            ...[device, type, `${usage.inodes}`, `${usage.inodesUsed}`, `${usage.inodesFree}`],
            percent(usage.inodesUsed, usage.inodesFree),
          ]
        : [device, type, shown(size), shown(used), shown(available), percent(used, available)];
    }),
  ];
}

/** As df(1): of what there is for other users than root. */
function percent(used: number, free: number): string {
  return used + free > 0 ? `${Math.ceil((used / (used + free)) * 100)}%` : '-';
}
