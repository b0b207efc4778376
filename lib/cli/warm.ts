import { parseArgs } from 'node:util';
import { Guestfs, type WarmResult } from '..';
import { type Command, ExitCode, UsageError } from './command';

const help = `Usage: guestfs warm [OPTION…]

Builds the appliance, the small virtual machine that does the work, where that has not been done yet: otherwise the
first launch does it. It is kept in $LIBGUESTFS_CACHEDIR (default: /var/tmp), for this user.

Options:
  --json   Print JSON: { "built", "ms", "cachedir" }
  --help   Show this help

Exit codes: 0 the appliance is ready, 1 it could not be built, 2 wrong usage, 130 interrupted
`;

export const command: Command = {
  help,
  async run(args, signal) {
    const json = parse(args);
    const result = await Guestfs.warm({ signal });
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : describe(result));
    return ExitCode.success;
  },
};

function parse(args: readonly string[]): boolean {
  try {
    return parseArgs({ args: [...args], options: { json: { type: 'boolean' } } }).values.json ?? false;
  } catch (error) {
    throw new UsageError(`warm: ${(error as Error).message}`);
  }
}

function describe({ built, ms, cachedir }: WarmResult): string {
  if (!built) return `The appliance in ${cachedir} is ready; nothing had to be built.\n`;
  return `The appliance has been built in ${(ms / 1000).toFixed(1)} s, in ${cachedir}.\n`;
}
