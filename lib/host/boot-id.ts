import { readFileSync } from 'node:fs';

/** Name that Linux gives each of its boots; undefined where it may not be read. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
