// Writes what a guest says onto the host. Nothing is followed that is not a folder: every name is made anew, or is
// looked at before it is used.
import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, symlink, unlink } from 'node:fs/promises';
import { errorFor } from '../faults/errors';
import { setFileTimes } from '../native/addon';
import { bytesOf, isFileName } from '../text/bytes';
import type { WalkEntry } from './entry';

type Times = Pick<WalkEntry, 'atimeNs' | 'mtimeNs'>;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const slash = Buffer.from('/');

/** A folder of the host that is being filled. */
export class HostFolder {
  readonly #path: Buffer;
  readonly #overwrite: boolean;
  readonly #parent: HostFolder | undefined;
  /** Mode and times that the folder gets when everything is in it. */
  readonly #finally: { readonly mode: number; readonly times: Times } | undefined;
  /** Number of those that use the folder: the walk, and what is being copied into it. */
  #users = 1;

  private constructor(
    path: Buffer,
    overwrite: boolean,
    parent?: HostFolder,
    atEnd?: { mode: number; times: Times },
  ) {
    this.#path = path;
    this.#overwrite = overwrite;
    this.#parent = parent;
    this.#finally = atEnd;
    parent?.use();
  }

  /** The folder that the program has named. */
  static at(path: string, overwrite: boolean): HostFolder {
    return new HostFolder(bytesOf(path), overwrite);
  }

  /** Makes a folder in this one. One that is there already stays what it is. */
  async folder(name: string, mode: number, times: Times): Promise<HostFolder> {
    const path = this.#pathOf(name);
    const isNew = await this.#makeFolder(path);
    return new HostFolder(path, this.#overwrite, this, isNew ? { mode, times } : undefined);
  }

  /** Makes a file in this folder that `write` fills; when that fails, the file goes. */
  async file(
    name: string,
    mode: number,
    times: Times,
    write: (file: FileHandle) => Promise<void>,
  ): Promise<void> {
    const path = this.#pathOf(name);
    const file = await this.#replace(path, () => open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
    try {
      await write(file);
      await file.chmod(mode);
      await setTimes(file.fd, times);
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
  }

  async link(name: string, target: string, times: Times): Promise<void> {
    const path = this.#pathOf(name);
    await this.#replace(path, () => symlink(bytesOf(target), path));
    await setTimes(path, times);
  }

  /** Counts one more who will put something into the folder. */
  use(): void {
    this.#users++;
  }

  /** Counts one less. The last one gives the folder its mode and times, which may forbid to do more in it. */
  async release(): Promise<void> {
    if (--this.#users > 0) return;
    if (this.#finally) {
      const { mode, times } = this.#finally;
      await setTimes(this.#path, times);
      await chmod(this.#path, mode);
    }
    await this.#parent?.release();
  }

  #pathOf(name: string): Buffer {
    if (!isFileName(name)) {
      const problem = `the guest has a file whose name cannot be one: ${JSON.stringify(name)}`;
      throw errorFor({ code: 'EINVAL', operation: 'copyOut', problem });
    }
    return Buffer.concat([this.#path, slash, bytesOf(name)]);
  }

  /** Makes a folder; false when there is one already: a folder, not a link to one. */
  async #makeFolder(path: Buffer): Promise<boolean> {
    try {
      await mkdir(path, 0o700);
      return true;
    } catch (error) {
      if (!isThere(error)) throw error;
    }
    if ((await lstat(path)).isDirectory()) return false;
    await this.#replace(path, () => mkdir(path, 0o700));
    return true;
  }

  /** Makes what must not be there before, instead of what is. A folder is never replaced. */
  async #replace<T>(path: Buffer, make: () => Promise<T>): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (!this.#overwrite || !isThere(error)) throw error;
    }
    await unlink(path);
    return await make();
  }
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** A guest may have times that no filesystem of the host can hold: then those of the copy stay. */
async function setTimes(target: number | Buffer, { atimeNs, mtimeNs }: Times): Promise<void> {
  await setFileTimes(target, atimeNs, mtimeNs);
}
