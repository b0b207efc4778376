// What is told of the filesystems of a system that are not mounted: by which line they should be, and what gets by.
import { errorFor, type GuestfsError, type OptionNames } from '../faults/errors';
import type { FstabLine } from './fstab';
import { fstab, isSpare, type LeftOut, type SystemMount } from './system-mounts';

/** The guest's own words in ours: not without end. */
const brief = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** Whether the system itself would miss what a line names. */
export function isMissed(left: LeftOut): boolean {
  return left.why === 'unreadable' || !isSpare(left);
}

export function leftOutError(operation: string, left: LeftOut): GuestfsError {
  const failed = { code: 'ERR_GUESTFS_FSTAB', operation, unnamed: true };
  if (left.why === 'unreadable') {
    const problem = `${fstab}:${left.line} cannot be understood: that line is left out, as the system itself does`;
    return errorFor({ ...failed, problem });
  }
  const { line, spec, path } = left.line;
  const problem = `${fstab}:${line} mounts ${brief(path)} from ${brief(spec)}`;
  if (left.why === 'absent') {
    return errorFor({
      ...{ ...failed, problem: `${problem}, which is on none of the disks: it is left out` },
      ...{ joint: '; ', hint: 'if it is on another disk of the guest, add that' },
    });
  }
  return errorFor({
    ...{ ...failed, problem: `${problem}, which is on ${left.volume}: that is encrypted, and closed` },
    ...{ joint: '; ', hint: (names: OptionNames) => `it needs its key, by ${names('keys')}` },
  });
}

/** Error of a folder that is seen at its first path only: that, or the second, is not there, or there are many of them. */
export function unboundError(operation: string, line: FstabLine, why: 'absent' | 'many'): GuestfsError {
  const reasons = { absent: 'one of these is not there', many: 'there are many such lines' };
  const problem = `${fstab}:${line.line} shows ${brief(line.spec)} at ${brief(line.path)}, too: that is left out, as ${reasons[why]}`;
  return errorFor({ ...{ code: 'ERR_GUESTFS_FSTAB', operation, unnamed: true }, problem });
}

/** Error of a mount that a system makes itself, with the line that asks for it, and what gets by. */
export function mountError(
  operation: string,
  error: GuestfsError,
  { path, device, line }: SystemMount,
  root: string,
): GuestfsError {
  const { code, errno, shortMessage, hint } = error;
  const where = line === undefined ? '' : ` (${fstab}:${line.line}, ${brief(line.spec)})`;
  return errorFor({
    ...{ code, errno, operation, cause: error },
    problem: `${device} cannot be mounted at ${brief(path)}${where}: ${shortMessage}`,
    joint: '; ',
    hint: (names: OptionNames) => {
      const rest = `the rest can be had by ${names('mountable')} ${root}, without what is mounted on it`;
      const hints = [hint, path === '/' ? undefined : rest].filter((each) => each !== undefined);
      return hints.length > 0 ? hints.join('; ') : undefined;
    },
  });
}
