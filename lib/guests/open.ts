// The one way in which guests are opened, and come to their end.
import { GuestTrace } from '../calls/tracing-channel';
import { faultError } from '../faults/errors';
import type { Fault } from '../faults/faults';
import { Guestfs } from '../guestfs';
import type { ImageFile } from '../host/image-types';
import { withoutAugeas } from '../launch/augeas';
import type { GuestfsOptions } from '../launch/handle-options';
import type { LaunchOptions } from '../launch/options';
import { signals } from '../options/abort-signals';
import { onlyWatches } from '../options/callbacks';
import type { ProgressEvent } from '../options/types';
import { domainIn, openSource } from '../sources/open';
import type { Opening, Source } from '../sources/opening';
import { shownName } from '../sources/uri';
import { Workspace } from '../sources/workspace';
import { addDomain } from './domains';
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
    guest.fails(error);
    if (options.writable) await guest.leave().catch(() => undefined);
    throw error;
  } finally {
    await guest.close();
  }
}

/** A guest of libvirt whose disks are not known yet. */
interface Domain {
  readonly domain: string;
  readonly file: ImageFile;
}

function isDomain(file: Source | Domain): file is Domain {
  return 'domain' in file;
}

/** A guest from its handle to its end. Whatever happens, `close()` has to be called. */
export class OpenGuest {
  readonly g: Guestfs;
  readonly #files: readonly (Source | Domain)[];
  #images: readonly Source[] = [];
  readonly #options: GuestOptions;
  readonly #workspace: Workspace;
  readonly #trace: GuestTrace;
  readonly #unfollow: (() => void) | undefined;
  /** Whether the appliance runs, or is being launched. */
  #isUp = false;

  private constructor(
    files: readonly (Source | Domain)[],
    workspace: Workspace,
    trace: GuestTrace,
    options: GuestOptions,
  ) {
    const { signal, writable, handleOptions, onHandle } = options;
    this.#files = files;
    this.#images = files.filter((each) => !isDomain(each)) as Source[];
    this.#options = options;
    this.#workspace = workspace;
    this.#trace = trace;
    this.g = new Guestfs(handleOptions);
    this.g[withoutAugeas] = onHandle === undefined || onlyWatches(onHandle);
    if (signal && !writable) this.#unfollow = signals.follow(signal, this.kill);
    trace.opens(this.g);
  }

  /** Disks of the guest, in their order; those of libvirt's guests are known once it is open. */
  get images(): readonly Source[] {
    return this.#images;
  }

  /** Checks the images of a guest, one after the other, and reads what the host can tell of them. Nothing is launched. */
  static async prepare(files: readonly ImageFile[], options: GuestOptions): Promise<OpenGuest> {
    const { operation, signal, handleOptions, writable = false } = options;
    const trace = new GuestTrace(
      operation,
      files.map(({ path }) => shownName(path)),
    );
    const workspace = new Workspace(temporaryFolder(handleOptions));
    const onUnpack = options.onProgress && unpackingProgress(options.onProgress);
    const opening = { operation, signal, workspace, writable, onUnpack };
    try {
      signal?.throwIfAborted();
      const checked: (Source | Domain)[] = [];
      for (const file of files) {
        const domain = domainIn(file.path);
        checked.push(...(domain === undefined ? await openSource(file, opening) : [{ domain, file }]));
      }
      signal?.throwIfAborted();
      return new OpenGuest(checked, workspace, trace, options);
    } catch (error) {
      trace.fails(error);
      await workspace.remove();
      trace.ends();
      throw error;
    }
  }

  /** Adds the images, launches the appliance, and mounts what is to be mounted. */
  async open(): Promise<void> {
    const { writable = false, timeout, accel, template, signal, onHandle, onProgress } = this.#options;
    const { g } = this;
    if (onProgress) g.on('progress', onProgress);
    onHandle?.(g);
    // Nothing will be written that would have to be synced.
    if (!writable) await g.setAutosync(false);
    await this.#addDrives();
    this.#tellNotes();
    this.#isUp = true;
    await g.launch({ timeout, accel, template, signal }).catch((error: unknown) => {
      this.#isUp = false;
      throw error;
    });
    await this.#measure();
    await this.#mount();
    signal?.throwIfAborted();
  }

  async #addDrives(): Promise<void> {
    const { g } = this;
    const { operation, writable = false, signal } = this.#options;
    const opening = { operation, signal, writable, workspace: this.#workspace };
    const images: Source[] = [];
    for (const each of this.#files) {
      if (isDomain(each)) images.push(...(await addDomain(g, each.domain, each.file, opening)));
      else {
        const { drive, format, blocksize } = each;
        const { filename, ...server } = drive;
        await g.addDrive(filename, { ...server, readonly: !writable, format, blocksize, signal });
        images.push(each);
      }
    }
    this.#images = images;
  }

  /** Sizes of what the host could not look at. */
  async #measure(): Promise<void> {
    if (this.#images.every(({ virtualSize }) => virtualSize > 0)) return;
    const devices = await this.g.listDevices();
    const sizeOf = async (index: number) => Number(await this.g.blockdevGetsize64(devices[index] ?? ''));
    this.#images = await Promise.all(
      this.#images.map(async (image, index) =>
        image.virtualSize > 0 ? image : { ...image, virtualSize: await sizeOf(index) },
      ),
    );
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

  /** Tells whoever traces the guest of a failure of the work with it. */
  fails(error: unknown): void {
    this.#trace.fails(error);
  }

  /** Leaves nothing of the appliance. What is only read is not waited for where the work has not come to its end. */
  async close(): Promise<void> {
    this.#unfollow?.();
    if (this.#isUp && !this.#options.writable) await this.g.kill().catch(() => undefined);
    await this.g.close();
    await this.#workspace.remove();
    this.#trace.ends();
  }
}

/** The folder that libguestfs uses too. */
function temporaryFolder({ tmpdir, environment = true }: GuestfsOptions = {}): string {
  const { LIBGUESTFS_TMPDIR, TMPDIR } = process.env;
  return tmpdir ?? ((environment && (LIBGUESTFS_TMPDIR || TMPDIR)) || '/tmp');
}

/** Progress of the unpacking of an image, as that of a call. */
function unpackingProgress(onProgress: (event: ProgressEvent) => void): NonNullable<Opening['onUnpack']> {
  let told = -1;
  return (_, read, size) => {
    const percent = size > 0 ? Math.floor((read / size) * 100) : 0;
    if (percent === told) return;
    told = percent;
    const [position, total] = [BigInt(read), BigInt(size)];
    const ratio = size > 0 ? read / size : 0;
    onProgress({ operation: 'unpack', procNr: 0, serial: 0, position, total, ratio, pulse: false });
  };
}
