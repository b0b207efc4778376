/** A progress message of a running call, from `guestfs_set_progress_callback`. */
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
