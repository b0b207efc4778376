import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file that others may read meanwhile; nothing is left where that fails. */
export function writeWhole(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
