import { AbortError } from '../faults/errors';
import { Pool } from '../guests/pool';
import { isRefusal } from '../guests/problems';
import type { FilesystemReport } from '../guests/report';
import { type Usage, usageOfDevice } from '../guests/usage';
import { shownName } from '../sources/uri';
import { columnsOf } from '../text/columns';
import { printable } from '../text/printable';
import { humanSize, percentOf } from '../text/size';
import type { Column } from '../text/table';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { ImagesReporter } from './images';
import {
  addOption,
  checkOneGuest,
  concurrencyOption,
  imageOperand,
  launchArguments,
  launchOptions,
} from './options';
import { reporterFor } from './progress';
import { Results } from './results';
import { type Guest, Session } from './session';
import { defaultConcurrency } from './side-by-side';
import { type DevicesOfGuest, examine } from './volumes';

interface Display {
  readonly json: boolean;
  readonly human: boolean;
  readonly inodes: boolean;
  /** The images, of which each line says its own where there are several. */
  readonly images: readonly string[];
}

const description: Description = {
  name: 'df',
  summary: 'How full the filesystems of guests are',
  operands: [{ ...imageOperand, repeated: true }],
  about: [
    'Says how full each filesystem of a guest is, as df(1) in the guest would. Each is mounted read-only; what cannot be mounted is told on stderr, and swap has nothing to be told.',
    'Each IMAGE is a guest of its own. Several are looked into side by side, and each is printed when it is done: the first column says which it is. Further disks of one guest are added to it by --add.',
    'With --progress json each line is an object, its label the IMAGE; those of the operation df without a label count the IMAGEs.',
  ],
  options: [
    { name: 'human-readable', short: 'h', about: 'Sizes as 1.5 GiB instead of KiB' },
    { name: 'inodes', short: 'i', about: 'How many files there are, and can be' },
    {
      name: 'json',
      about:
        'Print JSON: an array of { image, device, type, label, uuid, size, used, available, inodes, inodesUsed, inodesFree }, in bytes',
    },
    concurrencyOption,
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
    checkOneGuest(parsed);
    const { progress } = launchArguments(parsed);
    const display = displayOf(parsed);
    const reporter = new ImagesReporter(display.images, reporterFor(progress), 'df');
    const guests = new Guests(parsed, reporter, signal);
    try {
      const results = new Results({ signal, beforeWrite: () => reporter.clear() });
      await print(guests.usages(), results, display);
    } catch (error) {
      // What had been told before counts, whoever wants no more of it.
      if (!signal.aborted || !guests.haveFailed) throw error;
    } finally {
      reporter.close();
    }
    return guests.haveFailed ? ExitCode.failure : ExitCode.success;
  },
};

function displayOf(args: Arguments): Display {
  return {
    json: args.has('json'),
    human: args.has('human-readable'),
    inodes: args.has('inodes'),
    images: args.operands.map(shownName),
  };
}

type FilesystemUsage = Pick<FilesystemReport, 'device' | 'type' | 'label' | 'uuid'> & Omit<Usage, 'free'>;

export type ImageUsage = FilesystemUsage & {
  /** The image as it was given. */
  readonly image: string;
};

/** Looks into guests side by side. */
class Guests {
  readonly #args: Arguments;
  readonly #reporter: ImagesReporter;
  readonly #signal: AbortSignal;
  readonly #sessions: Session[] = [];

  constructor(args: Arguments, reporter: ImagesReporter, signal: AbortSignal) {
    this.#args = args;
    this.#reporter = reporter;
    this.#signal = signal;
  }

  get haveFailed(): boolean {
    return this.#sessions.some((session) => session.hasFailed);
  }

  /** The usages of each guest, when they are all known. */
  usages(): AsyncIterable<readonly ImageUsage[]> {
    const concurrency = this.#args.count('concurrency');
    return new Pool(this.#args.operands, {
      signal: this.#signal,
      aborted: (reason) => new AbortError('df', reason),
      concurrency: () => concurrency ?? defaultConcurrency(this.#args.operands.length),
      run: (image, index, signal) => this.#usagesOf(image, index, signal),
    });
  }

  async #usagesOf(path: string, index: number, signal: AbortSignal): Promise<ImageUsage[]> {
    const image = shownName(path);
    const isOne = this.#args.operands.length === 1;
    const session = new Session({
      ...{ name: 'df', access: 'devices', launch: launchArguments(this.#args), mount: {}, signal },
      oneOfSeveral: isOne ? undefined : { label: image, view: this.#reporter.view(index) },
    });
    this.#sessions.push(session);
    const usages: ImageUsage[] = [];
    await session.run([path, ...this.#args.values('add')], async (guest) => {
      for (const usage of await usagesOf(guest)) usages.push({ image, ...usage });
    });
    return usages;
  }
}

export async function usagesOf(guest: DevicesOfGuest & Pick<Guest, 'job'>): Promise<FilesystemUsage[]> {
  const { g, job, failed, note } = guest;
  const { mountable } = await examine(guest);
  if (mountable.length === 0) note('there is no filesystem that could be mounted');
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

/** Prints each guest as it is done. */
export async function print(
  guests: AsyncIterable<readonly ImageUsage[]>,
  results: Results,
  display: Display,
): Promise<void> {
  if (display.json) {
    const json = results.growingJson();
    for await (const usages of guests) await json.add(usages);
    await json.end();
    return;
  }
  const table = results.growingTable(usageColumns(display));
  for await (const usages of guests) {
    if (usages.length > 0) await table(usages.map((usage) => usageRow(usage, display)));
  }
}

function usageColumns({ human, inodes, images }: Omit<Display, 'json'>): Column[] {
  const areSeveral = images.length > 1;
  // Most of what comes later fits into these.
  const column = (heading: string, least: number, align: Column['align'] = 'right'): Column => ({
    ...{ heading, align },
    ...(areSeveral && { least }),
  });
  const digits = human ? 8 : 10;
  return [
    ...(areSeveral ? [column('IMAGE', widest(images), 'left')] : []),
    ...[column('FILESYSTEM', 10, 'left'), column('TYPE', 5, 'left')],
    column(inodes ? 'INODES' : human ? 'SIZE' : 'KIB', digits),
    ...[column('USED', digits), column(inodes ? 'FREE' : 'AVAILABLE', digits), column('USE%', 4)],
  ];
}

function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, columnsOf(printable(text))), 0);
}

function usageRow(usage: ImageUsage, { human, inodes, images }: Omit<Display, 'json'>): string[] {
  const { image, device, type } = usage;
  const [all, used, free] = inodes
    ? [usage.inodes, usage.inodesUsed, usage.inodesFree]
    : [usage.size, usage.used, usage.available];
  // Of what there is for other users than root, as df(1).
  const share = percentOf(Number(used), Number(used + free));
  const shown = (bytes: bigint) => (human ? humanSize(Number(bytes)) : String((bytes + 1023n) / 1024n));
  const numbers = [all, used, free].map(inodes ? String : shown);
  return [...(images.length > 1 ? [image] : []), device, type, ...numbers, share];
}
