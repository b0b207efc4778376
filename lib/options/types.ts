/**
 * Phase of a launch, in this order: libguestfs finds or builds the `appliance`; qemu runs and its firmware will `boot`;
 * the appliance's `kernel` starts, then its `init`; init looks for `devices` and for `volumes` on them; the `daemon`
 * starts, which answers the calls; the handle is `ready`. Phases that pass too quickly to be seen are left out.
 *
 * A launch from a template has `restore` in the place of the phases from `boot` to `daemon`; one that makes the template
 * first has `template` in the place of `boot`, and `restore` once it is saved.
 */
export type LaunchPhase =
  | 'appliance'
  | 'boot'
  | 'template'
  | 'kernel'
  | 'init'
  | 'devices'
  | 'volumes'
  | 'daemon'
  | 'restore'
  | 'ready';

/**
 * Progress of a running call. A launch has an event whenever a phase begins, too, for libguestfs says nothing in a
 * launch's first five seconds. C: `GUESTFS_EVENT_PROGRESS`.
 */
export interface ProgressEvent {
  /** Name of the method that is running, as written in JavaScript: `'copyDeviceToDevice'`. */
  readonly operation: string;
  /** Number of the procedure in libguestfs's protocol; 0 during `launch`. */
  readonly procNr: number;
  /** Serial number of the call in libguestfs's protocol. */
  readonly serial: number;
  /** Position: `0 <= position <= total`. The unit is undefined: only the ratio means something. */
  readonly position: bigint;
  /** Position at which the call is done, in the unit of `position`. */
  readonly total: bigint;
  /** Ratio `position / total`, 0 to 1. */
  readonly ratio: number;
  /** True when the appliance cannot estimate the end: then `position` is 0 of 1 while it works, 1 of 1 at the end. */
  readonly pulse: boolean;
  /** Phase of a launch; other operations have none. */
  readonly phase?: LaunchPhase | undefined;
  /** Milliseconds since the launch began; only with a phase. */
  readonly elapsed?: number | undefined;
}

/** Options that every call takes, beside those of its libguestfs function. */
export interface CallOptions {
  /**
   * Aborts the call, which rejects with an `AbortError`: a queued call never starts, a running transfer is cancelled.
   * What libguestfs cannot cancel goes on to its end, unless `killOnAbort` is set, and rejects then.
   */
  readonly signal?: AbortSignal | undefined;
  /** Receives the progress of this call only, in the asynchronous context (`AsyncLocalStorage`) of the call. */
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Kill the appliance when an aborted call cannot be cancelled, instead of waiting for its end; default false. */
  readonly killOnAbort?: boolean | undefined;
}

/** Options of calls that write a file on the host. */
export interface OutputOptions extends CallOptions {
  /**
   * Keep what a transfer has written when it fails or is aborted; default false: a file that the transfer has created
   * or changed is removed.
   */
  readonly keepPartial?: boolean | undefined;
}
