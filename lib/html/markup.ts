// Markup that nothing can be smuggled into: what is put into a template is text, unless a template made it.
import { printable } from '../text/printable';

/** Longest text that a page shows, characters: a guest may have put a book into a name. */
const longest = 300;

const entities: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' },
};

export class Markup {
  readonly text: string;

  /** @param text - markup that this house has made */
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/** Template whose values are shown as the texts that they are; lists and other templates are put in as they are. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.map((part, index) => part + markupOf(values[index])).join(''));
}

export const nothing = new Markup('');

function markupOf(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escaped(String(value));
}

/** Text of a guest, made harmless and short. */
export function escaped(text: string): string {
  // Cut twice, so that a long text costs little.
  const [...characters] = printable(text.slice(0, 4 * longest));
  const cut = characters.length > longest || text.length > 4 * longest;
  const shown = cut ? `${characters.slice(0, longest).join('')}…` : characters.join('');
  return shown.replace(/[&<>"'`]/g, (character) => entities[character] ?? character);
}

/** Bytes that a text of a guest takes in a page. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(escaped(text));
}

/** A number as an attribute of SVG has it. */
export function decimal(value: number): string {
  return String(Math.round(value * 100) / 100);
}
