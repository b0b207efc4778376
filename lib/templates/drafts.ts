// Folders in the making: each is named after the process that makes it, so that another can tell whether it still does.
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { every } from '../options/own-timers';

/** Milliseconds between two signs of life of a maker, for those who cannot see its process. */
const beatMs = 2000;

/** Milliseconds after which a maker in another container is taken for dead: many beats, for machines do hang. */
const silentMs = 60_000;

/** `KEY.draft-NAMESPACE-PID-STARTED-RANDOM` */
const draftName = /^(.+)\.draft-(\d+)-(\d+)-(\d+)-[0-9a-f]+$/;

interface Owner {
  readonly namespace: string;
  readonly pid: string;
  readonly started: string;
}

/** A folder in the making. */
export class Draft {
  readonly folder: string;
  readonly #target: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(folder: string, target: string) {
    this.folder = folder;
    this.#target = target;
    this.#beat = every(() => {
      const now = new Date();
      utimes(folder, now, now).catch(() => undefined);
    }, beatMs).unref();
  }

  static async begin(parent: string, key: string, mode: number): Promise<Draft> {
    const { namespace, pid, started } = self();
    const name = `${key}.draft-${namespace}-${pid}-${started}-${randomBytes(4).toString('hex')}`;
    await mkdir(join(parent, name), { mode });
    return new Draft(join(parent, name), join(parent, key));
  }

  /** Gives the folder its name. Where another maker was quicker its folder stays, and this one goes. */
  async publish(): Promise<string> {
    clearInterval(this.#beat);
    await rename(this.folder, this.#target).catch(async (error: NodeJS.ErrnoException) => {
      await this.discard();
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return this.#target;
  }

  async discard(): Promise<void> {
    clearInterval(this.#beat);
    await remove(this.folder);
  }
}

/** The key of which a folder is a draft; undefined where it is none. */
export function keyOfDraft(name: string): string | undefined {
  return draftName.exec(name)?.[1];
}

/** The drafts of a key, or of all keys, of which the makers live. Those of dead makers are removed. */
export async function livingDrafts(parent: string, key?: string): Promise<string[]> {
  const living: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const [, draftOf, namespace, pid, started] = draftName.exec(name) ?? [];
    if (draftOf === undefined || (key !== undefined && draftOf !== key)) continue;
    const owner = { namespace, pid, started } as Owner;
    if (await lives(owner, join(parent, name))) living.push(name);
    else await remove(join(parent, name));
  }
  return living;
}

async function lives(owner: Owner, folder: string): Promise<boolean> {
  if (owner.namespace === self().namespace) return startOf(owner.pid) === owner.started;
  const beaten = await stat(folder).catch(() => undefined);
  return beaten !== undefined && Date.now() - beaten.mtimeMs < silentMs;
}

function self(): Owner {
  const [, namespace = '0'] = /\[(\d+)\]/.exec(linkOf('/proc/self/ns/pid')) ?? [];
  return { namespace, pid: String(process.pid), started: startOf('self') ?? '0' };
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** When a process began, in ticks since the machine did; undefined for one that has ended. */
function startOf(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
