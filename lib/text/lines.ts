import { harmless, printable } from './printable';

/** The lines of a console that hold something, as a terminal may see them. */
export function printableLines(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => printable(line).trimEnd())
    .filter((line) => line !== '');
}

/** A text of several lines that can play with no terminal. */
export function printableText(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** A text of several lines that can play with no terminal, and in which every name keeps its bytes. */
export function harmlessText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}
