const combining = /^[\p{Mn}\p{Me}]$/u;
const emojiSelector = '\ufe0f';
const wide =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u33ff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]$/u;

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
