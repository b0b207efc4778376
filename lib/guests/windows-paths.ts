// Paths as a guest's Windows has them: drives, backslashes, and names without a case.
import { errorFor } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import { isRefusal, orNull } from './problems';
import { isWindowsPath } from './windows-names';

type Calls = Pick<
  Guestfs,
  | 'caseSensitivePath'
  | 'inspectGetDriveMappings'
  | 'inspectGetRoots'
  | 'inspectGetType'
  | 'lstatns'
  | 'mount'
  | 'mountRo'
  | 'umountAll'
>;

/** What has been mounted of the guest. */
interface Mounted {
  readonly root?: string | undefined;
  readonly mountable?: string | undefined;
  readonly writable: boolean;
}

/** Finds files of a mounted guest by the names that its own system has for them. */
export class GuestPaths {
  readonly #g: Calls;
  readonly #operation: string;
  readonly #mounted: Mounted;
  /** Root of the Windows that is mounted; null where it is none. */
  #windows: Promise<string | null> | undefined;
  /** Device of the drive that is mounted in the place of the system's. */
  #drive: string | undefined;

  constructor(g: Calls, operation: string, mounted: Mounted) {
    this.#g = g;
    this.#operation = operation;
    this.#mounted = mounted;
  }

  /**
   * The path of a file in what is mounted now. Another drive than the one before is mounted in its place. Of guests that
   * are not Windows a path is what it is.
   *
   * @throws GuestfsError `EINVAL` for a path of Windows in another guest, `ENOENT` for a drive that is not there
   */
  async resolve(path: string): Promise<string> {
    this.#windows ??= this.#findWindows();
    const root = await this.#windows;
    if (root === null) {
      if (!isWindowsPath(path)) return path;
      throw this.#error('EINVAL', `${path} is a path of Windows, and no Windows is mounted here`, {
        hint: this.#mounted.mountable === undefined ? 'a path of this guest begins with /' : withoutMount,
      });
    }
    const [, letter] = /^([a-z]):/i.exec(path) ?? [];
    await this.#enter(letter === undefined ? root : await this.#deviceOf(root, letter.toUpperCase()), root);
    const parts = isWindowsPath(path) ? path.replace(/^[a-z]:/i, '').split(/[\\/]/) : path.split('/');
    return await this.#withCase(`/${parts.filter((part) => part !== '').join('/')}`);
  }

  async #findWindows(): Promise<string | null> {
    const { root, mountable } = this.#mounted;
    if (mountable !== undefined) return null;
    const roots = root === undefined ? await this.#g.inspectGetRoots() : [root];
    const [system, other] = roots;
    if (system === undefined || other !== undefined) return null;
    // Of what it does not recognise libguestfs says nothing.
    return (await orNull(this.#g.inspectGetType(system))) === 'windows' ? system : null;
  }

  async #deviceOf(root: string, letter: string): Promise<string> {
    const mappings = await this.#g.inspectGetDriveMappings(root);
    const device = mappings.get(letter) ?? mappings.get(letter.toLowerCase());
    if (device !== undefined) return device;
    // A Windows whose registry says nothing of its drives has at least its own.
    if (letter === 'C' && mappings.size === 0) return root;
    const known = [...mappings.keys()].map((each) => `${each}:`).join(', ') || 'none';
    throw this.#error('ENOENT', `this Windows has no drive ${letter}: on these disks; it has ${known}`);
  }

  async #enter(device: string, root: string): Promise<void> {
    if (device === (this.#drive ?? root)) return;
    await this.#g.umountAll();
    this.#drive = ''; // nothing, unless it can be mounted
    if (this.#mounted.writable) await this.#g.mount(device, '/');
    else await this.#g.mountRo(device, '/');
    this.#drive = device;
  }

  /** A name that is there as it is written is that one; of the others case means nothing. */
  async #withCase(path: string): Promise<string> {
    try {
      await this.#g.lstatns(path);
      return path;
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    try {
      return await this.#g.caseSensitivePath(path);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return path; // whoever opens it says that it is not there
    }
  }

  #error(code: string, problem: string, more: { hint?: string } = {}) {
    return errorFor({ code, operation: this.#operation, problem, ...more });
  }
}

const withoutMount = 'drives are known where the system is mounted, without --mount';
