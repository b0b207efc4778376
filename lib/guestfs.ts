import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { type InspectOptionsStylized, inspect } from 'node:util';
import { checkPath } from './bulk/check-path';
import { copyIn } from './bulk/copy-in';
import {
  type CopyInOptions,
  type CopyOutOptions,
  checkCopyInOptions,
  checkCopyOutOptions,
} from './bulk/copy-options';
import { copyOut } from './bulk/copy-out';
import type { WalkEntry } from './bulk/entry';
import { walk } from './bulk/walk';
import { checkWalkOptions, type WalkOptions } from './bulk/walk-options';
import { type CallSink, Calls } from './calls/calls';
import { bareEvents, type EventName } from './calls/generated/events';
import { invoke } from './calls/invoke';
import { supportedCredentials } from './calls/libvirt-auth';
import { type Observable, type OperationObserver, observe } from './calls/operations';
import { PrivateData } from './calls/private-data';
import { ProgressStream } from './calls/progress-stream';
import { isTraced, traced, tracePhase } from './calls/tracing-channel';
import { brand } from './faults/brand';
import { closedError, GuestfsError } from './faults/errors';
import { aliases } from './generated/aliases';
import { GuestfsMethods, type TarInOptions, type TarOutOptions } from './generated/methods';
import { withinLimits } from './host/limits';
import { ApplianceSocket } from './launch/appliance-socket';
import { withoutAugeas } from './launch/augeas';
import { BackendSettings } from './launch/backend-settings';
import { callOnAllDrives } from './launch/drive-calls';
import { Drives, keptOptions } from './launch/drives';
import type { LaunchWay } from './launch/from-template';
import { checkHandleOptions, type GuestfsOptions } from './launch/handle-options';
import { killAppliance } from './launch/kill';
import { Launch } from './launch/launch';
import { checkLaunchOptions, type LaunchOptions, type TemplateMode } from './launch/options';
import { ReplacedSetting } from './launch/replaced-setting';
import {
  listTemplates,
  type RemoveTemplatesOptions,
  removeTemplates,
  type TemplateReport,
} from './launch/templates';
import { type WarmOptions, type WarmResult, warm } from './launch/warm';
import { type WarningDetails, warned } from './launch/warned';
import { functions, openNativeHandle } from './native/addon';
import { enough } from './options/abort-signals';
import { guarded } from './options/callbacks';
import { checkSignal, readOptions } from './options/read';
import type { CallOptions, LaunchPhase, ProgressEvent } from './options/types';
import { ArchiveReadStream, ArchiveWriteStream } from './streams/archives';
import { type DeviceReader, DeviceReadStream } from './streams/device';
import { FileReadStream, GuestWriteStream } from './streams/files';
import type { GuestReadStream } from './streams/guest-read-stream';
import {
  checkReadOptions,
  checkWriteOptions,
  type ReadStreamOptions,
  type WriteStreamOptions,
} from './streams/options';
import { inspected } from './text/inspected';

const self = Symbol('guestfs.self');
const fields = Symbol('guestfs.fields');

let warnedWithoutListener = false;

/**
 * A libguestfs handle: disk images are added to it, `launch` starts the appliance, and then every libguestfs function
 * is a method that returns a promise. Calls run one after the other on the handle's own thread, except for those that
 * only look at the handle or change a setting.
 *
 * ```ts
 * await using g = new Guestfs();
 * await g.addDrive('disk.qcow2', { readonly: true });
 * await g.launch();
 * console.log(await g.listFilesystems());
 * ```
 *
 * Calls reject with a {@link GuestfsError}, or, before anything reaches libguestfs, with a `TypeError` or `RangeError`
 * for arguments that cannot be; with an {@link AbortError} when their signal is aborted. Listeners are added as with
 * every EventEmitter of Node.js, `g.on('warning', …)`: {@link GuestfsEvents} has the events.
 */
export class Guestfs extends GuestfsMethods implements Observable {
  /** Private data: any JavaScript values under names, kept as long as the handle. */
  readonly private: PrivateData;

  /** @internal The handle itself, for calls through a proxy, which has no private members. */
  readonly [self] = (): Guestfs => this;

  /** @internal What `console.log` shows. */
  readonly [fields] = () => {
    const { state, ...calls } = this.#calls.summary;
    if (state === 'closed') return { state };
    const launched = state === 'ready' && this.#way !== undefined && { launched: this.#way };
    return { state, ...launched, drives: this.#drives.shown(), ...calls };
  };

  /** @internal */
  declare [warned]?: (about: WarningDetails) => void;
  /** @internal */
  declare [withoutAugeas]?: boolean;
  readonly #native = withinLimits('create', openNativeHandle);
  readonly #calls: Calls;
  readonly #drives = new Drives();
  readonly #backendSettings = new BackendSettings();
  readonly #hypervisor = new ReplacedSetting();
  readonly #path = new ReplacedSetting();
  readonly #streams = new Set<ProgressStream>();
  readonly #socket = new ApplianceSocket();
  /** Use of templates, where a launch does not say. */
  #template: TemplateMode | undefined;
  /** How the appliance that runs came up. */
  #way: LaunchWay | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Creates a handle; nothing is started. C: `guestfs_create_flags`.
   *
   * @throws TypeError, RangeError for bad options; GuestfsError where libguestfs refuses a setting
   */
  constructor(options: GuestfsOptions = {}) {
    super();
    this.#calls = new Calls(this.#native, this.#sink());
    this.private = PrivateData.of(this.#native);
    try {
      this.#configure(options);
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  /** Tells whether the libguestfs on this machine has the function of a method; false for an unknown name. */
  static supports(method: string): boolean {
    const fn = functions.get(aliases.get(method) ?? method);
    return fn?.available === true && fn.since !== '';
  }

  /**
   * Builds the appliance where there is none yet, and makes its template where launches go on from one: half a minute
   * that the first launch need not take. No guest is opened, and any number of processes may call this at once. Give the
   * options of the handles to come: `path`, `cachedir`, `tmpdir`, and what shapes the machine, as `memsize` and `smp`.
   *
   * ```ts
   * const { built, ms, template } = await Guestfs.warm();
   * ```
   *
   * @throws GuestfsError where the appliance cannot be built, `ERR_GUESTFS_TEMPLATE` where `template: 'only'` cannot be;
   * AbortError at once when `signal` is aborted
   */
  static warm(options?: WarmOptions): Promise<WarmResult> {
    return warm((settings) => new Guestfs(settings), options);
  }

  /**
   * Lists the templates from which launches of handles with these options may go on: this user's and those of root, the
   * last used first. Which of them a launch takes depends on its machine.
   *
   * @throws TypeError, RangeError for bad options; GuestfsError where libguestfs refuses a setting
   */
  static listTemplates(options?: GuestfsOptions): Promise<TemplateReport[]> {
    return listTemplates((settings) => new Guestfs(settings), options);
  }

  /**
   * Removes templates of this user, all or those with the given keys, and what makers that were killed have left; returns
   * those that were there. Appliances that run are none the worse, and the next launch makes its template again.
   *
   * @throws TypeError, RangeError for bad options; GuestfsError where libguestfs refuses a setting
   */
  static removeTemplates(options?: RemoveTemplatesOptions): Promise<TemplateReport[]> {
    return removeTemplates((settings) => new Guestfs(settings), options);
  }

  /**
   * Starts the appliance. It takes a second or two with KVM or from a template, where it goes on from an appliance that
   * was booted before, and half a minute where it is booted under emulation; the first launch on a machine also builds the
   * appliance, and with `template: 'auto'` makes its template. C: `guestfs_launch`.
   *
   * With `accel: 'auto'` a KVM on which guests do not run is noticed, said once by a `warning` event, and remembered
   * for a day, or until the machine reboots; the launch goes on under emulation. After a launch that failed, timed out or
   * was aborted nothing of the appliance is left, and the handle can be launched again with its drives.
   *
   * @throws GuestfsError `ERR_GUESTFS_TIMEOUT` after `timeout`, `ERR_GUESTFS_KVM_UNAVAILABLE` where `accel: 'kvm'`
   * cannot be, `ERR_GUESTFS_TEMPLATE` where `template: 'only'` cannot; AbortError at once when `signal` is aborted
   */
  override async launch(options?: LaunchOptions): Promise<void> {
    const own = this[self]();
    const checked = checkLaunchOptions(options, {
      template: own.#template,
      lenses: this[withoutAugeas] === true ? 'inspection' : 'all',
    });
    const parts = {
      calls: own.#calls,
      native: own.#native,
      drives: own.#drives,
      backendSettings: own.#backendSettings,
      hypervisor: own.#hypervisor,
      path: own.#path,
      socket: own.#socket,
      warn: (text: string, about: WarningDetails) => own.#warn(text, about),
    };
    const over = own.#drives.atRisk();
    try {
      await traced('launch', this, (about) =>
        own.#calls.hold('launch', checked.signal, async (hold) => {
          const phase = (name: LaunchPhase) => tracePhase(about, name);
          own.#way = await new Launch({ ...parts, phase }, hold, checked).run();
          Object.assign(about, { launchWay: own.#way });
        }),
      );
    } catch (error) {
      // A stack keeps ten frames, and a launch has as many of its own: whoever reads them looks for theirs.
      if (error instanceof GuestfsError) Error.captureStackTrace(error);
      throw error;
    } finally {
      over();
    }
  }

  /**
   * How the last launch of this handle brought the appliance up: from a template, or by booting, and then why. Undefined
   * before a launch has succeeded.
   */
  get launchWay(): LaunchWay | undefined {
    return this[self]().#way;
  }

  /**
   * Waits for the calls made before, syncs and closes the disks, stops the appliance and frees the handle. Errors of
   * the sync are not told: call `shutdown` first to learn of them. Closing again returns the same promise. C:
   * `guestfs_close`.
   */
  close(): Promise<void> {
    const own = this[self]();
    own.#closed ??= own.#close();
    return own.#closed;
  }

  async #close(): Promise<void> {
    await this.#calls.close();
    this.private.release();
    for (const stream of this.#streams) stream.end();
  }

  /** Closes the handle as `close()` does, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Cancels the transfer that runs now, without waiting behind it; does nothing when no transfer runs. The cancelled
   * call rejects with `EINTR`. Prefer a call's `signal`: it never hits another call. C: `guestfs_user_cancel`.
   */
  override async userCancel(): Promise<void> {
    const own = this[self]();
    if (own.#calls.closed) throw closedError('userCancel');
    own.#calls.userCancel();
  }

  /**
   * Kills the appliance and everything that libguestfs started for it, for calls that are stuck. Pending calls
   * reject with `ERR_GUESTFS_TERMINATED`; data that was not synced is lost. Afterwards the handle can be launched
   * again, with its drives, or closed. Resolves when nothing is left.
   *
   * @throws GuestfsError `ERR_GUESTFS_LIMIT`, or an errno's name, where the processes of the handle could not be looked
   * for: they may still run
   */
  async kill(): Promise<void> {
    const own = this[self]();
    if (own.#calls.closed) return own.#calls.endStreams();
    await killAppliance(own.#calls, own.#drives);
  }

  /**
   * Returns the progress events of all calls from now on, until the handle is closed or the loop is left. A slow
   * consumer misses events between the first and the newest of a call.
   */
  progress(): AsyncIterableIterator<ProgressEvent> {
    const own = this[self]();
    const stream: ProgressStream = new ProgressStream(() => own.#streams.delete(stream));
    if (own.#calls.closed) stream.end();
    else own.#streams.add(stream);
    return stream;
  }

  /**
   * Makes a stream that reads a file of the guest, as `fs.createReadStream` does on the host. Each piece is a call of
   * its own, so that other calls of the handle run between the pieces. C: `guestfs_pread`.
   *
   * @throws TypeError, RangeError for bad options
   */
  createReadStream(path: string, options?: ReadStreamOptions): GuestReadStream {
    const range = checkReadOptions('createReadStream', options);
    const stream = new FileReadStream(path, range, (count, offset, signal) =>
      this.pread(path, count, offset, { signal }),
    );
    return abortable(stream, range.signal);
  }

  /**
   * Makes a stream that reads a block device. One call reads on as long as nothing else wants the handle; other calls
   * run after 4 MiB, and soon where nobody reads on. C: `guestfs_download_offset`.
   *
   * @throws TypeError, RangeError for bad options
   */
  readDeviceStream(device: string, options?: ReadStreamOptions): GuestReadStream {
    const range = checkReadOptions('readDeviceStream', options);
    const reader: DeviceReader = {
      size: (signal) => this.blockdevGetsize64(device, { signal }),
      download: (target, offset, size, signal) =>
        this[self]().#downloadUntilEnough([device, target, offset, size], signal),
      piece: (offset, size, signal) => this.preadDevice(device, size, offset, { signal }),
      pendingCalls: () => this[self]().#calls.pending,
    };
    return abortable(new DeviceReadStream(device, range, reader), range.signal);
  }

  /**
   * Makes a stream that writes a file of the guest, as `fs.createWriteStream` does on the host: the file is created or
   * emptied unless `flags` say otherwise. Each piece is a call of its own. C: `guestfs_pwrite`.
   *
   * @throws TypeError, RangeError for bad options
   */
  createWriteStream(path: string, options?: WriteStreamOptions): GuestWriteStream {
    const plan = checkWriteOptions('createWriteStream', options);
    return abortable(new GuestWriteStream(path, plan, this), plan.signal);
  }

  /**
   * Makes a stream of the content of a folder of the guest as a tar archive. The transfer begins when the stream is
   * first read; from then on other calls of this handle wait until the stream has been read to its end, or destroyed.
   * C: `guestfs_tar_out`.
   */
  tarOutStream(directory: string, options?: TarOutOptions): Readable {
    const { signal, others } = archiveOptions('tarOutStream', options);
    const stream = new ArchiveReadStream(async (target, closed) =>
      this.tarOut(await this[self]().#withoutLinks(directory, closed), target, { ...others, signal: closed }),
    );
    return abortable(stream, signal);
  }

  /**
   * Makes a stream that unpacks the tar archive written to it into a folder of the guest, and finishes when all is
   * unpacked. From the first byte on other calls of this handle wait. C: `guestfs_tar_in`.
   */
  tarInStream(directory: string, options?: TarInOptions): Writable {
    const { signal, others } = archiveOptions('tarInStream', options);
    const stream = new ArchiveWriteStream(async (source, closed) =>
      this.tarIn(source, await this[self]().#withoutLinks(directory, closed), { ...others, signal: closed }),
    );
    return abortable(stream, signal);
  }

  /**
   * Yields everything below a folder of the guest, symbolic links not followed: each folder before its entries, and
   * these sorted by name, so that the order is the same each time. The walk asks for 500 names at a time and keeps in
   * memory only the folders on its way, whatever the size of the tree; other calls of this handle run
   * meanwhile. Leaving the loop ends the walk. The loop rejects with the error of the first folder or file that cannot
   * be read, unless `onError` is given.
   *
   * ```ts
   * for await (const { path, type, size } of g.walk('/var/log')) if (type === 'file') console.log(path, size);
   * ```
   *
   * C: `guestfs_readdir` (large folders: `guestfs_ls0`), `guestfs_lstatnslist`, `guestfs_readlinklist`,
   * `guestfs_lxattrlist`; checksums: `guestfs_pread` for small files, else `guestfs_checksum`.
   *
   * @throws TypeError, RangeError for bad options
   */
  walk(directory: string, options?: WalkOptions): AsyncGenerator<WalkEntry, void, undefined> {
    const checked = checkWalkOptions('walk', options);
    checkPath('walk', 'directory', directory);
    return walk(this, directory, checked);
  }

  /**
   * Copies a file or a folder of the guest into a folder of the host, under its own name; the content of `/` goes
   * straight into `localdir`. A symbolic link is followed only when `remotepath` itself is one.
   *
   * Whatever the guest contains, nothing is written outside of `localdir`: every file and link is made anew, and no
   * link is followed. Permissions and times come along; owners, extended attributes and hard links do not, and setuid
   * bits, symbolic links that lead out of the tree, devices, fifos and sockets only as the options say.
   *
   * Replaces `guestfs_copy_out`, which keeps all links and knows neither progress nor cancellation. C: `guestfs_pread`
   * for small files, else `guestfs_download`; and the functions of {@link walk}.
   *
   * @param remotepath - file or directory on the mounted tree
   * @param localdir - existing directory on the host
   * @throws TypeError, RangeError for bad options; GuestfsError with the code of what failed, also on the host;
   * AbortError when `signal` is aborted
   */
  override async copyOut(remotepath: string, localdir: string, options?: CopyOutOptions): Promise<void> {
    const checked = checkCopyOutOptions(options);
    checkPath('copyOut', 'remotepath', remotepath);
    checkPath('copyOut', 'localdir', localdir);
    await copyOut(this, remotepath, localdir, checked);
  }

  /**
   * Copies a file or a folder of the host into a folder of the guest, under its own name; the content of `/`, `.` and
   * `..` goes straight into `remotedir`. Symbolic links are followed only when `localpath` itself is one, else they
   * become links. Permissions, times and the numbers of the owners come along; devices, fifos and sockets do not. A copy
   * that fails leaves whole files only: of what it was replacing meanwhile, nothing.
   *
   * Replaces `guestfs_copy_in`, which needs a `tar` on the host and knows no progress. C: `guestfs_tar_in`, with an
   * archive that is made on the way: other calls of this handle wait until the copy is over.
   *
   * @param localpath - file or directory on the host
   * @param remotedir - existing directory on the mounted tree
   * @throws TypeError, RangeError for bad options; GuestfsError with the code of what failed, also on the host;
   * AbortError when `signal` is aborted
   */
  override async copyIn(localpath: string, remotedir: string, options?: CopyInOptions): Promise<void> {
    const checked = checkCopyInOptions(options);
    checkPath('copyIn', 'localpath', localpath);
    checkPath('copyIn', 'remotedir', remotedir);
    await copyIn(this, localpath, remotedir, checked);
  }

  /** Returns the program that runs the appliance. C: `guestfs_get_hv`. */
  override async getHv(options?: CallOptions): Promise<string> {
    return this[self]().#hypervisor.original(await super.getHv(options));
  }

  /**
   * Returns the program that runs the appliance. C: `guestfs_get_qemu`.
   *
   * @deprecated Use {@link Guestfs.getHv}: `getHv()`.
   */
  override async getQemu(options?: CallOptions): Promise<string> {
    return this[self]().#hypervisor.original(await super.getQemu(options));
  }

  /** Returns the folders in which the appliance is looked for, separated by colons. C: `guestfs_get_path`. */
  override async getPath(options?: CallOptions): Promise<string> {
    return this[self]().#path.original(await super.getPath(options));
  }

  /** @internal `Guestfs { state: 'ready', drives: […], pending: 1, running: 'cat' }`: it asks nothing of libguestfs. */
  [inspect.custom](
    depth: number | null,
    options: InspectOptionsStylized,
    inspectFields: typeof inspect,
  ): string {
    const shown = this[fields]?.() ?? {}; // the prototype has none
    return inspected(this.constructor.name, shown, depth, options, inspectFields);
  }

  /** @hidden For reporters, as {@link ProgressReporter}: what a handle's operations do. */
  [observe](observer: OperationObserver): () => void {
    return this[self]().#calls.observe(observer);
  }

  /** @internal */
  override async [invoke]<T>(
    method: string,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<T> {
    const own = this[self]();
    const answer = options === undefined && !isTraced() && own.#calls.callInstantly(method, args);
    if (answer) return answer.value as T;
    const kept = keptOptions(method, options);
    if (own.#drives.areMissedBy(method)) {
      return traced(method, this, () => callOnAllDrives<T>(own.#calls, own.#drives, method, args, kept));
    }
    const result = await traced(method, this, () => own.#calls.call<T>(method, args, kept));
    own.#drives.record(method, args, kept);
    return result;
  }

  /** @internal */
  protected override listenersChanged(listened: ReadonlySet<EventName>): void {
    this[self]().#calls.setListened(listened);
  }

  /** Whoever watches the handle's calls hears of no failure where the stream had enough. */
  #downloadUntilEnough(args: readonly unknown[], signal: AbortSignal): Promise<void> {
    return traced('downloadOffset', this, async () => {
      try {
        await this.#calls.call('downloadOffset', args, { signal });
      } catch (error) {
        if (signal.reason !== enough) throw error;
      }
    });
  }

  /** For archives: libguestfs would follow links on the way there in the appliance, not in the guest. */
  #withoutLinks(directory: string, signal: AbortSignal): Promise<string> {
    return this.realpath(directory, { signal });
  }

  #configure(options: GuestfsOptions): void {
    const { environment, libvirtAuth, settings, template } = checkHandleOptions(options);
    this.#template = template;
    // So that Ctrl-C reaches this program and not the appliance.
    this.#calls.configure('setPgroup', [true]);
    if (environment) this.#calls.configure('parseEnvironment', []);
    for (const [setter, value] of settings) this.#calls.configure(setter, [value]);
    if (libvirtAuth) {
      this.#calls.configure('setLibvirtSupportedCredentials', [supportedCredentials]);
      this.#calls.answerLibvirtAuth(libvirtAuth);
    }
  }

  #sink(): CallSink {
    return {
      event: (name, text) => {
        this.emit(name, ...((bareEvents.has(name) ? [] : [text]) as never));
      },
      applianceDied: () => this.#drives.lose(),
      progress: (event) => {
        for (const stream of this.#streams) stream.push(event);
        this.emit('progress', event);
      },
    };
  }

  #warn(text: string, about: WarningDetails): void {
    this[warned]?.(about);
    if (this.listenerCount('warning') > 0) {
      guarded(() => this.emit('warning', text));
      return;
    }
    if (warnedWithoutListener) return;
    warnedWithoutListener = true;
    process.emitWarning(text, { code: 'GUESTFS_KVM_UNUSABLE' });
  }
}

/** The call's own signal is that of the stream. */
function archiveOptions<T extends CallOptions>(operation: string, options: T | undefined) {
  const { signal, ...others } = readOptions(operation, options);
  return { signal: checkSignal(operation, signal), others: others as Omit<T, 'signal'> };
}

function abortable<S extends Readable | Writable>(stream: S, signal: AbortSignal | undefined): S {
  if (signal) addAbortSignal(signal, stream);
  return stream;
}

brand(Guestfs, 'guestfs.Guestfs');
