import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, opendir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '../errors';
import { type ResultStore, usualRetention } from './store';

/** Milliseconds between two looks for what is kept too long. */
const cleanEveryMs = 3_600_000;

/** Names of files that are the store's own: nothing else in the folder is removed. */
const [finished, unfinished] = ['.guestfs-result', '.guestfs-unfinished'];

/** Keeps results in a folder that all machines of the fleet see under its path. */
export class FolderStore implements ResultStore {
  readonly #folder: string;
  readonly #retention: number;
  #cleanedAt = 0;

  /** @param options - `retention`: time for which results are kept, milliseconds; default: a week */
  constructor(
    folder: string,
    { retention = usualRetention }: { readonly retention?: number | undefined } = {},
  ) {
    this.#folder = folder;
    this.#retention = retention;
  }

  async put(key: string, value: Buffer): Promise<void> {
    const path = this.#path(key);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const beginning = join(this.#folder, `${randomUUID()}${unfinished}`);
    try {
      await using file = await open(beginning, 'wx', 0o600);
      await file.writeFile(value);
      // Else its name may be on the disk before it is.
      await file.sync();
      await rename(beginning, path);
    } catch (error) {
      await rm(beginning, { force: true });
      throw error;
    }
    if (Date.now() - this.#cleanedAt > Math.min(cleanEveryMs, this.#retention)) await this.clean();
  }

  async get(key: string): Promise<Buffer | undefined> {
    return await readFile(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  /** Removes what is kept too long. `put()` does so once an hour. */
  async clean(): Promise<void> {
    this.#cleanedAt = Date.now();
    for await (const { name } of await opendir(this.#folder)) {
      if (!name.endsWith(finished) && !name.endsWith(unfinished)) continue;
      const path = join(this.#folder, name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats?.isFile() && stats.mtimeMs < this.#cleanedAt - this.#retention)
        await rm(path, { force: true });
    }
  }

  #path(key: string): string {
    return join(this.#folder, checkedKey(key) + finished);
  }
}

/** A key names no other folder: it may come from the queue. */
export function checkedKey(key: string): string {
  if (/^[A-Za-z\d][\w.-]{0,199}$/.test(key)) return key;
  throw new FleetError(
    'ERR_GUESTFS_FLEET_RESULT',
    `a result cannot be kept under ${JSON.stringify(key.slice(0, 80))}`,
  );
}
