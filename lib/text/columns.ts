const combining = /^[\p{Mn}\p{Me}]$/u;
const emojiSelector = '\ufe0f';
const scripts = ['Han', 'Hangul', 'Hiragana', 'Katakana', 'Bopomofo', 'Yi', 'Tangut', 'Nushu'];
/** Beside those scripts: their blocks, also what is not assigned yet, symbols, and forms for vertical lines. */
const ranges = [
  '\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2ff0-\\u33ff\\u4dc0-\\u4dff\\uf900-\\ufaff',
  '\\ufe10-\\ufe19\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6\\u{16fe0}-\\u{191ff}\\u{1b000}-\\u{1b2ff}',
  '\\u{1d300}-\\u{1d37f}\\u{1f1ae}\\u{1f200}-\\u{1f265}\\u{1f6d9}\\u{1f7da}\\u{1fa70}-\\u{1faff}\\u{20000}-\\u{3fffd}',
];
const wide = new RegExp(
  `^[\\p{Emoji_Presentation}${scripts.map((name) => `\\p{Script=${name}}`).join('')}${ranges.join('')}]$`,
  'u',
);

// Where terminals differ, the larger width: a line that is a little short is better than one that wraps.
function characterColumns(character: string): number {
  if (character === emojiSelector) return 1;
  if (combining.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** How many terminal columns printable text takes. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterColumns(character);
  return columns;
}

/** Shortens text that takes more than `columns` terminal columns; it then ends in `…`. */
export function truncate(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let room = columns - 1;
  for (const character of text) {
    room -= characterColumns(character);
    if (room < 0) break;
    kept += character;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Shortens or pads text so that it takes exactly `columns` terminal columns. */
export function toColumns(text: string, columns: number): string {
  const kept = truncate(text, columns);
  return kept + ' '.repeat(Math.max(columns - columnsOf(kept), 0));
}
