// What has come of the images of a job, for whoever looks at its end only.
import { appendFileSync, statSync } from 'node:fs';
import { isUnwanted } from '../faults/errors';
import { tableHeading, tableRow } from '../text/ci/markdown';
import { counted } from '../text/counted';
import { printable } from '../text/printable';
import { compactDuration, spokenDuration } from './duration';

/** What has come of an image, or of another piece of work. */
export interface ProgressOutcome {
  /** Name of the image. */
  readonly image: string;
  /** Time that the work has taken, milliseconds. */
  readonly elapsed: number;
  /** Result in a few words, for instance the name of the operating system; default: none. */
  readonly result?: string | undefined;
  /** Reason why the work failed. */
  readonly error?: Error | undefined;
}

/** GitHub shows no summary of a step that is larger. */
const mostBytes = 1_000_000;
/** Bytes for the line that tells how many are left out. */
const reserve = 100;
const longestText = 300;

/** `2 images, 1 failed, in 1 min 12 s`; what nobody wanted any more is counted for itself. */
export function summaryLine(outcomes: readonly ProgressOutcome[], elapsed: number): string {
  const errors = outcomes.map(({ error }) => error).filter((error) => error !== undefined);
  const aborted = errors.filter(isUnwanted).length;
  const failed = errors.length - aborted;
  const count = counted(outcomes.length, 'image');
  const parts = [count, `${failed === 0 ? 'none' : failed} failed`];
  if (aborted > 0) parts.push(`${aborted} aborted`);
  return `${parts.join(', ')}, in ${spokenDuration(elapsed, 1)}`;
}

/** Adds a table of the outcomes to the summary of a step in GitHub Actions. A summary that cannot be written is none. */
export function writeStepSummary(file: string, outcomes: readonly ProgressOutcome[], elapsed: number): void {
  try {
    const room = mostBytes - (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
    const text = stepSummary(outcomes, elapsed, room);
    if (Buffer.byteLength(text) <= room) appendFileSync(file, text);
  } catch {
    // The job itself matters more.
  }
}

function stepSummary(outcomes: readonly ProgressOutcome[], elapsed: number, room: number): string {
  const heading = tableHeading(['', 'Image', 'Result', 'Time'], ['left', 'left', 'left', 'right']);
  const parts = [`### guestfs: ${summaryLine(outcomes, elapsed)}\n\n${heading}`];
  let left = room - Buffer.byteLength(parts[0] ?? '') - reserve;
  for (const [index, outcome] of outcomes.entries()) {
    const row = tableRow(cellsOf(outcome));
    left -= Buffer.byteLength(row);
    if (left < 0) {
      parts.push(`\n${outcomes.length - index} more are in the log.\n`);
      break;
    }
    parts.push(row);
  }
  return `${parts.join('')}\n`;
}

function cellsOf({ image, result = '', error, elapsed }: ProgressOutcome): string[] {
  const text = error ? `${codeOf(error)}: ${error.message.split('\n')[0] ?? ''}` : result;
  return [error ? '❌' : '✅', shown(image), shown(text), compactDuration(elapsed, 1)];
}

/** Code of a failure, or the name of its class. Not every code is a string: a DOMException's is a number. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function shown(text: string): string {
  const [...characters] = printable(text);
  return characters.length > longestText
    ? `${characters.slice(0, longestText).join('')}…`
    : characters.join('');
}
