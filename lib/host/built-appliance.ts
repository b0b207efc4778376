// Appliances that have been built: libguestfs takes their files as they are, and one that is none makes it crash.
import { constants } from 'node:fs';
import { access, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { brokenAppliance, brokenCache, type Fault } from '../faults/faults';
import { applianceFolder } from './appliance-cache';
import { runQemuImg } from './qemu-img';
import { onceAnswering } from './storage';

/** The settings of a handle that say where its appliance is. */
export interface ApplianceSettings {
  /** Folders in which it is looked for, with colons between them. */
  readonly path: string;
  readonly cachedir: string;
  readonly tmpdir: string;
}

/** Files of a fixed appliance, beside the one that says that it is one. */
export const applianceFiles = ['kernel', 'initrd', 'root'] as const;

const signOfFixed = 'README.fixed';
const signsOfSupermin = ['supermin.d/base.tar.gz', 'supermin.d/packages'];

/**
 * What is wrong with the appliance that libguestfs would take; undefined where nothing is, or where libguestfs will find
 * out by itself.
 *
 * @throws the signal's reason when it is aborted
 */
export async function faultOfAppliance(
  settings: ApplianceSettings,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const folders = settings.path.split(':').map((folder) => folder || '.');
  const cache = join(applianceFolder(settings.cachedir), 'appliance.d');
  return onceAnswering([...folders, cache], signal, () =>
    look(folders, cache, settings.tmpdir, signal).catch(() => undefined),
  );
}

/** In libguestfs's order: the first folder with an appliance, and a supermin appliance before a fixed one. */
async function look(
  folders: readonly string[],
  cache: string,
  tmpdir: string,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  let incomplete: Fault | undefined;
  for (const folder of folders) {
    if (await hasAll(folder, signsOfSupermin)) return faultOfCache(cache, tmpdir, signal);
    if (!(await hasAll(folder, [signOfFixed]))) continue;
    const missing = await missingOf(folder, applianceFiles);
    if (missing.length === 0) {
      const why = await whyBroken(folder, tmpdir, signal);
      return why === undefined ? undefined : brokenAppliance(folder, why);
    }
    // libguestfs goes on to the next folder.
    incomplete ??= brokenAppliance(folder, `there is no ${missing.join(' and no ')}`);
  }
  return incomplete;
}

/** supermin builds it anew where it is out of date or not there, and else takes it as it is. */
async function faultOfCache(cache: string, tmpdir: string, signal: AbortSignal): Promise<Fault | undefined> {
  if (!(await hasAll(cache, ['root']))) return undefined;
  const why = await whyNoRoot(join(cache, 'root'), tmpdir, signal);
  return why === undefined ? undefined : brokenCache(cache, why);
}

async function whyBroken(folder: string, tmpdir: string, signal: AbortSignal): Promise<string | undefined> {
  for (const name of applianceFiles) {
    const why = await whyUnreadable(join(folder, name));
    if (why) return `${name} ${why}`;
  }
  return whyNoRoot(join(folder, 'root'), tmpdir, signal);
}

async function whyUnreadable(file: string): Promise<string | undefined> {
  const facts = await stat(file);
  if (!facts.isFile() && !facts.isBlockDevice()) return 'is no file';
  if (facts.isFile() && facts.size === 0) return 'is empty';
  return access(file, constants.R_OK).then(
    () => undefined,
    () => 'may not be read by this user',
  );
}

/** libguestfs tells the appliance its root by its UUID, which it reads out of the superblock. */
async function whyNoRoot(root: string, tmpdir: string, signal: AbortSignal): Promise<string | undefined> {
  const why = await whyUnreadable(root);
  if (why) return `root ${why}`;
  if ((await holdsExt(root)) || (await holdsExtAsImage(root, tmpdir, signal))) return undefined;
  return 'root holds no ext2, ext3 or ext4 filesystem';
}

/** Offsets of the superblock's magic number and of the end of its UUID, bytes. */
const magicAt = 0x438;
const uuidEnd = 0x478;

async function holdsExt(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(uuidEnd), 0, uuidEnd, 0);
    return bytesRead === uuidEnd && buffer.readUInt16LE(magicAt) === 0xef53;
  } finally {
    await handle.close();
  }
}

/**
 * Whether a root that is an image of another format holds the filesystem.
 *
 * @throws Error where that cannot be looked at: then nothing is known of the root
 */
async function holdsExtAsImage(root: string, tmpdir: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir, 'guestfs-root-'));
  try {
    const beginning = join(folder, 'root');
    await runQemuImg(['dd', `if=${root}`, `of=${beginning}`, 'bs=256k', 'count=1'], signal);
    return await holdsExt(beginning);
  } catch (error) {
    if ((error as { code?: unknown }).code !== qemuImgRefuses) throw error;
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Exit code of a qemu-img that has run, and has not come to terms with an image. */
const qemuImgRefuses = 1;

async function hasAll(folder: string, names: readonly string[]): Promise<boolean> {
  return (await missingOf(folder, names)).length === 0;
}

async function missingOf(folder: string, names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) await access(join(folder, name)).catch(() => missing.push(name));
  return missing;
}
