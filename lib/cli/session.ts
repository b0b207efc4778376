// What a command does with a guest, from its launch to its end, and what it tells of it.
import { faultError } from '../faults/errors';
import { textOf } from '../faults/faults';
import type { Guestfs } from '../guestfs';
import type { GuestOptions, OpenGuest } from '../guests/open';
import { isHarmless } from '../guests/problems';
import type { ImageFacts } from '../host/image-facts';
import type { VolumeKey } from '../inspect';
import { watching } from '../options/callbacks';
import { Job } from '../progress/job';
import { shownName } from '../sources/uri';
import { ExitCode, UsageError } from './command';
import { failureOf, tellFailure } from './failures';
import type { LaunchArguments, MountArguments } from './options';
import { Results } from './results';
import { type GuestView, viewOfOne } from './view';

/** Guest, and whatever else a command works with. */
export interface Guest {
  readonly g: Guestfs;
  readonly images: readonly ImageFacts[];
  readonly keys: readonly VolumeKey[];
  readonly results: Results;
  readonly job: Job;
  readonly signal: AbortSignal;
  /** The path of a file in what is mounted: of a Windows, also by its own names for it. */
  at(path: string): Promise<string>;
  /** Tells that something failed, and that the command goes on; it will end with exit code 1. */
  failed(error: unknown, path?: string): void;
  /** Tells what people should know, and what is no failure. */
  note(text: string): void;
}

export type Work = (guest: Guest) => Promise<void>;

/** Access of a command to a guest: to its devices, or to its mounted files, to read them or also to change them. */
export type Access = 'devices' | 'read' | 'write';

export interface SessionOptions {
  /** Name of the command. */
  readonly name: string;
  readonly access: Access;
  readonly launch: LaunchArguments;
  readonly mount: MountArguments;
  readonly signal: AbortSignal;
  /** Label and view of one of several guests: what tells it from the others, and its part of what is seen. */
  readonly oneOfSeveral?: { readonly label: string; readonly view: GuestView } | undefined;
}

/** A command's work with one guest, from its launch to its end. */
export class Session {
  readonly #options: SessionOptions;
  readonly #view: GuestView;
  /** The first failure that has been told. */
  #failure: Error | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#view = options.oneOfSeveral?.view ?? viewOfOne(options.launch);
  }

  /** Whether a failure has been told, be it the end of the work or not. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Rejects when it is aborted, unless something had failed before: that counts, whoever wants no more of it. */
  async run(paths: readonly string[], work: Work): Promise<ExitCode> {
    const { launch, signal } = this.#options;
    const files = paths.map((path) => ({ ...launch.image, path }));
    let end: Error | undefined;
    this.#view.begin(shownName(paths[0] ?? ''), this.#options.name);
    try {
      // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
      const { withGuest } = require('../guests/open') as typeof import('../guests/open');
      await withGuest(files, this.#guestOptions, async (guest) => {
        await this.#work(guest, work);
        if (this.#failure) guest.fails(this.#failure);
      });
    } catch (error) {
      end = error as Error;
      if (error instanceof UsageError) throw error;
      if (!signal.aborted) this.#fail(error);
      else if (!this.hasFailed) throw error;
    } finally {
      this.#view.close(end ?? this.#failure);
    }
    return this.hasFailed ? ExitCode.failure : ExitCode.success;
  }

  get #guestOptions(): GuestOptions {
    const { name, access, launch, mount, signal } = this.#options;
    const { keys, timeout, accel, template } = launch;
    const writable = access === 'write';
    return {
      ...{ operation: name, writable, keys, timeout, accel, template, signal },
      // What is to be changed must be whole: else something would be written to where a filesystem should be.
      ...(access !== 'devices' && {
        mount: {
          ...{ ...mount, onError: writable ? undefined : (error, place) => this.#fail(error, place) },
          onLeftOut: (error) => this.#view.note(failureOf(error, name).message),
        },
      }),
      onProgress: this.#view.unpack,
      onHandle: watching((g: Guestfs) => this.#view.open(g)),
      onNote: (note) => isHarmless(note.code) || this.#fail(faultError(name, note)),
    };
  }

  async #work({ g, images }: OpenGuest, work: Work): Promise<void> {
    const { name, access, launch, mount, signal } = this.#options;
    const { GuestPaths } = require('../guests/windows-paths') as typeof import('../guests/windows-paths');
    const paths = new GuestPaths(g, name, { ...mount, writable: access === 'write' });
    const job = new Job(name);
    this.#view.work(g, job);
    for (const note of images.flatMap((image) => image.notes)) {
      if (isHarmless(note.code)) this.#view.note(textOf(note));
    }
    job.start();
    const guest = {
      ...{ g, images, keys: launch.keys, job, signal },
      results: new Results({ signal, beforeWrite: () => this.#view.clear() }),
      at: (path: string) => paths.resolve(path),
      failed: (error: unknown, path?: string) => this.#fail(error, path),
      note: (text: string) => this.#view.note(text),
    };
    try {
      await work(guest);
      job.end(this.#failure);
    } catch (error) {
      job.end(error as Error);
      throw error;
    }
  }

  #fail(error: unknown, path?: string): void {
    const { name, launch, oneOfSeveral } = this.#options;
    this.#failure ??= error as Error;
    this.#view.clear();
    tellFailure(failureOf(error, name), launch.progress, path, oneOfSeveral?.label);
  }
}
