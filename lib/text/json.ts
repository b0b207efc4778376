/** What a terminal acts on, and `JSON.stringify` leaves as it is: DEL, C1, line separators, bidirectional marks. */
const playful = /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/** By which a line is a command to GitHub Actions, wherever it stands. */
const command = /##(?=\[)/g;

/** JSON that can play with no terminal and with no log. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .replace(playful, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(command, '#\\u0023');
}
