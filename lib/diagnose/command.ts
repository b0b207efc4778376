// Commands that a reader copies to a shell.
import type { Machine } from './machine';

/** A path, or another word, as a shell takes it. */
export function quote(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What only root may do. */
export function asRoot({ uid }: Machine, command: string): string {
  return uid === 0 ? command : `sudo ${command}`;
}
