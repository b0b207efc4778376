// How a guest comes up and goes, and what a command does with it meanwhile.
import type { Guestfs } from '../guestfs';
import type { ImageFacts } from '../host/image-facts';
import type { ImageFile, VolumeKey } from '../inspect';
import { ProgressReporter } from '../progress';
import { Job } from '../progress/job';
import { ExitCode, UsageError } from './command';
import { failureOf, tellFailure } from './failures';
import { Notes } from './notes';
import type { LaunchArguments, MountArguments } from './options';
import { Results } from './results';

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

/** What is mounted: nothing, or all of the guest; to be changed: only when the command has been told to. */
export type Access = 'devices' | 'read' | 'write';

export interface SessionOptions {
  /** Of the command. */
  readonly name: string;
  readonly access: Access;
  readonly launch: LaunchArguments;
  readonly mount: MountArguments;
  readonly signal: AbortSignal;
  /** Tells the guest from others of the same command. */
  readonly label?: string | undefined;
}

/** From the launch of a guest to its end. */
export class Session {
  readonly #name: string;
  readonly #access: Access;
  readonly #launch: LaunchArguments;
  readonly #mount: MountArguments;
  readonly #signal: AbortSignal;
  readonly #label: string | undefined;
  readonly #reporter: ProgressReporter;
  readonly #notes: Notes;
  #hasFailed = false;

  constructor({ name, access, launch, mount, signal, label }: SessionOptions) {
    this.#name = name;
    this.#access = access;
    this.#launch = launch;
    this.#mount = mount;
    this.#signal = signal;
    this.#label = label;
    this.#reporter = new ProgressReporter({ format: launch.progress, label });
    this.#notes = new Notes(this.#reporter);
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
    const { readImage } = require('../host/image-facts') as typeof import('../host/image-facts');
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
      const { mountGuest } = require('../guests/mount') as typeof import('../guests/mount');
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
    tellFailure(failureOf(error, this.#name), this.#launch.progress, path, this.#label);
  }

  #note(text: string): void {
    this.#notes.tell(text, this.#label);
  }
}

/** Syncs, and tells when the image could not be written. */
async function leave(g: Guestfs): Promise<void> {
  await g.umountAll();
  await g.shutdown();
}
