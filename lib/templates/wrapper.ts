// What stands in the place of qemu while libguestfs launches: it asks the launch what is to be run.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, open, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { later } from '../options/own-timers';
import { bytesOf, nameOf } from '../text/bytes';
import { quoted } from '../text/shell';
import { scripts } from './generated/scripts';
import { OwnedFolder, ownedFolders } from './owned-folder';

/** Milliseconds between two looks whether libguestfs has come to start the appliance. */
const pollMs = 10;

const folderName = 'guestfs-node';

/** Descriptor that is given to a program. */
export const inherited = 3;

export class Wrapper {
  /** The program that libguestfs is to start. */
  readonly program: string;
  readonly #folder: OwnedFolder;

  private constructor(folder: OwnedFolder) {
    this.#folder = folder;
    this.program = join(folder.path, 'hypervisor');
  }

  /** Private folder of one launch. */
  get folder(): string {
    return this.#folder.path;
  }

  /**
   * @param only - whether qemu must not be run where it cannot be asked what is to be run
   * @throws where a file cannot be written, or there is no qemu
   */
  static async make(tmpdir: string, { qemu, only }: { qemu: string; only: boolean }): Promise<Wrapper> {
    await ownedFolders(tmpdir, folderName); // removes those of processes that were killed
    const wrapper = new Wrapper(await OwnedFolder.make(tmpdir, folderName, 0o700));
    try {
      await symlink(qemu, join(wrapper.folder, 'qemu'));
      if (!only) await symlink(qemu, join(wrapper.folder, 'boot'));
      await writeFile(wrapper.program, scripts.hypervisor);
      await chmod(wrapper.program, 0o700);
      await access(wrapper.program, constants.X_OK); // no program may be run where a filesystem is mounted so
      const time = await timeFor(qemu);
      await utimes(wrapper.program, time, time);
      return wrapper;
    } catch (error) {
      await wrapper.remove();
      throw error;
    }
  }

  /** The arguments with which libguestfs starts the appliance; undefined when `signal` is aborted before it does. */
  async question(signal: AbortSignal): Promise<string[] | undefined> {
    while (!signal.aborted) {
      const question = join(this.folder, 'question');
      const bytes = await readFile(question).catch(() => undefined);
      if (bytes !== undefined) await rm(question);
      if (bytes !== undefined) return nameOf(bytes).split('\0').slice(0, -1);
      await new Promise((resolve) => later(resolve, pollMs));
    }
    return undefined;
  }

  /** Lets it become this program, with a file as its descriptor 3 if there is one to be given. */
  async run(
    [program, ...args]: readonly [string, ...string[]],
    signal: AbortSignal,
    file?: string,
  ): Promise<void> {
    const descriptor = file === undefined ? '' : ` ${inherited}<${quoted(file)}`;
    await this.#answer(`exec ${[program, ...args].map(quoted).join(' ')}${descriptor}\n`, signal);
  }

  /** Lets it end as a program that failed. */
  async refuse(signal: AbortSignal): Promise<void> {
    await this.#answer('exit 1\n', signal);
  }

  /** Whether it could not ask, for want of a program. */
  couldNotAsk(): Promise<boolean> {
    return exists(join(this.folder, 'unasked'));
  }

  async remove(): Promise<void> {
    await this.#folder.remove();
  }

  /** The script removes the pipe once it has read it: what is in a pipe is lost when nobody has it open any more. */
  async #answer(script: string, signal: AbortSignal): Promise<void> {
    const pipe = join(this.folder, 'answer');
    await writeFile(join(this.folder, 'run'), bytesOf(script), { mode: 0o600 });
    // Open for both, so that nothing waits for a reader that may have been killed.
    const file = await open(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      await file.write('go\n');
      while (!signal.aborted && (await exists(pipe))) await new Promise((resolve) => later(resolve, pollMs));
    } finally {
      await file.close();
    }
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * libguestfs keeps what it has found out about qemu under size and time of the program: of each qemu another one here.
 */
async function timeFor(qemu: string): Promise<number> {
  const { size, mtimeMs, ino } = await stat(qemu);
  const digest = createHash('sha256').update(`${qemu} ${size} ${mtimeMs} ${ino}`).digest();
  return digest.readUInt32BE() % 1_000_000_000;
}
