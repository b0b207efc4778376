import { isRefusal } from '../guests/problems';
import type { FilesystemReport } from '../guests/report';
import { type Usage, usageOfDevice } from '../guests/usage';
import { humanSize, percentOf } from '../text/size';
import type { Column } from '../text/table';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { addOption, imageOperand, launchArguments, launchOptions } from './options';
import { Results } from './results';
import { type Guest, Session } from './session';
import { type DevicesOfGuest, examine } from './volumes';

interface Display {
  readonly json: boolean;
  readonly human: boolean;
  readonly inodes: boolean;
  /** Say of which image each filesystem is. */
  readonly images: boolean;
}

const description: Description = {
  name: 'df',
  summary: 'How full the filesystems of guests are',
  operands: [{ ...imageOperand, repeated: true }],
  about: [
    'Says how full each filesystem of a guest is, as df(1) in the guest would. Each is mounted read-only; what cannot be mounted is told on stderr, and swap has nothing to be told.',
    'Each IMAGE is a guest of its own; of several the first column says which. Further disks of one guest are added to it by --add.',
  ],
  options: [
    { name: 'human-readable', short: 'h', about: 'Sizes as 1.5 GiB instead of KiB' },
    { name: 'inodes', short: 'i', about: 'How many files there are, and can be' },
    {
      name: 'json',
      about:
        'Print JSON: an array of { image, device, type, label, uuid, size, used, available, inodes, inodesUsed, inodesFree }, in bytes',
    },
    addOption,
    ...launchOptions,
  ],
  examples: [
    { args: '-h *.qcow2', about: 'For people' },
    { args: "--json disk.qcow2 | jq '.[] | select(.available < 1e8)'", about: 'What will be full soon' },
  ],
  exitCodes: { 0: 'success', 1: 'a filesystem could not be mounted; the others are reported' },
};

export const command: Command = {
  description,
  async run(args, signal) {
    const parsed = parseArguments(description, args);
    const display = displayOf(parsed);
    const launch = launchArguments(parsed);
    const images = parsed.operands;
    const added = parsed.values('add');
    const isOne = images.length === 1;
    if (!isOne && added.length > 0)
      throw parsed.wrong('--add is for the disks of one guest, so of one IMAGE');
    const usages: ImageUsage[] = [];
    let code = ExitCode.success;
    for (const image of images) {
      const session = new Session({
        ...{ name: 'df', access: 'devices', launch, mount: {}, signal, label: isOne ? undefined : image },
      });
      const each = await session.run([image, ...added], async (guest) => {
        for (const usage of await usagesOf(guest)) usages.push({ image, ...usage });
      });
      if (each !== ExitCode.success) code = each;
    }
    const results = new Results({ signal });
    if (display.json) await results.json(usages, 2);
    else if (usages.length > 0) await results.table(...usageTable(usages, display));
    return code;
  },
};

function displayOf(args: Arguments): Display {
  return {
    json: args.has('json'),
    human: args.has('human-readable'),
    inodes: args.has('inodes'),
    images: args.operands.length > 1,
  };
}

type FilesystemUsage = Pick<FilesystemReport, 'device' | 'type' | 'label' | 'uuid'> & Omit<Usage, 'free'>;

export type ImageUsage = FilesystemUsage & {
  /** The image as it was given. */
  readonly image: string;
};

export async function usagesOf(guest: DevicesOfGuest & Pick<Guest, 'job'>): Promise<FilesystemUsage[]> {
  const { g, job, failed } = guest;
  const { mountable } = await examine(guest);
  const usages: FilesystemUsage[] = [];
  for (const [index, { device, type, label, uuid }] of mountable.entries()) {
    job.phase(device);
    try {
      const { free: _, ...usage } = await usageOfDevice(g, device);
      usages.push({ device, type, label, uuid, ...usage });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failed(error, device);
    }
    job.progress(index + 1, mountable.length);
  }
  return usages;
}

export function usageTable(
  usages: readonly ImageUsage[],
  { human, inodes, images }: Omit<Display, 'json'>,
): [columns: Column[], rows: string[][]] {
  const shown = (bytes: bigint) => (human ? humanSize(Number(bytes)) : String((bytes + 1023n) / 1024n));
  const whole = inodes ? 'INODES' : human ? 'SIZE' : 'KIB';
  const right = (heading: string): Column => ({ heading, align: 'right' });
  return [
    [
      ...(images ? [{ heading: 'IMAGE' }] : []),
      ...[{ heading: 'FILESYSTEM' }, { heading: 'TYPE' }, right(whole), right('USED')],
      ...[right(inodes ? 'FREE' : 'AVAILABLE'), right('USE%')],
    ],
    usages.map((usage) => {
      const { image, device, type } = usage;
      const [all, used, free] = inodes
        ? [usage.inodes, usage.inodesUsed, usage.inodesFree]
        : [usage.size, usage.used, usage.available];
      // Of what there is for other users than root, as df(1).
      const share = percentOf(Number(used), Number(used + free));
      const numbers = inodes ? [all, used, free].map(String) : [all, used, free].map(shown);
      return [...(images ? [image] : []), device, type, ...numbers, share];
    }),
  ];
}
