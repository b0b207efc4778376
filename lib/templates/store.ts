// Where templates lie: one folder each, in a folder of this user beside libguestfs's own cache, or in root's.
import { constants } from 'node:fs';
import {
  access,
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { lockedFiles } from './locks';
import { isOlder, nameIn, OwnedFolder, ownedFolders } from './owned-folder';

/** The files of a template. */
export const files = { root: 'root', overlay: 'overlay.qcow2', state: 'state' } as const;

const aboutFile = 'template.json';
const failedFile = 'failed.json';
const usedFile = 'used';

/** Another number for templates that this version could not use. */
const formatVersion = 2;

/** Bytes that a making may need for the state, the overlay and a new root. */
export const spaceNeeded = 3 * 2 ** 30;

/** Bytes that the templates of one user may take. */
const mostSpace = 6 * 2 ** 30;

/** Milliseconds for which it counts that an appliance cannot be a template: a day; or that something was in the way. */
export const holds = { forSure: 24 * 60 * 60 * 1000, perhaps: 10 * 60 * 1000 } as const;

/** Size and time of a file, by which a change is noticed. */
export interface Stamp {
  readonly size: number;
  /** Nanoseconds since the epoch, in decimal. */
  readonly mtime: string;
}

/** How qemu takes the state: as a file that it opens by its name, or as a descriptor that it is given. */
export type Incoming = 'file' | 'descriptor';

/** What a template says of itself. */
interface About {
  readonly format: typeof formatVersion;
  readonly key: string;
  /** What the machine is made of, for whoever wants to know why a template did not match. */
  readonly words: readonly string[];
  /** When it was made, in ISO 8601. */
  readonly made: string;
  readonly stamps: Readonly<Record<string, Stamp>>;
  readonly incoming: Incoming;
  /** Cycles in a second, in millions, of the host on which it was made. */
  readonly cycles: number;
}

/** A template that is ready to be used. */
export interface Template {
  readonly key: string;
  readonly folder: string;
  readonly made: Date;
  /** When a launch came up from it last; undefined where none has, or where that could not be noted. */
  readonly used: Date | undefined;
  /** Bytes that it takes on the disk, with its part of the root that templates of one appliance share. */
  readonly bytes: number;
  readonly words: readonly string[];
  readonly incoming: Incoming;
  /** Cycles in a second, in millions, of the host on which it was made. */
  readonly cycles: number;
  /** Whether it is root's, for all users. */
  readonly shared: boolean;
}

/** The templates of one cache folder. */
export class TemplateStore {
  /** Folder of this user's templates. */
  readonly folder: string;
  readonly #cachedir: string;
  readonly #user = process.geteuid?.() ?? 0;

  constructor(cachedir: string) {
    this.#cachedir = cachedir;
    this.folder = folderOf(cachedir, this.#user);
  }

  /** The template with this key; undefined where there is none, or where it is not as it was when it was made. */
  async find(key: string): Promise<Template | undefined> {
    for (const { folder, owner } of this.#folders()) {
      if (!(await isTrusted(folder, owner))) continue;
      const template = await read(join(folder, key), owner, this.#user);
      if (template?.key === key) return template;
    }
    return undefined;
  }

  /** All templates, this user's and root's, the last used first. */
  async list(): Promise<Template[]> {
    const found: Template[] = [];
    for (const { folder, owner } of this.#folders()) {
      if (!(await isTrusted(folder, owner))) continue;
      for (const name of await readdir(folder).catch(() => [])) {
        const template = nameIn(name) ? undefined : await read(join(folder, name), owner, this.#user);
        if (template) found.push(template);
      }
    }
    return found.sort((a, b) => lastUse(b) - lastUse(a));
  }

  /** Notes that a launch has come up from a template: the one that was not used for longest goes first. */
  async use(template: Template): Promise<void> {
    await writeFile(join(template.folder, usedFile), '').catch(() => undefined); // root's, read-only
  }

  /**
   * Makes the folder for this user's templates.
   *
   * @returns why that cannot be; undefined where it is there
   */
  async prepare(): Promise<string | undefined> {
    const mode = this.#user === 0 ? 0o755 : 0o700;
    await mkdir(this.#cachedir, { recursive: true }).catch(() => undefined);
    const code = await mkdir(this.folder, { mode }).then(
      () => chmod(this.folder, mode).then(() => 'EEXIST'), // whatever the umask
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code !== 'EEXIST') return `${this.folder} cannot be made (${code})`;
    if (!(await isTrusted(this.folder, this.#user))) {
      return `${this.folder} is not a folder that belongs to this user and that no other may write to`;
    }
    const writable = await access(this.folder, constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!writable) return `${this.folder} may not be written to`;
    const space = await statfs(this.folder).catch(() => undefined);
    if (space && space.bavail * space.bsize < spaceNeeded)
      return `the disk of ${this.folder} has less than 3 GiB left`;
    return undefined;
  }

  /** Begins a template, to be published or discarded; undefined where somebody else has begun to make it. */
  async begin(key: string): Promise<OwnedFolder | undefined> {
    const draft = await OwnedFolder.make(this.folder, key, this.#user === 0 ? 0o755 : 0o700);
    const own = basename(draft.path);
    const others = await ownedFolders(this.folder, key);
    if (!others.some((other) => isOlder(other, own))) return draft;
    await draft.remove();
    return undefined;
  }

  /** Whether somebody makes the template with this key now. */
  async isBeingMade(key: string): Promise<boolean> {
    return (await ownedFolders(this.folder, key)).length > 0;
  }

  /** Gives a draft, in which all files are, its name, and makes room. */
  async publish(
    draft: OwnedFolder,
    made: Pick<About, 'key' | 'words' | 'incoming' | 'cycles'>,
  ): Promise<void> {
    const { key } = made;
    const stamps: Record<string, Stamp> = {};
    for (const name of Object.values(files)) {
      const stamp = await stampOf(join(draft.path, name));
      if (!stamp) throw new Error(`${name} is missing`);
      stamps[name] = stamp;
    }
    const about: About = { format: formatVersion, ...made, made: new Date().toISOString(), stamps };
    await writeFile(join(draft.path, aboutFile), `${JSON.stringify(about, undefined, 2)}\n`);
    await chmod(join(draft.path, aboutFile), 0o644);
    for (const name of [files.overlay, files.state]) await synced(join(draft.path, name));
    // One that is broken may be in the way.
    const old = join(this.folder, key);
    if (!(await read(old, this.#user, this.#user))) await remove(old);
    await publish(draft, old);
    await this.prune(key);
  }

  /** Throws a template away that has failed, if it is this user's. One that has never worked is not made again soon. */
  async discard(template: Template, why: string): Promise<void> {
    if (template.shared || !template.used) await this.noteFailure(template.key, why);
    if (!template.shared) await remove(template.folder);
  }

  /** Removes templates, those with these keys or all, and what is left of makers. Returns those that were removed. */
  async remove(keys?: readonly string[]): Promise<Template[]> {
    const own = (await this.list()).filter(({ shared, key }) => !shared && (keys?.includes(key) ?? true));
    for (const template of own) await remove(template.folder);
    await this.#removeLeftOvers();
    return own;
  }

  /** Keeps the templates that were used last, within the space they may have, and never takes one that is in use. */
  async prune(keep: string): Promise<void> {
    const own = (await this.list()).filter(({ shared }) => !shared);
    const locked = await lockedFiles();
    let space = 0;
    for (const template of own) {
      space += template.bytes;
      if (space <= mostSpace || template.key === keep) continue;
      const overlay = await lstat(join(template.folder, files.overlay)).catch(() => undefined);
      if (overlay && !locked.has(overlay.ino)) await remove(template.folder);
    }
    await this.#removeLeftOvers();
  }

  /** Remembers that the template with this key cannot be made or does not work: the next launches need not try. */
  async noteFailure(key: string, why: string, holdsMs: number = holds.forSure): Promise<void> {
    if ((await this.prepare()) !== undefined) return;
    const file = join(this.folder, `${key}.${failedFile}`);
    const text = JSON.stringify({ why, until: new Date(Date.now() + holdsMs).toISOString() });
    await writeFile(`${file}.${process.pid}`, text, { mode: 0o600 }).catch(() => undefined);
    await rename(`${file}.${process.pid}`, file).catch(() => undefined);
  }

  /** Why the template with this key failed lately; undefined where it did not. */
  async failureOf(key: string, now = Date.now()): Promise<string | undefined> {
    if (!(await isTrusted(this.folder, this.#user))) return undefined;
    const text = await readFile(join(this.folder, `${key}.${failedFile}`), 'utf8').catch(() => '');
    const { why, until } = parse<{ why: unknown; until: unknown }>(text) ?? {};
    const left = Date.parse(String(until)) - now;
    return typeof why === 'string' && left > 0 && left <= holds.forSure ? why : undefined;
  }

  /** Folder of roots that several templates share; they have links to its files of their own. */
  get roots(): string {
    return join(this.folder, 'roots');
  }

  async #removeLeftOvers(): Promise<void> {
    await ownedFolders(this.folder);
    await ownedFolders(this.roots);
    // A root to which no template has a link any more was that of an appliance that has been built anew.
    for (const name of await readdir(this.roots).catch(() => [])) {
      if (nameIn(name)) continue;
      const root = await lstat(join(this.roots, name, files.root)).catch(() => undefined);
      if (root && root.nlink < 2) await remove(join(this.roots, name));
    }
    for (const name of await readdir(this.folder).catch(() => [])) {
      if (!name.endsWith(`.${failedFile}`)) continue;
      const key = name.slice(0, -failedFile.length - 1);
      if ((await this.failureOf(key)) === undefined) await rm(join(this.folder, name), { force: true });
    }
  }

  #folders(): { folder: string; owner: number }[] {
    const own = { folder: this.folder, owner: this.#user };
    return this.#user === 0 ? [own] : [own, { folder: folderOf(this.#cachedir, 0), owner: 0 }];
  }
}

export function folderOf(cachedir: string, user: number): string {
  return join(cachedir, `.guestfs-node-${user}`);
}

/** A folder of that user, which nobody else may write to. */
export async function isTrusted(folder: string, owner: number): Promise<boolean> {
  const facts = await lstat(folder).catch(() => undefined);
  return facts?.isDirectory() === true && facts.uid === owner && (facts.mode & 0o022) === 0;
}

async function read(folder: string, owner: number, user: number): Promise<Template | undefined> {
  if (!(await isTrusted(folder, owner))) return undefined;
  const text = await readFile(join(folder, aboutFile), 'utf8').catch(() => '');
  const about = parse<About>(text);
  if (about?.format !== formatVersion || typeof about.key !== 'string' || !about.stamps) return undefined;
  let bytes = 0;
  for (const name of Object.values(files)) {
    const path = join(folder, name);
    const facts = await lstat(path).catch(() => undefined);
    if (!facts?.isFile() || facts.uid !== owner || (facts.mode & 0o022) !== 0) return undefined;
    if (!isUnchanged(about.stamps[name], await stampOf(path))) return undefined;
    // Of a root there is a link in each template of the appliance, and one among the roots.
    bytes += (facts.blocks * 512) / Math.max(1, facts.nlink - 1);
  }
  const used = await lstat(join(folder, usedFile)).catch(() => undefined);
  const made = new Date(about.made ?? 0);
  return {
    ...{ key: about.key, folder, made, used: used?.mtime, bytes: Math.round(bytes) },
    words: Array.isArray(about.words) ? about.words.map(String) : [],
    incoming: about.incoming === 'file' ? 'file' : 'descriptor',
    cycles: Number(about.cycles),
    shared: owner !== user,
  };
}

export async function stampOf(path: string): Promise<Stamp | undefined> {
  const facts = await lstat(path, { bigint: true }).catch(() => undefined);
  return facts && { size: Number(facts.size), mtime: String(facts.mtimeNs) };
}

/** In the layers of a container image, times have no fractions of a second. */
export function isUnchanged(before: Stamp | undefined, now: Stamp | undefined): boolean {
  if (!before || !now || before.size !== now.size || now.size === 0) return false;
  if (before.mtime === now.mtime) return true;
  return now.mtime.endsWith('000000000') && before.mtime.slice(0, -9) === now.mtime.slice(0, -9);
}

export function parse<T>(json: string): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : undefined;
  } catch {
    return undefined;
  }
}

/** Gives a folder its name. Where another maker was quicker its folder stays, and this one goes. */
export async function publish(draft: OwnedFolder, target: string): Promise<void> {
  try {
    await rename(draft.path, target);
    draft.release();
  } catch (error) {
    await draft.remove();
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

/** After a failure of the power a file could have its size and time, and not what was written. */
export async function synced(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function lastUse({ used, made }: Template): number {
  return (used ?? made).getTime();
}

export function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
