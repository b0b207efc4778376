/** A command of the `guestfs` program. */
export interface Command {
  readonly description: Description;
  /**
   * Writes results to stdout, and progress and errors to stderr.
   *
   * @throws UsageError when the arguments make no sense
   */
  run(args: readonly string[], signal: AbortSignal): Promise<ExitCode>;
}

/** Facts of a command of which its help, its parser and the shells' completion are made. */
export interface Description {
  readonly name: string;
  /** Summary of one line, for the list of commands. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  /** Paragraphs; they are wrapped where they are shown. */
  readonly about: readonly string[];
  /** `--help` need not be named. */
  readonly options: readonly Option[];
  readonly examples: readonly Example[];
  /** Meanings of the exit codes, but for wrong usage and an interruption, which are the same for all. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/** Argument that is no option. */
export interface Operand {
  /** `'IMAGE'` */
  readonly name: string;
  readonly optional?: true;
  /** Set where the operand may be given any number of times; only one operand of a command can be so. */
  readonly repeated?: true;
  /** Set where the operand is a file on this machine. */
  readonly file?: true;
  /** Set where the operand is a path of the guest. */
  readonly guestPath?: true;
  readonly choices?: readonly string[];
}

export interface Option {
  /** Name without the dashes. */
  readonly name: string;
  /** Short name, one letter. */
  readonly short?: string;
  /** Name of the value, `'FORMAT'`; without one the option is a switch. */
  readonly value?: string;
  /** Set where the option may be repeated. */
  readonly multiple?: true;
  /** The only values that the option takes. */
  readonly choices?: readonly string[];
  /** Set where the value is a file on this machine. */
  readonly file?: true;
  readonly about: string;
}

export interface Example {
  /** Command line without `guestfs` and the name of the command. */
  readonly args: string;
  readonly about: string;
}

export enum ExitCode {
  success = 0,
  failure = 1,
  usage = 2,
  different = 3,
}

/** Error of the command line; its message continues "guestfs: ". */
export class UsageError extends Error {}
