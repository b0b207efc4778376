#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { printable } from '../progress/printable';
import { type Command, ExitCode, UsageError } from './command';

/** Loaded when they are called, so that help is to be had where the addon cannot be loaded. */
const commands: Readonly<Record<string, () => Command>> = {
  doctor: () => (require('./doctor') as typeof import('./doctor')).command,
  inspect: () => (require('./inspect') as typeof import('./inspect')).command,
  warm: () => (require('./warm') as typeof import('./warm')).command,
};

const help = `Usage: guestfs COMMAND [OPTION…] [ARGUMENT…]

Looks into virtual machine disk images, without root and without mounting them on this machine.

Commands:
  inspect IMAGE…   Report the operating systems, partitions and filesystems of disk images
  doctor [IMAGE…]  Look whether libguestfs works on this machine, and say what to do where it does not
  warm             Build the appliance now, so that the first launch need not

Options:
  --help           Show this help, or with a command its own
  --version        Show the version

Exit codes: 0 success, 1 failure, 2 wrong usage
`;

/** Ends by itself when all is done, so that nothing that was written is cut off. */
async function main(args: readonly string[]): Promise<void> {
  const abort = new AbortController();
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      process.exitCode = 128 + constants.signals[name];
      abort.abort();
    });
  }
  // The reader, `head` perhaps, has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exitCode ??= ExitCode.success;
    abort.abort();
  });
  process.stderr.on('error', () => {});

  const code = await run(args, abort.signal);
  process.exitCode ??= code;
}

async function run([name, ...args]: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  try {
    if (name === '--help' || name === '-h' || name === 'help') return show(help);
    if (name === '--version') return show(`guestfs ${version()}\n`);
    if (name === undefined) throw new UsageError('a command is missing');
    const command = Object.hasOwn(commands, name) ? commands[name]?.() : undefined;
    if (!command) throw new UsageError(`there is no command '${name}'`);
    if (args.includes('--help') || args.includes('-h')) return show(command.help);
    return await command.run(args, signal);
  } catch (error) {
    if (signal.aborted) return ExitCode.failure;
    if (!(error instanceof UsageError)) {
      const message = error instanceof Error ? error.message : String(error);
      process.stderr.write(`guestfs: ${message.split('\n').map(printable).join('\n')}\n`);
      return ExitCode.failure;
    }
    const topic = name !== undefined && Object.hasOwn(commands, name) ? `${name} ` : '';
    process.stderr.write(`guestfs: ${error.message}\nTry 'guestfs ${topic}--help'.\n`);
    return ExitCode.usage;
  }
}

function show(text: string): ExitCode {
  process.stdout.write(text);
  return ExitCode.success;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

void main(process.argv.slice(2));
