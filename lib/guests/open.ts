// The one way in which guests are opened, and come to their end.
import { faultError } from '../faults/errors';
import type { Fault } from '../faults/faults';
import { Guestfs } from '../guestfs';
import type { ImageFacts } from '../host/image-facts';
import type { ImageFile } from '../host/image-types';
import { withoutAugeas } from '../launch/augeas';
import type { GuestfsOptions } from '../launch/handle-options';
import type { LaunchOptions } from '../launch/options';
import { signals } from '../options/abort-signals';
import { onlyWatches } from '../options/callbacks';
import type { ProgressEvent } from '../options/types';
import { openSource } from '../sources/open';
import { Workspace } from '../sources/workspace';
import type { VolumeKey } from './keys';
import { type MountPlan, mountGuest } from './mount';

/** Ways to open a guest. */
export interface GuestOptions extends Pick<LaunchOptions, 'timeout' | 'accel' | 'template'> {
  /** Method or command in whose name errors are told. */
  readonly operation: string;
  /** Whether the guest is to be changed; default false. */
  readonly writable?: boolean | undefined;
  /** Keys to try on encrypted volumes where something is to be mounted. */
  readonly keys?: readonly VolumeKey[] | undefined;
  /** Choice of what to mount once the appliance is up; default: nothing. */
  readonly mount?: Pick<MountPlan, 'root' | 'mountable' | 'onError' | 'onLeftOut'> | undefined;
  /** Gives the guest up. One that is only read is killed at once, wherever it is; what is being written is not. */
  readonly signal?: AbortSignal | undefined;
  readonly handleOptions?: GuestfsOptions | undefined;
  /** Receives the handle before anything is asked of it: ours are `watching`, others may use all of it. */
  readonly onHandle?: ((handle: Guestfs) => void) | undefined;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Hears, before anything is launched, what people should know of an image that can be read all the same. */
  readonly onNote?: ((note: Fault) => void) | undefined;
}

/** Opens a guest for as long as `use` works with it. The first failure is the one that is told. */
export async function withGuest<T>(
  files: readonly ImageFile[],
  options: GuestOptions,
  use: (guest: OpenGuest) => Promise<T>,
): Promise<T> {
  const guest = await OpenGuest.prepare(files, options);
  try {
    await guest.open();
    const result = await use(guest);
    await guest.leave();
    return result;
  } catch (error) {
    if (options.writable) await guest.leave().catch(() => undefined);
    throw error;
  } finally {
    await guest.close();
  }
}

/** A guest from its handle to its end. Whatever happens, `close()` has to be called. */
export class OpenGuest {
  readonly g: Guestfs;
  readonly images: readonly ImageFacts[];
  readonly #options: GuestOptions;
  readonly #workspace: Workspace;
  readonly #unfollow: (() => void) | undefined;
  /** Whether the appliance runs, or is being launched. */
  #isUp = false;

  private constructor(images: readonly ImageFacts[], workspace: Workspace, options: GuestOptions) {
    const { signal, writable, handleOptions, onHandle } = options;
    this.images = images;
    this.#options = options;
    this.#workspace = workspace;
    this.g = new Guestfs(handleOptions);
    this.g[withoutAugeas] = onHandle === undefined || onlyWatches(onHandle);
    if (signal && !writable) this.#unfollow = signals.follow(signal, this.kill);
  }

  /** Checks the images of a guest, one after the other, and reads what the host can tell of them. Nothing is launched. */
  static async prepare(files: readonly ImageFile[], options: GuestOptions): Promise<OpenGuest> {
    const { operation, signal, handleOptions } = options;
    const workspace = new Workspace(temporaryFolder(handleOptions));
    try {
      signal?.throwIfAborted();
      const images: ImageFacts[] = [];
      for (const file of files) images.push(await openSource(file, { operation, signal, workspace }));
      signal?.throwIfAborted();
      return new OpenGuest(images, workspace, options);
    } catch (error) {
      await workspace.remove();
      throw error;
    }
  }

  /** Adds the images, launches the appliance, and mounts what is to be mounted. */
  async open(): Promise<void> {
    const { writable = false, timeout, accel, template, signal, onHandle, onProgress } = this.#options;
    const { g } = this;
    this.#tellNotes();
    if (onProgress) g.on('progress', onProgress);
    onHandle?.(g);
    // Nothing will be written that would have to be synced.
    if (!writable) await g.setAutosync(false);
    for (const { absolutePath, format, blocksize } of this.images) {
      await g.addDrive(absolutePath, { readonly: !writable, format, blocksize, signal });
    }
    this.#isUp = true;
    await g.launch({ timeout, accel, template, signal }).catch((error: unknown) => {
      this.#isUp = false;
      throw error;
    });
    await this.#mount();
    signal?.throwIfAborted();
  }

  /** Tells what is odd about the images, and refuses to write to one to which qemu does not. */
  #tellNotes(): void {
    const { operation, writable, onNote } = this.#options;
    for (const note of this.images.flatMap(({ notes }) => notes)) {
      if (writable && note.code === 'ERR_GUESTFS_IMAGE_CORRUPT') throw faultError(operation, note);
      onNote?.(note);
    }
  }

  async #mount(): Promise<void> {
    const { mount, operation, keys = [], writable } = this.#options;
    if (mount) await mountGuest(this.g, this.images, { ...mount, operation, keys, writable });
  }

  /** Gives up what is being asked of the guest. */
  readonly kill = (): void => {
    // The handle's drives, which may fail to be restored, are not needed any more.
    this.g.kill().catch(() => undefined);
  };

  /** Ends the work: unmounts and syncs what may have been written, and tells when that could not be done. */
  async leave(): Promise<void> {
    if (!this.#isUp) return;
    this.#isUp = false;
    if (!this.#options.writable) return;
    await this.g.umountAll();
    await this.g.shutdown();
  }

  /** Leaves nothing of the appliance. What is only read is not waited for where the work has not come to its end. */
  async close(): Promise<void> {
    this.#unfollow?.();
    if (this.#isUp && !this.#options.writable) await this.g.kill().catch(() => undefined);
    await this.g.close();
    await this.#workspace.remove();
  }
}

/** The folder that libguestfs uses too. */
function temporaryFolder({ tmpdir, environment = true }: GuestfsOptions = {}): string {
  const { LIBGUESTFS_TMPDIR, TMPDIR } = process.env;
  return tmpdir ?? ((environment && (LIBGUESTFS_TMPDIR || TMPDIR)) || '/tmp');
}
