#!/usr/bin/env node
import { commandHelp, ExitCode, printableText, UsageError, wantsHelp, widestHelp } from 'guestfs/internal';
import { commandNamed, parseArguments, summaries } from './commands';

const program = 'guestfs-fleet';

async function main([name, ...args]: readonly string[]): Promise<void> {
  const [abort, hurry] = [new AbortController(), new AbortController()];
  let interrupted: number | undefined;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(signal, () => {
      // A worker gives its jobs back on the second one; else that ends it at once, as does the third one.
      if (hurry.signal.aborted || (interrupted !== undefined && name !== 'worker')) process.exit(code);
      if (interrupted !== undefined) hurry.abort();
      interrupted = code;
      abort.abort();
    });
  process.stdout.on('error', () => abort.abort());
  const code = await run(name, args, abort.signal, hurry.signal);
  // A worker that was told to end has done so in order.
  process.exitCode = interrupted !== undefined && name !== 'worker' ? interrupted : code;
}

async function run(
  name: string | undefined,
  args: readonly string[],
  signal: AbortSignal,
  hurry: AbortSignal,
): Promise<ExitCode> {
  try {
    if (name === '--help' || name === '-h' || name === 'help')
      return help(`Usage: ${program} COMMAND [OPTION…] [ARGUMENT…]\n\n${summaries()}`);
    const command = commandNamed(name);
    if (wantsHelp(command.description, args))
      return help(commandHelp(command.description, widestHelp, program));
    return await command.run(parseArguments(command.description, args), signal, hurry);
  } catch (error) {
    if (signal.aborted) return ExitCode.success;
    const { message, code } = error as Error & { code?: string };
    process.stderr.write(`${program}: ${printableText(message)}${code === undefined ? '' : ` (${code})`}\n`);
    return error instanceof UsageError ? ExitCode.usage : ExitCode.failure;
  }
}

function help(text: string): ExitCode {
  process.stdout.write(text);
  return ExitCode.success;
}

void main(process.argv.slice(2));
