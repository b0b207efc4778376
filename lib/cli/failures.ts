import { GuestfsError, inNames, type OptionNames } from '../faults/errors';
import { printable } from '../progress';
import { recordHead } from '../progress/record';
import { withoutCommands } from '../text/ci/commands';
import { toJson } from '../text/json';
import { printableText as clean } from '../text/lines';
import { logOf, type ProgressChoice } from './progress';

/** Why something failed, as in the JSON output. */
export interface Failure {
  readonly code: string;
  readonly operation: string;
  readonly message: string;
  /** Hint: what to do; undefined where that is not known. */
  readonly hint?: string | undefined;
}

export function failureOf(error: unknown, operation: string): Failure {
  const { code = 'ERR_GUESTFS', operation: failed = operation, message } = error as Error & Partial<Failure>;
  const told = error instanceof GuestfsError ? inNames(error, ownNames) : undefined;
  return { code, operation: failed, message: told?.message ?? message ?? String(error), hint: told?.hint };
}

/**
 * What stderr is told of a failure: whoever asked for JSON there gets nothing else.
 *
 * @param image which of several guests it is about
 */
export function tellFailure(failure: Failure, progress: ProgressChoice, path?: string, image?: string): void {
  // What is undefined is left out.
  const told = () => `${toJson({ ...recordHead('error'), image, path, ...failure })}\n`;
  process.stderr.write(progress === 'json' ? told() : failureText(failure, progress, path, image));
}

function failureText(failure: Failure, progress: ProgressChoice, path?: string, image?: string): string {
  const isSeen = path !== undefined && shows(clean(failure.message), printable(path));
  const places = [image, isSeen ? undefined : path].filter((each) => each !== undefined);
  const place = places.map((each) => `${printable(each)}: `).join('');
  const text = printableText(`guestfs: ${place}${failure.message} (${failure.code})`, progress);
  return `${logOf(progress)?.failure?.(text) ?? text}\n`;
}

/** Whether a reader of the text sees this very path in it, and need not read it twice: not `/a` in `/ab` or in `/a/b`. */
function shows(text: string, path: string): boolean {
  const [, ...behind] = text.split(path);
  return behind.some((rest) => !/^(?:[\p{L}\p{N}_/-]|\.[\p{L}\p{N}])/u.test(rest));
}

/** Several lines that can play with no terminal, and with no log. */
export function printableText(text: string, progress: ProgressChoice = 'auto'): string {
  const shown = clean(text);
  return logOf(progress) ? shown.split('\n').map(withoutCommands).join('\n') : shown;
}

const options = { root: '--root', mountable: '--mount', keys: '--key' } as const;

const ownNames: OptionNames = (option) => options[option];
