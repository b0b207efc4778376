import type { WarmResult } from '..';
import { toJson } from '../text/json';
import { parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';

const description: Description = {
  name: 'warm',
  summary: 'Build the appliance now, so that the first launch need not',
  operands: [],
  about: [
    'Builds the appliance, the small virtual machine that does the work, where that has not been done yet: otherwise the first launch does it. It is kept in $LIBGUESTFS_CACHEDIR (default: /var/tmp), for this user.',
  ],
  options: [{ name: 'json', about: 'Print JSON: { "built", "ms", "cachedir" }' }],
  examples: [{ args: '', about: 'In a container image, or before the first job of a CI machine' }],
  exitCodes: { 0: 'the appliance is ready', 1: 'it could not be built' },
};

export const command: Command = {
  description,
  async run(args, signal) {
    const json = parseArguments(description, args).has('json');
    // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
    const { Guestfs } = require('..') as typeof import('..');
    const result = await Guestfs.warm({ signal });
    process.stdout.write(json ? `${toJson(result)}\n` : describe(result));
    return ExitCode.success;
  },
};

function describe({ built, ms, cachedir }: WarmResult): string {
  if (!built) return `The appliance in ${cachedir} is ready; nothing had to be built.\n`;
  return `The appliance has been built in ${(ms / 1000).toFixed(1)} s, in ${cachedir}.\n`;
}
