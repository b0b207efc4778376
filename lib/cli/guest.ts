// The commands that launch one guest: the options that they share, and how it comes up and goes.
import type { Guestfs } from '../guestfs';
import type { ImageFile, VolumeKey } from '../inspect';
import type { ImageFacts } from '../inspect/image';
import type { Accelerator } from '../launch';
import { type ProgressFormat, ProgressReporter } from '../progress';
import { toJson } from '../progress/to-json';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode, type Operand, type Option, UsageError } from './command';
import { failureOf, tellFailure } from './failures';
import { Job } from './job';
import { parseKey } from './keys';
import { Results } from './results';

export const imageOperand: Operand = { name: 'IMAGE', file: true };

export const jsonOption: Option = { name: 'json', about: 'Print JSON' };

const progressFormats = ['auto', 'bar', 'text', 'json', 'none'] as const satisfies ProgressFormat[];
const accelerators = ['auto', 'kvm', 'tcg'] as const satisfies Accelerator[];

export const formatOption: Option = {
  name: 'format',
  value: 'FORMAT',
  about:
    'Format of the images, as raw or qcow2; default: detected. Give it for raw images that a guest could write to: a guest may fake another format, to make other files of this machine be read',
};

export const progressOption: Option = {
  name: 'progress',
  value: 'FORMAT',
  choices: progressFormats,
  about: 'Progress on stderr; default auto: bars on a terminal, else lines. With json, errors are JSON too',
};

/** Options of every command that launches a guest. */
export const launchOptions: readonly Option[] = [
  formatOption,
  {
    name: 'key',
    value: 'KEY',
    multiple: true,
    about:
      'Key of encrypted volumes, [DEVICE:]file:PATH or [DEVICE:]key:STRING. Others can see the arguments of a running program: prefer file',
  },
  progressOption,
  { name: 'accel', value: 'ACCEL', choices: accelerators, about: 'How the appliance runs; default auto' },
  {
    name: 'timeout',
    value: 'SECONDS',
    about: 'Give up when the appliance is not up after that time',
  },
];

export const addOption: Option = {
  name: 'add',
  short: 'a',
  value: 'IMAGE',
  multiple: true,
  file: true,
  about: 'A further disk of the same guest, in their order',
};

export const mountOptions: readonly Option[] = [
  {
    name: 'root',
    value: 'DEVICE',
    about: 'The operating system to look into, where there are several, as inspect names it: /dev/sda2',
  },
  {
    name: 'mount',
    value: 'DEVICE',
    about:
      'Look into this filesystem, and into no other; default: the operating system with all its filesystems, or the only filesystem there is',
  },
];

/** Options of the commands that look into the files of a guest. */
export const guestOptions: readonly Option[] = [addOption, ...mountOptions, ...launchOptions];

/** What {@link launchOptions} say. */
export interface LaunchArguments {
  readonly format: string | undefined;
  readonly keys: readonly VolumeKey[];
  readonly progress: ProgressFormat;
  readonly accel: Accelerator;
  readonly timeout: number | undefined;
}

export function launchArguments(args: Arguments): LaunchArguments {
  return {
    format: args.value('format'),
    keys: args.values('key').map(parseKey),
    progress: (args.value('progress') ?? 'auto') as ProgressFormat,
    accel: (args.value('accel') ?? 'auto') as Accelerator,
    timeout: args.milliseconds('timeout'),
  };
}

/** What {@link mountOptions} say. */
export interface MountArguments {
  readonly root?: string | undefined;
  readonly mountable?: string | undefined;
}

export function mountArguments(args: Arguments): MountArguments {
  if (args.has('root') && args.has('mount')) throw args.wrong('--root and --mount exclude each other');
  return { root: args.value('root'), mountable: args.value('mount') };
}

/** What a command works with. */
export interface Guest {
  readonly g: Guestfs;
  readonly images: readonly ImageFacts[];
  readonly keys: readonly VolumeKey[];
  readonly results: Results;
  readonly job: Job;
  readonly signal: AbortSignal;
  /** Something failed, and the command goes on; it ends with exit code 1. */
  failed(error: unknown, path?: string): void;
  /** Something that people should know, and that is no failure. */
  note(text: string): void;
}

export type Work = (guest: Guest) => Promise<void>;

/** How a command uses a guest. */
export interface GuestCommand {
  readonly description: Description;
  /** What is mounted: nothing, or all of the guest; to be changed: only when the command has been told to. */
  readonly access: 'devices' | 'read' | 'write';
  /**
   * Reads the command's own arguments; the first operand is the image.
   *
   * @throws UsageError
   */
  plan(args: Arguments): Work;
  /** What can be found out to be wrong before anything is launched. @throws UsageError */
  check?(args: Arguments): Promise<void>;
}

export function guestCommand({ description, access, plan, check }: GuestCommand): Command {
  return {
    description,
    async run(args, signal) {
      const parsed = parseArguments(description, args);
      const launch = launchArguments(parsed);
      const work = plan(parsed);
      await check?.(parsed);
      const paths = [parsed.operands[0] as string, ...parsed.values('add')];
      const mount = mountArguments(parsed);
      return await new Session({ name: description.name, access, launch, mount, signal }).run(paths, work);
    },
  };
}

export interface SessionOptions {
  /** Of the command. */
  readonly name: string;
  readonly access: GuestCommand['access'];
  readonly launch: LaunchArguments;
  readonly mount: MountArguments;
  readonly signal: AbortSignal;
  /** Tells the guest from others of the same command. */
  readonly label?: string | undefined;
}

/** From the launch of a guest to its end. */
export class Session {
  readonly #name: string;
  readonly #access: GuestCommand['access'];
  readonly #launch: LaunchArguments;
  readonly #mount: MountArguments;
  readonly #signal: AbortSignal;
  readonly #label: string | undefined;
  readonly #reporter: ProgressReporter;
  #hasFailed = false;

  constructor({ name, access, launch, mount, signal, label }: SessionOptions) {
    this.#name = name;
    this.#access = access;
    this.#launch = launch;
    this.#mount = mount;
    this.#signal = signal;
    this.#label = label;
    this.#reporter = new ProgressReporter({ format: launch.progress, label });
  }

  async run(paths: readonly string[], work: Work): Promise<ExitCode> {
    try {
      const images = await this.#read(paths);
      await this.#withHandle((g) => this.#use(g, images, work));
    } catch (error) {
      if (this.#signal.aborted || error instanceof UsageError) throw error;
      this.#fail(error);
    } finally {
      this.#reporter.close();
    }
    return this.#hasFailed ? ExitCode.failure : ExitCode.success;
  }

  async #read(paths: readonly string[]): Promise<ImageFacts[]> {
    const { readImage } = require('../inspect/image') as typeof import('../inspect/image');
    const images: ImageFacts[] = [];
    for (const path of paths) {
      const file: ImageFile = { path, format: this.#launch.format };
      images.push(await readImage(file, this.#signal, this.#name));
    }
    return images;
  }

  /** Whatever happens, nothing of the appliance is left. */
  async #withHandle(use: (g: Guestfs) => Promise<void>): Promise<void> {
    this.#signal.throwIfAborted();
    // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
    const { Guestfs } = require('../guestfs') as typeof import('../guestfs');
    const g = new Guestfs();
    const kill = () => void g.kill().catch(() => undefined);
    // What is being written is brought to an end in order.
    if (!this.#writes) this.#signal.addEventListener('abort', kill, { once: true });
    try {
      await use(g);
    } finally {
      this.#signal.removeEventListener('abort', kill);
      // What is only read has nothing to be synced.
      if (!this.#writes) await g.kill().catch(() => undefined);
      await g.close();
    }
  }

  async #use(g: Guestfs, images: readonly ImageFacts[], work: Work): Promise<void> {
    g.on('warning', (text) => this.#note(text));
    this.#reporter.attach(g);
    if (!this.#writes) await g.setAutosync(false);
    for (const { absolutePath, format } of images) {
      await g.addDrive(absolutePath, { readonly: !this.#writes, format });
    }
    const { timeout, accel } = this.#launch;
    await g.launch({ timeout, accel, signal: this.#signal });
    if (!this.#writes) return await this.#work(g, images, work);
    try {
      await this.#work(g, images, work);
    } catch (error) {
      await leave(g).catch(() => undefined); // the first failure is the one to be told
      throw error;
    }
    await leave(g);
  }

  async #work(g: Guestfs, images: readonly ImageFacts[], work: Work): Promise<void> {
    const { keys } = this.#launch;
    if (this.#access !== 'devices') {
      const { mountGuest } = require('../inspect/mount') as typeof import('../inspect/mount');
      await mountGuest(g, images, {
        ...this.#mount,
        keys,
        operation: this.#name,
        writable: this.#writes,
        // What is to be changed must be whole: else something would be written to where a filesystem should be.
        onError: this.#writes ? undefined : (error, place) => this.#fail(error, place),
      });
      this.#signal.throwIfAborted();
    }
    // From now on it is the whole that people want to follow, not its calls.
    this.#reporter.detach(g);
    const results = new Results({ signal: this.#signal, beforeWrite: () => this.#reporter.clear() });
    const job = new Job(this.#name);
    this.#reporter.attach(job);
    job.start();
    const guest = {
      ...{ g, images, keys, results, job, signal: this.#signal },
      failed: (error: unknown, path?: string) => this.#fail(error, path),
      note: (text: string) => this.#note(text),
    };
    try {
      await work(guest);
      job.end(undefined);
    } catch (error) {
      job.end(error as Error);
      throw error;
    }
  }

  get #writes(): boolean {
    return this.#access === 'write';
  }

  #fail(error: unknown, path?: string): void {
    this.#hasFailed = true;
    this.#reporter.clear();
    const place = [this.#label, path].filter((each) => each !== undefined).join(': ');
    tellFailure(failureOf(error, this.#name), this.#launch.progress, place || undefined);
  }

  #note(text: string): void {
    // Whoever asked for JSON on stderr gets nothing else there.
    const message = this.#label === undefined ? text : `${this.#label}: ${text}`;
    if (this.#reporter.format === 'json') process.stderr.write(`${toJson({ type: 'note', message })}\n`);
    else this.#reporter.line(`guestfs: ${message}`);
  }
}

/** Syncs, and tells when the image could not be written. */
async function leave(g: Guestfs): Promise<void> {
  await g.umountAll();
  await g.shutdown();
}
