import { readFileSync } from 'node:fs';
import { nameOf } from '../text/bytes';

/** Character that Node puts in the place of bytes that are not UTF-8: they are lost. */
const replacement = '\ufffd';

/**
 * The arguments of the command line, in which bytes that are not UTF-8 are U+DC80 to U+DCFF, as in the names of files of a
 * guest: so each of these can be named.
 *
 * @param args as Node has them
 * @param commandLine of this process, as /proc has it: each argument ends with NUL
 */
export function rawArguments(
  args: readonly string[],
  commandLine: () => Buffer = () => readFileSync('/proc/self/cmdline'),
): readonly string[] {
  if (!args.some((each) => each.includes(replacement))) return args;
  const all = splitAtNul(commandLine());
  return args.map((each, index) => nameOf(all[all.length - args.length + index] ?? Buffer.from(each)));
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return parts;
}
