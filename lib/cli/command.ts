/** A command of the `guestfs` program. */
export interface Command {
  readonly help: string;
  /**
   * Writes results to stdout, and progress and errors to stderr.
   *
   * @throws UsageError when the arguments make no sense
   */
  run(args: readonly string[], signal: AbortSignal): Promise<ExitCode>;
}

export enum ExitCode {
  success = 0,
  failure = 1,
  usage = 2,
}

/** The message continues "guestfs: ". */
export class UsageError extends Error {}
