/** Characters that mean nothing in Markdown, wherever they stand. */
const harmless = /^[\p{L}\p{M}\p{N} ]$/u;

/** Printable text as Markdown, and as HTML in it, that shows nothing but the text. */
export function markdownText(text: string): string {
  return Array.from(text, (character) =>
    harmless.test(character) ? character : `&#${character.codePointAt(0)};`,
  ).join('');
}

/** The heading of a table in the Markdown of GitHub. */
export function tableHeading(headings: readonly string[], align: readonly ('left' | 'right')[]): string {
  return tableRow(headings) + line(align.map((side) => (side === 'right' ? '---:' : '---')));
}

/** A row of it; the texts must be printable. */
export function tableRow(cells: readonly string[]): string {
  return line(cells.map(markdownText));
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`;
}
