// What a command does with a guest, from its launch to its end, and what it tells of it.
import type { Guestfs } from '../guestfs';
import type { GuestOptions, OpenGuest } from '../guests/open';
import type { ImageFacts } from '../host/image-facts';
import type { VolumeKey } from '../inspect';
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
    const { format } = this.#launch;
    const files = paths.map((path) => ({ path, format }));
    try {
      // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
      const { withGuest } = require('../guests/open') as typeof import('../guests/open');
      await withGuest(files, this.#guestOptions, (guest) => this.#work(guest, work));
    } catch (error) {
      if (this.#signal.aborted || error instanceof UsageError) throw error;
      this.#fail(error);
    } finally {
      this.#reporter.close();
    }
    return this.#hasFailed ? ExitCode.failure : ExitCode.success;
  }

  get #guestOptions(): GuestOptions {
    const { keys, timeout, accel } = this.#launch;
    const writable = this.#access === 'write';
    return {
      ...{ operation: this.#name, writable, keys, timeout, accel, signal: this.#signal },
      // What is to be changed must be whole: else something would be written to where a filesystem should be.
      ...(this.#access !== 'devices' && {
        mount: {
          ...this.#mount,
          onError: writable ? undefined : (error, place) => this.#fail(error, place),
        },
      }),
      onHandle: (g) => {
        g.on('warning', (text) => this.#note(text));
        this.#reporter.attach(g);
      },
    };
  }

  async #work({ g, images }: OpenGuest, work: Work): Promise<void> {
    // From now on it is the whole that people want to follow, not its calls.
    this.#reporter.detach(g);
    const results = new Results({ signal: this.#signal, beforeWrite: () => this.#reporter.clear() });
    const job = new Job(this.#name);
    this.#reporter.attach(job);
    job.start();
    const guest = {
      ...{ g, images, keys: this.#launch.keys, results, job, signal: this.#signal },
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

  #fail(error: unknown, path?: string): void {
    this.#hasFailed = true;
    this.#reporter.clear();
    tellFailure(failureOf(error, this.#name), this.#launch.progress, path, this.#label);
  }

  #note(text: string): void {
    this.#notes.tell(text, this.#label);
  }
}
