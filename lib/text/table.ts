import { columnsOf, toColumns } from './columns';
import { printable } from './printable';

export interface Column {
  readonly heading: string;
  /** Default `'left'`. */
  readonly align?: 'left' | 'right';
}

const gap = '  ';
/** A column is not made narrower than this to fit the terminal. */
const narrowest = 8;

/**
 * An aligned table with a heading, which may be styled. Where it is wider than `width`, the widest columns are shortened.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  heading: (text: string) => string = (text) => text,
): string {
  const cells = [columns.map(({ heading }) => heading), ...rows.map((row) => row.map(printable))];
  const widths = shrink(
    columns.map((_, index) => cells.reduce((most, row) => Math.max(most, columnsOf(row[index] ?? '')), 0)),
    width - gap.length * (columns.length - 1),
  );
  return cells
    .map((row, index) => {
      const padded = columns.map(({ align }, column) =>
        pad(row[column] ?? '', widths[column] ?? 0, align === 'right'),
      );
      const line = padded.join(gap).trimEnd();
      return `${index === 0 ? heading(line) : line}\n`;
    })
    .join('');
}

function shrink(widths: number[], room: number): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, each) => sum + each, 0) - room;
  for (; excess > 0; excess--) {
    const widest = fitted.indexOf(Math.max(...fitted));
    const columns = fitted[widest] ?? 0;
    if (columns <= narrowest) break;
    fitted[widest] = columns - 1;
  }
  return fitted;
}

function pad(text: string, columns: number, right: boolean): string {
  const cell = toColumns(text, columns);
  return right ? ' '.repeat(columns - columnsOf(cell.trimEnd())) + cell.trimEnd() : cell;
}
