/** Streams that reporters write to, as the test sees them. */
import { Writable } from 'node:stream';

/** Collects what is written; `columns` makes it a terminal. */
export class Capture extends Writable {
  text = '';
  readonly isTTY: boolean;
  columns: number | undefined;
  rows = 24;

  constructor(columns?: number) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the record holds
  get records(): any[] {
    return this.lines.map((line) => JSON.parse(line));
  }
}

const ESC = '\x1b';
const tokens = new RegExp(`${ESC}\\[\\??\\d*[A-Za-z]|[\\s\\S]`, 'gu');

/**
 * A terminal of a few sequences that fails the test when text wraps or an unknown sequence comes. What real terminals make
 * of the bytes is for `Screen`; this one keeps pace with fake timers.
 */
export class Terminal extends Capture {
  #rows: string[] = [''];
  #row = 0;
  #column = 0;
  #wraps = true;
  draws = 0;

  override _write(chunk: string, encoding: string, done: () => void): void {
    this.draws++;
    super._write(chunk, encoding, done);
    for (const [token] of chunk.matchAll(tokens)) this.#put(token, chunk);
  }

  #put(token: string, chunk: string): void {
    const line = this.#rows[this.#row] ?? '';
    const [, count, command] = /^.\[(\??\d*)([A-Za-z])$/.exec(token) ?? [];
    const width = this.columns || 80;
    if (token === '\r') this.#column = 0;
    else if (token === '\n') {
      this.#row++;
      this.#column = 0;
      this.#rows[this.#row] ??= '';
    } else if (count === '?7') this.#wraps = command === 'h';
    else if (command === 'G') this.#column = Math.min(Number(count), width) - 1;
    else if (command === 'A') this.#row -= Number(count || 1);
    else if (command === 'K' || command === 'J') {
      this.#rows[this.#row] = line.slice(0, this.#column);
      if (command === 'J') this.#rows.length = this.#row + 1;
    } else if (command === 'm') {
      // Colours move nothing.
    } else {
      if (token < ' ') throw new Error(`unknown sequence ${JSON.stringify(chunk)}`);
      if (this.#column >= width - 1 && token !== ' ') throw new Error(`the line would wrap: ${line}`);
      if (this.#column === width) {
        if (!this.#wraps) return;
        this.#put('\n', chunk);
      }
      const row = this.#rows[this.#row] ?? '';
      this.#rows[this.#row] =
        row.slice(0, this.#column).padEnd(this.#column) + token + row.slice(this.#column + 1);
      this.#column++;
    }
    if (this.#row < 0) throw new Error('above the screen');
  }

  get screen(): string[] {
    const rows = this.#rows.map((row) => row.trimEnd());
    return rows.at(-1) === '' ? rows.slice(0, -1) : rows;
  }

  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }
}
