import { columnsOf, toColumns } from './columns';
import { printable } from './printable';

export interface Column {
  readonly heading: string;
  /** Least width, columns of the terminal; default: that of the widest cell. */
  readonly least?: number;
  /** Side on which the cells of the column begin; default `'left'`. */
  readonly align?: 'left' | 'right';
}

const gap = '  ';
/** Width below which no column is shortened to fit the terminal. */
const narrowest = 8;

/**
 * An aligned table with a heading, which may be styled. Where it is wider than `width`, the widest columns are shortened.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  heading?: (text: string) => string,
): string {
  return new Table(columns, heading).render(rows, width);
}

/** A table that is written piece by piece: a column gets wider where a cell needs it, and never narrower again. */
export class Table {
  readonly #columns: readonly Column[];
  readonly #heading: (text: string) => string;
  readonly #widths: number[];
  #isBegun = false;

  constructor(columns: readonly Column[], heading: (text: string) => string = (text) => text) {
    this.#columns = columns;
    this.#heading = heading;
    this.#widths = columns.map(({ heading, least = 0 }) => Math.max(columnsOf(heading), least));
  }

  /** Renders more rows, below the heading where they are the first. */
  render(rows: readonly (readonly string[])[], width: number): string {
    const cells = rows.map((row) => row.map(printable));
    for (const row of cells) {
      for (const [index, cell] of row.entries()) {
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, columnsOf(cell));
      }
    }
    const widths = shrink(this.#widths, width - gap.length * (this.#columns.length - 1));
    const lines = cells.map((row) => this.#line(row, widths));
    if (!this.#isBegun) {
      const headings = this.#columns.map(({ heading }) => heading);
      lines.unshift(this.#heading(this.#line(headings, widths)));
    }
    this.#isBegun = true;
    return lines.map((line) => `${line}\n`).join('');
  }

  #line(cells: readonly string[], widths: readonly number[]): string {
    const padded = this.#columns.map(({ align }, index) =>
      pad(cells[index] ?? '', widths[index] ?? 0, align === 'right'),
    );
    return padded.join(gap).trimEnd();
  }
}

function shrink(widths: readonly number[], room: number): number[] {
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
