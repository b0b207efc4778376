// Small files in the user's cache folder.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The file of that name, as the variables say (XDG Base Directory); undefined where there is no home. */
export function cacheFile(name: string, { XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string | undefined {
  const own = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : undefined;
  const folder = own ?? (HOME && join(HOME, '.cache'));
  return folder ? join(folder, 'guestfs-node', name) : undefined;
}

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
