import { columnsOf, toColumns, truncate } from '../text/columns';
import { compactDuration } from './duration';
import type { Measure } from './format';

const SHORTEST_BAR = 10;
const LONGEST_BAR = 40;
/** Milliseconds for one step of an animation; they depend on nothing but the elapsed time. */
const FRAME = 100;

/** What a line about a running operation shows; times in milliseconds. */
export interface Running {
  readonly label: string;
  readonly operation: string;
  readonly elapsed: number;
  /** A bar that only shows that something moves, or none: a spinner, when the operation has not reported anything. */
  readonly bar: Measure | 'moving' | undefined;
  readonly phase: string | undefined;
  /** Gain of the ratio per second. */
  readonly rate: number | undefined;
}

interface Field {
  readonly text: string;
  /** Columns kept free for it, so that the bar keeps its length while numbers grow. */
  readonly columns: number;
}

/** The line of a running operation: exactly `columns` terminal columns; what finds no room is left out. */
export function renderRunning(view: Running, columns: number): string {
  const elapsed = compactDuration(view.elapsed);
  const percent = view.bar && view.bar !== 'moving' ? percentIn(view.bar) : undefined;

  if (view.bar) {
    const name = heading(
      view.label,
      view.operation,
      Math.max(columnsOf(view.operation), Math.floor(columns / 2)),
    );
    const fields = fieldsOf(view, elapsed);
    // Least important last: drop from the end until the bar has room.
    for (let count = fields.length; count >= 0; count--) {
      const shown = fields.slice(0, count);
      if (percent !== undefined) shown.unshift({ text: ` ${percent}`, columns: percent.length + 1 });
      const taken = shown.reduce((sum, field) => sum + field.columns, 0);
      const room = columns - columnsOf(`${name} []`) - taken;
      if (room < SHORTEST_BAR) continue;
      const bar = drawBar(view.bar, Math.min(room, LONGEST_BAR), view.elapsed);
      return toColumns(`${name} [${bar}]${shown.map((field) => field.text).join('')}`, columns);
    }
  }

  const news = percent?.trimStart() ?? elapsed;
  const room = columns - columnsOf(`${spinner(view.elapsed)}  ${news}`);
  return toColumns(`${spinner(view.elapsed)} ${heading(view.label, view.operation, room)} ${news}`, columns);
}

/** The line that stays when an operation has ended: at most `columns` terminal columns. */
export function renderEnded(
  view: { label: string; operation: string; elapsed: number; failure: string | undefined },
  columns: number,
): string {
  const mark = view.failure === undefined ? '✓' : '✗';
  const outcome = `${view.failure ?? '100%'} ${compactDuration(view.elapsed, 1)}`;
  const room = columns - columnsOf(`${mark}  ${outcome}`);
  return truncate(`${mark} ${heading(view.label, view.operation, room)} ${outcome}`, columns);
}

function fieldsOf({ bar, phase, rate }: Running, elapsed: string): Field[] {
  const fields: Field[] = [{ text: `  ${elapsed}`, columns: 8 }];
  if (phase !== undefined) fields.push({ text: `  ${phase}`, columns: columnsOf(phase) + 2 });
  if (bar === 'moving' || !bar) return fields;
  const { remaining, isEstimated } = bar;
  if (phase !== undefined && !isEstimated) return fields;
  // Their room is kept even before they are known.
  const eta = remaining === undefined ? '' : `  ETA ${isEstimated ? '~' : ''}${compactDuration(remaining)}`;
  fields.push({ text: eta, columns: isEstimated ? 13 : 12 });
  if (isEstimated) return fields;
  fields.push({ text: rate === undefined ? '' : `  ${speed(rate)}`, columns: 10 });
  return fields;
}

/** An estimate is marked. */
function percentIn({ percent, isEstimated }: Measure): string {
  return isEstimated ? `~${percent}%`.padStart(5) : `${percent}%`.padStart(4);
}

// The label gives way first: without the operation's name the line means nothing.
function heading(label: string, operation: string, columns: number): string {
  const room = columns - columnsOf(operation) - 1;
  if (label === '' || room < 4) return truncate(operation, Math.max(columns, 1));
  return `${truncate(label, room)} ${operation}`;
}

function drawBar(bar: Measure | 'moving', columns: number, elapsed: number): string {
  if (bar === 'moving') {
    const block = '<=>';
    const span = columns - block.length;
    const step = Math.floor(elapsed / FRAME) % (2 * span);
    return toColumns(' '.repeat(Math.min(step, 2 * span - step)) + block, columns);
  }
  const filled = Math.floor(bar.ratio * columns);
  return toColumns('='.repeat(filled) + (filled < columns ? '>' : ''), columns);
}

function spinner(elapsed: number): string {
  return '|/-\\'.charAt(Math.floor(elapsed / FRAME) % 4);
}

function speed(rate: number): string {
  const percent = rate * 100;
  return percent >= 0.1 ? `${percent.toFixed(1)}%/s` : `${(percent * 60).toFixed(1)}%/min`;
}
