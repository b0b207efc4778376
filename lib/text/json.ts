import { randomUUID } from 'node:crypto';

/**
 * Characters that a terminal acts on, and that `JSON.stringify` leaves as they are: DEL, C1, line separators,
 * bidirectional marks.
 */
const playful = /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/** Mark by which a line is a command to systems that run jobs, wherever it stands. */
const command = /#(?=\p{Default_Ignorable_Code_Point}*#)/gu;

/** Text that no data can contain, for nobody can know it. */
const mark = randomUUID();
const marked = new RegExp(`"${mark}(-?\\d+)"`, 'g');

/** JSON that can play with no terminal and with no log. Whole numbers have all their digits, `bigint` too. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_, each: unknown) => (isLarge(each) ? `${mark}${BigInt(each)}` : each),
    indent,
  )
    .replace(marked, '$1')
    .replace(playful, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(command, '\\u0023');
}

/** Whether `JSON.stringify` would refuse a number, or write 2^60 as 1152921504606847000. */
function isLarge(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (Number.isInteger(value) && !Number.isSafeInteger(value));
}
