// A build of the appliance that is killed leaves what it has made so far: hundreds of MiB.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Databases of packages that supermin looks at. */
export const packageDatabases = [
  '/var/lib/dpkg/status',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/var/lib/rpm/rpmdb.sqlite',
  '/var/lib/rpm/Packages',
  '/var/lib/pacman/sync',
];

/** The folder in which libguestfs keeps this user's appliance. */
export function applianceFolder(cachedir: string): string {
  return join(cachedir, `.guestfs-${process.geteuid?.()}`);
}

/**
 * To be called before a build may be killed; the returned function removes what it has left, if it has been. supermin
 * builds in a folder that it renames in the end, and holds the cache's lock meanwhile: where the process that holds it
 * now is gone later, nobody works on the folders that are there now.
 */
export function noteBuild(cachedir: string): () => Promise<void> {
  const folder = applianceFolder(cachedir);
  try {
    const builders = holders(join(folder, 'lock'));
    const drafts = readdirSync(folder).filter((name) => /^appliance\.d\.\w{8}$/.test(name));
    return async () => {
      if (builders.length === 0 || builders.some(isAlive)) return;
      for (const draft of drafts)
        await rm(join(folder, draft), { recursive: true, force: true, maxRetries: 3 });
    };
  } catch {
    return async () => undefined; // there is no cache yet
  }
}

/** The processes that hold a lock on the file, as far as this one may see them. */
export function holders(file: string): number[] {
  const { ino } = statSync(file, { bigint: true });
  const locks = readFileSync('/proc/locks', 'utf8').matchAll(
    /^\d+: POSIX +\w+ +WRITE (\d+) \w+:\w+:(\d+) /gm,
  );
  return [...locks].filter(([, , inode]) => inode === String(ino)).map(([, pid]) => Number(pid));
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
