import { compiling, installation } from '../faults/packages';
import { parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';

const description: Description = {
  name: 'build',
  summary: 'Compile the native addon, where the one that the package carries does not fit',
  operands: [],
  about: [
    'The package carries its addon for x64 and arm64 with glibc 2.28 or newer. For other systems this compiles it, in the folder of the package, and says what to install for that; nothing is downloaded. Where the addon loads, there is nothing to do.',
    '$CXX and $CXXFLAGS are the compiler and its further options.',
  ],
  options: [{ name: 'force', about: 'Compile also where the addon loads' }],
  examples: [
    { args: '', about: 'On Alpine, or on a processor for which the package carries none' },
    { args: '--force', about: 'Anew, as after changes of the sources' },
  ],
  exitCodes: { 0: 'the addon loads', 1: 'it does not, and why is told' },
};

/** Reasons for which another binary does better. */
const compilable = ['incomplete', 'processor', 'musl', 'glibc', 'unfit'];

interface Problem {
  readonly message: string;
  readonly reason?: string;
}

export const command: Command = {
  description,
  async run(args, signal) {
    const parsed = parseArguments(description, args);
    const before = problem();
    if (!before && !parsed.has('force'))
      return say('The addon loads: nothing has to be compiled.', ExitCode.success);
    if (before && !canCompile(before)) return say(before.message, ExitCode.failure);
    return await build(signal);
  },
};

async function build(signal: AbortSignal): Promise<ExitCode> {
  const { closedFolder, compile, missingTools, target } = require('./compile') as typeof import('./compile');
  const missing = await missingTools();
  if (missing.length > 0) {
    const commands = installation(compiling).map((line) => `  ${line}`);
    return say(
      ['What compiling needs is not all there. Install it:', ...commands].join('\n'),
      ExitCode.failure,
    );
  }
  const closed = closedFolder();
  if (closed !== undefined)
    return say(`${closed} may not be written to: run this as the user to whom it belongs.`, ExitCode.failure);
  process.stderr.write(`guestfs: compiling ${target}\n`);
  await compile(signal);
  const after = problem();
  return after
    ? say(after.message, ExitCode.failure)
    : say('The addon has been compiled, and loads.', ExitCode.success);
}

/** Why the package cannot be loaded; undefined when it can. */
function problem(): Problem | undefined {
  try {
    require('..');
    return undefined;
  } catch (error) {
    return error as Problem;
  }
}

function canCompile({ reason }: Problem): boolean {
  return !process.env.GUESTFS_NODE_ADDON && reason !== undefined && compilable.includes(reason);
}

function say(text: string, code: ExitCode): ExitCode {
  const stream = code === ExitCode.success ? process.stdout : process.stderr;
  stream.write(`${text}\n`);
  return code;
}
