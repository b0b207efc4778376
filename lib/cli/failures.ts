import { type ProgressFormat, printable } from '../progress';
import { isGithubLog, withoutCommands } from '../text/github-log';
import { toJson } from '../text/json';

/** Why something failed, as in the JSON output. */
export interface Failure {
  readonly code: string;
  readonly operation: string;
  readonly message: string;
}

export function failureOf(error: unknown, operation: string): Failure {
  const { code = 'ERR_GUESTFS', operation: failed = operation, message } = error as Error & Partial<Failure>;
  return { code, operation: failed, message: inOptions(message ?? String(error)) };
}

/**
 * What stderr is told of a failure: whoever asked for JSON there gets nothing else.
 *
 * @param image which of several guests it is about
 */
export function tellFailure(failure: Failure, progress: ProgressFormat, path?: string, image?: string): void {
  const isNamed = path !== undefined && failure.message.includes(path);
  const places = [image, isNamed ? undefined : path].filter((each) => each !== undefined);
  const place = places.map((each) => `${printable(each)}: `).join('');
  process.stderr.write(
    progress === 'json'
      ? // What is undefined is left out.
        `${toJson({ type: 'error', image, path, ...failure })}\n`
      : `${printableText(`guestfs: ${place}${failure.message} (${failure.code})`)}\n`,
  );
}

/** Several lines that can play with no terminal, and with no log. */
export function printableText(text: string): string {
  const isGithub = isGithubLog(process.stderr, process.env);
  const lines = text.split('\n').map(printable);
  return (isGithub ? lines.map(withoutCommands) : lines).join('\n');
}

/** The library speaks of its own options. */
function inOptions(message: string): string {
  const ours: Readonly<Record<string, string>> = { root: '--root', mountable: '--mount', keys: '--key' };
  return message.replace(/the option (root|mountable|keys)\b/g, (_, name: string) => ours[name] ?? name);
}
