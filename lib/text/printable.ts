// ECMA-48: a sequence begins with ESC and a byte, or with the C1 character that stands for both.
const ESC = '\\u001b';
const STRING = `(?:${ESC}[\\]PX^_]|[\\u0090\\u0098\\u009d-\\u009f])\\P{Cc}*(?:\\u0007|${ESC}\\\\|\\u009c)`;
const CONTROL = `(?:${ESC}\\[|\\u009b)[0-?]*[ -/]*[@-~]`;
const SHORT = `${ESC}[ -/]*[0-~]`;

const sequences = new RegExp(`${STRING}|${CONTROL}|${SHORT}`, 'gu');
const breaks = /\r\n|[\t\n\v\f\r\u0085\u2028\u2029]/gu;
/**
 * Control characters and others that are not seen: bidirectional marks reorder what stands around them on the line, the
 * rest makes names look alike that are not. Joiners stay: scripts and emoji need them.
 */
export const unseen =
  /[\p{Cc}\p{Bidi_Control}\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const loneSurrogates = /\p{Cs}/gu;

/**
 * Makes text from outside (file names, error messages, the guest's console) safe to show on one line.
 *
 * Escape sequences, control characters (C0, DEL, C1, bidirectional marks) and others that are not seen are removed, line
 * breaks and tabs become spaces, and lone surrogates, which stand for bytes that are not UTF-8, become U+FFFD.
 */
export function printable(text: string): string {
  return harmless(text).replace(loneSurrogates, '\ufffd');
}

/** The same, but for lone surrogates: the names in it can still be told from others, and opened. */
export function harmless(text: string): string {
  return text.replace(sequences, '').replace(breaks, ' ').replace(unseen, '');
}
