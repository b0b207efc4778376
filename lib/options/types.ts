/**
 * How far a launch has come, in this order: libguestfs finds or builds the `appliance`; qemu runs and its firmware will
 * `boot`; the guest's `kernel` starts, then its `init`; that looks for `devices` and for `volumes` on them; the `daemon`
 * starts, which answers the calls; the handle is `ready`. Those that pass too quickly to be seen are left out.
 */
export type LaunchPhase =
  | 'appliance'
  | 'boot'
  | 'kernel'
  | 'init'
  | 'devices'
  | 'volumes'
  | 'daemon'
  | 'ready';

/**
 * A progress message of a running call, from `guestfs_set_progress_callback`; for a launch also one whenever a phase
 * begins, for libguestfs says nothing in a launch's first five seconds.
 */
export interface ProgressEvent {
  /** The method that is running, as written in JavaScript: `'copyDeviceToDevice'`. */
  readonly operation: string;
  /** libguestfs's number of the procedure; 0 during `launch`. */
  readonly procNr: number;
  /** Serial number of the call inside the appliance's protocol. */
  readonly serial: number;
  /** `0 <= position <= total`. The unit is undefined: only the ratio means something. */
  readonly position: bigint;
  /** The position at which the call is done, in the same unit. */
  readonly total: bigint;
  /** `position / total`, between 0 and 1. */
  readonly ratio: number;
  /** True when the appliance cannot estimate: 0 of 1 while it works, 1 of 1 at the end. */
  readonly pulse: boolean;
  /** The phase of a launch; other operations have none. */
  readonly phase?: LaunchPhase | undefined;
  /** Milliseconds since the launch began; only with a phase. */
  readonly elapsed?: number | undefined;
}

/** Options that every call takes beside libguestfs's own. */
export interface CallOptions {
  /** Rejects the call with an `AbortError`; a queued call never starts, a running transfer is cancelled. */
  readonly signal?: AbortSignal | undefined;
  /** Progress of this call only. */
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** When libguestfs cannot cancel the running call, kill the appliance instead of waiting for its end. */
  readonly killOnAbort?: boolean | undefined;
}

/** Options of calls that write a file on the host. */
export interface OutputOptions extends CallOptions {
  /**
   * Keep what a transfer has written when it fails or is aborted; default false: a file that it has created or changed
   * is removed.
   */
  readonly keepPartial?: boolean | undefined;
}
