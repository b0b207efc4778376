import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSocketBound } from '../native/addon';

/** How far the time of a file may be behind the clock, in milliseconds: that of the kernel's ticks, and some. */
const tolerance = 100;

/** Launches that are remembered: those that are given up before they listen do not take away what one before has left. */
const mostLaunches = 256;

/** From the beginning of a launch to its end, milliseconds since the epoch. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The socket on which a handle waits for its qemu. libguestfs makes a folder for it at the handle's first launch, beside
 * those of other handles, processes and containers, and does not tell its name.
 */
export class ApplianceSocket {
  /** The folders that others had before this handle had one. */
  #others: ReadonlySet<string> | undefined;
  #launches: readonly Span[] = [];

  /** Makes a launch; the socket that it leaves, should it fail, is known by that. */
  async during(folder: string, launch: () => Promise<void>): Promise<void> {
    this.#others ??= new Set(foldersIn(folder));
    const from = Date.now();
    try {
      await launch();
    } finally {
      // The time of a file may be finer than that of the clock.
      this.#launches = [...this.#launches, { from, to: Date.now() + 1 }].slice(-mostLaunches);
    }
  }

  /**
   * Removes the socket that a launch of this handle has left; false where there is none. Where it cannot be told from
   * somebody else's, nothing is removed.
   */
  removeStale(folder: string): boolean {
    try {
      const open = readFileSync('/proc/net/unix', 'utf8');
      const [stale, ...more] = foldersIn(folder)
        .filter((name) => !this.#others?.has(name))
        .map((name) => join(folder, name, 'guestfsd.sock'))
        // A qemu that is connected is told by the kernel's list only, somebody who waits for his also elsewhere.
        .filter((socket) => this.#isOwn(socket) && !open.includes(socket) && !isSocketBound(socket));
      if (stale === undefined || more.length > 0) return false;
      rmSync(stale, { force: true });
      this.#launches = [];
      return true;
    } catch {
      return false;
    }
  }

  #isOwn(path: string): boolean {
    try {
      const found = lstatSync(path);
      const isOfLaunch = ({ from, to }: Span) => found.ctimeMs >= from - tolerance && found.ctimeMs <= to;
      return found.isSocket() && found.uid === process.getuid?.() && this.#launches.some(isOfLaunch);
    } catch {
      return false; // another user's folder
    }
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^libguestfs.{6}$/.test(name));
  } catch {
    return [];
  }
}
