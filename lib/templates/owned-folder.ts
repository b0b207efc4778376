// Folders that a process needs for a while. Each is named after its process, so that others can tell whether it still lives.
import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync, rmSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { startOf } from '../host/appliance-process';
import { bootId } from '../host/boot-id';
import { every } from '../options/own-timers';

/** Milliseconds between two signs of life, for those who cannot see the process. */
const beatMs = 2000;

/** Milliseconds after which a process in another container is taken for dead: many beats, for machines do hang. */
const deadMs = 60_000;

/** Milliseconds without a sign of life after which nobody should wait for a process, though it lives. */
const stuckMs = 10_000;

/** `NAME.NAMESPACE-PID-STARTED-MADE-RANDOM`; MADE in milliseconds since the epoch, hexadecimal. */
const nameOfOwned = /^(.+)\.(\d+)-(\d+)-(\d+)-([0-9a-f]{12})-[0-9a-f]{8}$/;

interface Owner {
  readonly namespace: string;
  readonly pid: string;
  readonly started: string;
}

const open = new Set<string>();

/** A folder that goes with its process at the latest; where the process is killed, the next that makes one removes it. */
export class OwnedFolder {
  readonly path: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string) {
    this.path = path;
    this.#beat = every(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    }, beatMs).unref();
    if (open.size === 0) process.on('exit', removeAll);
    open.add(path);
  }

  static async make(parent: string, name: string, mode: number): Promise<OwnedFolder> {
    const { namespace, pid, started } = self();
    const made = Date.now().toString(16).padStart(12, '0');
    const unique = `${made}-${randomBytes(4).toString('hex')}`;
    const path = join(parent, `${name}.${namespace}-${pid}-${started}-${unique}`);
    await mkdir(path, { mode });
    await chmod(path, mode); // whatever the umask
    return new OwnedFolder(path);
  }

  /** It is not the process's any more. */
  release(): void {
    clearInterval(this.#beat);
    open.delete(this.path);
    if (open.size === 0) process.off('exit', removeAll);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    this.release();
  }
}

function removeAll(): void {
  for (const path of open) rmSync(path, { recursive: true, force: true });
}

/** The name that an owned folder was made with; undefined for others. */
export function nameIn(folder: string): string | undefined {
  return nameOfOwned.exec(folder)?.[1];
}

/** Whether an owned folder was made before another; of two that were made at once one was. */
export function isOlder(one: string, other: string): boolean {
  const age = (folder: string) => folder.split('-').slice(-2).join('-');
  return age(one) < age(other);
}

/**
 * The folders of that name of which the processes are at work: `stuck` ones are not. Those of dead processes are removed,
 * if they are this user's.
 */
export async function ownedFolders(parent: string, name?: string): Promise<string[]> {
  const working: string[] = [];
  for (const folder of await readdir(parent).catch(() => [])) {
    const [, made, namespace = '', pid = '', started = ''] = nameOfOwned.exec(folder) ?? [];
    if (made === undefined || (name !== undefined && made !== name)) continue;
    const path = join(parent, folder);
    // A link that somebody has put there leads to what is not ours to remove.
    const facts = await lstat(path).catch(() => undefined);
    if (!facts?.isDirectory() || facts.uid !== process.geteuid?.()) continue;
    const silent = Date.now() - facts.mtimeMs;
    if (!isAlive({ namespace, pid, started }, silent))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
    else if (silent < stuckMs) working.push(folder);
  }
  return working;
}

function isAlive({ namespace, pid, started }: Owner, silent: number): boolean {
  return namespace === self().namespace ? startOf(pid) === started : silent < deadMs;
}

function self(): Owner {
  // The first namespace has the same number on every machine, and folders may be on storage that several share.
  const digest = createHash('sha256')
    .update(`${bootId()} ${linkOf('/proc/self/ns/pid')}`)
    .digest();
  const namespace = String(digest.readUIntBE(0, 5));
  return { namespace, pid: String(process.pid), started: startOf('self') ?? '0' };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
