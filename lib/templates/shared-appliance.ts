// root's appliance, for users who have none that is up to date: with an own one they could not use root's templates.
import { chmod, link, lstat, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applianceFolder, packageDatabases } from '../host/appliance-cache';
import { applianceFiles } from '../host/built-appliance';
import { OwnedFolder } from './owned-folder';
import { folderOf, isTrusted, isUnchanged, parse, publish, type Stamp, stampOf } from './store';

const aboutFile = 'appliance.json';
/** libguestfs knows by it that there is nothing to be built. */
const signOfFixed = 'README.fixed';

const formatVersion = 1;

/** What the appliance says of itself. */
interface About {
  readonly format: typeof formatVersion;
  /** Folders in which it was looked for, with colons between them. */
  readonly path: string;
  /** Files of which it was built, and the databases of packages. */
  readonly sources: Readonly<Record<string, Stamp>>;
  /** Sizes of its own files, bytes. libguestfs touches them at each launch. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** Settings of a handle that say which appliance it takes. */
interface ApplianceSettings {
  readonly path: string;
  readonly cachedir: string;
}

/**
 * Leaves root's appliance, which has been built, to all users.
 *
 * @returns whether they have it
 */
export async function shareAppliance({ path, cachedir }: ApplianceSettings): Promise<boolean> {
  const built = join(applianceFolder(cachedir), 'appliance.d');
  const sources = await sourcesOf(path);
  if (hasOwnRules() || !sources || !(await isFresh(built, sources))) return false;
  const target = join(folderOf(cachedir, 0), 'appliance');
  if (!(await isTrusted(folderOf(cachedir, 0), 0))) return false;
  const draft = await OwnedFolder.make(folderOf(cachedir, 0), 'appliance', 0o755);
  try {
    const sizes: Record<string, number> = {};
    for (const name of applianceFiles) {
      await link(join(built, name), join(draft.path, name));
      const { size, mode } = await lstat(join(draft.path, name));
      if ((mode & 0o004) === 0) throw new Error(`${name} may not be read by others`);
      sizes[name] = size;
    }
    await writeFile(join(draft.path, signOfFixed), 'The appliance of root, for all users.\n');
    const about = aboutText({ format: formatVersion, path, sources, sizes });
    // Launches of others may be on their way to it.
    if (
      (await readFile(join(target, aboutFile), 'utf8').catch(() => '')) === about &&
      (await isSame(built, target))
    ) {
      await draft.remove();
      return true;
    }
    await writeFile(join(draft.path, aboutFile), about);
    for (const name of [signOfFixed, aboutFile]) await chmod(join(draft.path, name), 0o644);
    const aside = await OwnedFolder.make(folderOf(cachedir, 0), 'appliance', 0o755);
    await rename(target, join(aside.path, 'old')).catch(() => undefined); // the first time there is none
    await publish(draft, target);
    await aside.remove();
    return true;
  } catch {
    await draft.remove();
    return false;
  }
}

function aboutText(about: About): string {
  return `${JSON.stringify(about, undefined, 2)}\n`;
}

/** Whether the files of one folder are those of the other. */
async function isSame(one: string, other: string): Promise<boolean> {
  for (const name of applianceFiles) {
    const [a, b] = await Promise.all(
      [one, other].map((folder) => lstat(join(folder, name)).catch(() => undefined)),
    );
    if (!a || a.ino !== b?.ino) return false;
  }
  return true;
}

/** Folder of root's appliance, where it is what would be built for this user, who has none that is up to date. */
export async function sharedAppliance({ path, cachedir }: ApplianceSettings): Promise<string | undefined> {
  if (process.geteuid?.() === 0 || hasOwnRules()) return undefined;
  const folder = join(folderOf(cachedir, 0), 'appliance');
  if (!(await isTrusted(folderOf(cachedir, 0), 0)) || !(await isTrusted(folder, 0))) return undefined;
  const about = parse<About>(await readFile(join(folder, aboutFile), 'utf8').catch(() => ''));
  if (about?.format !== formatVersion || about.path !== path || !about.sources) return undefined;
  for (const name of [...applianceFiles, signOfFixed, aboutFile]) {
    const facts = await lstat(join(folder, name)).catch(() => undefined);
    if (!facts?.isFile() || facts.uid !== 0 || (facts.mode & 0o022) !== 0) return undefined;
    if (applianceFiles.some((file) => file === name) && facts.size !== about.sizes?.[name]) return undefined;
  }
  const sources = await sourcesOf(path);
  if (!sources || Object.keys(sources).length !== Object.keys(about.sources).length) return undefined;
  for (const [file, stamp] of Object.entries(sources)) {
    if (!isUnchanged(about.sources[file], stamp)) return undefined;
  }
  return (await isFresh(join(applianceFolder(cachedir), 'appliance.d'), sources)) ? undefined : folder;
}

/** supermin may be told by variables to take another kernel. */
function hasOwnRules(): boolean {
  return Object.keys(process.env).some((name) => name.startsWith('SUPERMIN_'));
}

/** Stamps of all that supermin looks at; undefined where it is no supermin that builds the appliance. */
async function sourcesOf(path: string): Promise<Record<string, Stamp> | undefined> {
  const stamps: Record<string, Stamp> = {};
  const note = async (file: string) => {
    const stamp = await stampOf(file);
    if (stamp) stamps[file] = stamp;
  };
  for (const folder of path.split(':')) {
    const source = join(folder || '.', 'supermin.d');
    const names = await readdir(source).catch(() => undefined);
    if (!names) continue;
    for (const name of names) await note(join(source, name));
    for (const database of packageDatabases) await note(database);
    return stamps;
  }
  return undefined;
}

/** As supermin sees it: no source is newer than what has been built. */
async function isFresh(built: string, sources: Readonly<Record<string, Stamp>>): Promise<boolean> {
  const outputs = [built, ...applianceFiles.map((name) => join(built, name))];
  const stamps = await Promise.all(outputs.map((file) => stampOf(file)));
  const times = stamps.map((stamp) => (stamp ? BigInt(stamp.mtime) : 0n));
  return Object.values(sources).every(({ mtime }) => times.every((time) => time > BigInt(mtime)));
}
