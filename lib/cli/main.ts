#!/usr/bin/env node
import { constants } from 'node:os';
import { packageVersion } from '../text/generated/package';
import { suggestion, wantsHelp } from './arguments';
import { ExitCode, UsageError } from './command';
import { commandNames, descriptions, loadCommand } from './commands';
import { printableText } from './failures';
import { commandHelp, programHelp, widestHelp } from './help';
import { rawArguments } from './raw-arguments';

/** Time in which a signal that comes again is the same one: a terminal sends it, and npx hands it on as well. */
const echoMs = 1000;

/** What shows the help, alone or before the name of a command. */
const helpNames: readonly string[] = ['help', '--help', '-h'];

/** Ends by itself when all is done, so that nothing that was written is cut off. */
async function main(args: readonly string[]): Promise<void> {
  const abort = new AbortController();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (abort.signal.aborted) return;
    // Else the reader, `head` perhaps, has seen enough, which is no failure.
    if (error.code !== 'EPIPE') {
      process.stderr.write(`guestfs: the output cannot be written: ${error.message}\n`);
      process.exitCode = ExitCode.failure;
    }
    abort.abort();
  });
  process.stderr.on('error', () => {});

  const running = run(args, abort.signal);
  // Only now: what it has done up to here was not to be interrupted by JavaScript, as to wait for a key from a pipe.
  for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) endInOrder(name, abort);
  const code = await running;
  process.exitCode ??= code;
  // It would wait for a reader that takes nothing more, but not when it has been told to end.
  if (abort.signal.aborted) process.exit();
  abort.signal.addEventListener('abort', () => process.exit());
}

/** The first signal of a kind ends it in order, the second at once. */
function endInOrder(name: NodeJS.Signals, abort: AbortController): void {
  const end = () => {
    process.exitCode = 128 + constants.signals[name];
    abort.abort();
    setTimeout(() => process.off(name, end), echoMs).unref();
  };
  process.on(name, end);
}

async function run([name, ...args]: readonly string[], signal: AbortSignal): Promise<ExitCode> {
  try {
    if (name !== undefined && helpNames.includes(name)) {
      if (args[0] !== undefined && !helpNames.includes(args[0]))
        return await run([args[0], '--help'], signal);
      return show(programHelp(descriptions(), width()));
    }
    if (name === '--version') return show(`guestfs ${packageVersion}\n`);
    if (name === undefined) throw new UsageError('a command is missing');
    const command = loadCommand(name);
    if (!command) throw new UsageError(unknown(name));
    if (wantsHelp(command.description, args)) return show(commandHelp(command.description, width()));
    return await command.run(args, signal);
  } catch (error) {
    if (signal.aborted) return ExitCode.success; // unless what has aborted it knows better
    if (!(error instanceof UsageError)) {
      const message = error instanceof Error ? error.message : String(error);
      // The import's own error says whose it is.
      const whose =
        (error as { code?: unknown } | null)?.code === 'ERR_GUESTFS_NOT_LOADED' ? '' : 'guestfs: ';
      process.stderr.write(`${whose}${printableText(message)}\n`);
      return ExitCode.failure;
    }
    const topic = name !== undefined && commandNames.includes(name) ? `${name} ` : '';
    process.stderr.write(`guestfs: ${printableText(error.message)}\nTry 'guestfs ${topic}--help'.\n`);
    return ExitCode.usage;
  }
}

function unknown(name: string): string {
  if (name.startsWith('-'))
    return `there is no option ${name} before a command: what it takes comes behind its name`;
  return `there is no command '${name}'${suggestion(name, commandNames)}`;
}

function show(text: string): ExitCode {
  process.stdout.write(text);
  return ExitCode.success;
}

function width(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : widestHelp;
}

void main(rawArguments(process.argv.slice(2)));
