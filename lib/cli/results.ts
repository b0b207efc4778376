// Where results go. What comes from a guest reaches a terminal as printable text only, and anything else byte for byte.
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { bytesOf } from '../text/bytes';
import { wantsColour } from '../text/colour';
import { toJson } from '../text/json';
import { printable } from '../text/printable';
import { type Column, Table } from '../text/table';

/** Style in which a terminal shows a text. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan';

/** A piece of a line. */
export type Piece = string | readonly [text: string, style: Style | undefined];

/** The numbers of ECMA-48's SGR. */
const codes: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  cyan: 36,
};

export type ResultStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  readonly fd?: number | undefined;
  readonly columns?: number | undefined;
};

export interface ResultOptions {
  readonly stream?: ResultStream;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /**
   * Called before text is written that may be seen where progress is: on a terminal, or in a pipe, behind which it may
   * go to the same terminal or log. It takes what is drawn there off it.
   */
  readonly beforeWrite?: () => void;
}

export class Results {
  readonly isTerminal: boolean;
  readonly #stream: ResultStream;
  readonly #signal: AbortSignal | undefined;
  readonly #makeWay: () => void;
  readonly #isColoured: boolean;

  constructor({ stream = process.stdout, env = process.env, signal, beforeWrite }: ResultOptions = {}) {
    this.#stream = stream;
    this.#signal = signal;
    this.isTerminal = stream.isTTY === true;
    this.#makeWay = beforeWrite && (this.isTerminal || isPipe(stream)) ? beforeWrite : () => undefined;
    this.#isColoured = wantsColour(env, this.isTerminal);
  }

  /** Width of the terminal, columns; elsewhere lines may have any length. */
  get width(): number {
    return this.isTerminal ? this.#stream.columns || 80 : Number.POSITIVE_INFINITY;
  }

  /** Writes a line for people, or the names of files for other programs. */
  line(...pieces: readonly Piece[]): Promise<void> {
    return this.#text(bytesOf(`${pieces.map((piece) => this.#shown(piece)).join('')}\n`));
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    return this.growingTable(columns)(rows);
  }

  /** Begins a table whose rows come as they are found out. */
  growingTable(columns: readonly Column[]): (rows: readonly (readonly string[])[]) => Promise<void> {
    const table = new Table(columns, (text) => this.styled(text, 'bold'));
    return (rows) => this.#text(Buffer.from(table.render(rows, this.width)));
  }

  /** Writes a line of JSON: one of many, which is NDJSON, or the only one. */
  json(value: unknown, indent?: number): Promise<void> {
    return this.#text(Buffer.from(`${toJson(value, indent)}\n`));
  }

  /** Begins an array in JSON whose elements come as they are found out; what is written of it ends with a line. */
  growingJson(): { add(values: readonly unknown[]): Promise<void>; end(): Promise<void> } {
    let isBegun = false;
    return {
      add: async (values) => {
        if (values.length === 0) return;
        const [, ...lines] = toJson(values, 2).slice(0, -2).split('\n');
        const start = isBegun ? ',' : '[';
        isBegun = true;
        await this.#text(Buffer.from([start, ...lines, ''].join('\n')));
      },
      end: () => this.#text(Buffer.from(isBegun ? ']\n' : '[]\n')),
    };
  }

  /** Writes the content of a file. */
  async content(source: AsyncIterable<Uint8Array>): Promise<void> {
    if (!this.isTerminal) {
      for await (const bytes of source) await this.#text(bytes);
      return;
    }
    for await (const text of printableLines(source)) await this.#text(Buffer.from(text));
  }

  /** Writes what no terminal can show, as an archive. Resolves when there is room for more. */
  async bytes(bytes: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!this.#stream.write(bytes)) await once(this.#stream, 'drain', { signal: this.#signal });
  }

  /** Styles a text, where there are colours. */
  styled(text: string, style: Style | undefined): string {
    return this.#isColoured && style ? `\x1b[${codes[style]}m${text}\x1b[0m` : text;
  }

  /** Writes bytes; those for a terminal must have been made printable. */
  #text(bytes: Uint8Array): Promise<void> {
    this.#makeWay();
    return this.bytes(bytes);
  }

  #shown(piece: Piece): string {
    const [text, style] = typeof piece === 'string' ? [piece, undefined] : piece;
    if (!this.isTerminal) return text;
    return this.styled(printable(text), style);
  }
}

function isPipe({ fd }: ResultStream): boolean {
  if (fd === undefined) return false;
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

/** Length of what is shown at once of a line that does not end. */
const longestPart = 1 << 16;

/** A file as text that cannot play with a terminal: line by line, with its tabs. */
export async function* printableLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const show = (line: string) => line.replace(/\r$/, '').split('\t').map(printable).join('\t');
  for await (const bytes of source) {
    const lines = (rest + decoder.write(Buffer.from(bytes))).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines.map((line) => `${show(line)}\n`).join('');
    if (rest.length < longestPart) continue;
    yield show(rest);
    rest = '';
  }
  rest += decoder.end();
  // So that what follows, the shell's prompt perhaps, begins on a line of its own.
  if (rest !== '') yield `${show(rest)}\n`;
}
