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

/** What the help, the parser and the shells' completion are made of. */
export interface Description {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  /** Paragraphs; they are wrapped where they are shown. */
  readonly about: readonly string[];
  /** `--help` need not be named. */
  readonly options: readonly Option[];
  readonly examples: readonly Example[];
  /** What they mean beside wrong usage and an interruption, which are the same for all. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/** What stands in a command line without being an option. */
export interface Operand {
  /** `'IMAGE'` */
  readonly name: string;
  readonly optional?: true;
  /** Any number of them; only one operand of a command can be so. */
  readonly repeated?: true;
  /** Whether the operand is a file on this machine. */
  readonly file?: true;
  /** Whether the operand is a path of the guest. */
  readonly guestPath?: true;
  readonly choices?: readonly string[];
}

export interface Option {
  /** Without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What its value is called, `'FORMAT'`; without one it is a switch. */
  readonly value?: string;
  /** Whether the option may be repeated. */
  readonly multiple?: true;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
  /** Whether the value is a file on this machine. */
  readonly file?: true;
  readonly about: string;
}

export interface Example {
  /** Without `guestfs` and the name of the command. */
  readonly args: string;
  readonly about: string;
}

export enum ExitCode {
  success = 0,
  failure = 1,
  usage = 2,
  different = 3,
}

/** The message continues "guestfs: ". */
export class UsageError extends Error {}
