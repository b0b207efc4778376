// The appliance, and the cache in which supermin keeps what it has built of it.

import { join } from 'node:path';
import { brokenAppliance, foreignCache, noAppliance, textOf, unusableCachedir } from '../faults/faults';
import { installCommand } from '../faults/packages';
import { packageDatabases } from '../host/appliance-cache';
import { applianceFiles } from '../host/built-appliance';
import { shellWord } from '../text/shell';
import { asRoot, unset, useFolder } from './command';
import { type Finding, failure, ok, warning } from './finding';
import { type FileFacts, findProgram, type Machine } from './machine';
import type { Settings } from './settings';

const MiB = 2 ** 20;
/** An appliance takes some hundreds of MiB, as many as the tools that are installed. */
const buildNeeds = { least: 256 * MiB, wanted: 1024 * MiB };

const warm = 'npx guestfs warm';

export type ApplianceKind = 'supermin' | 'fixed' | 'old';

/** The files by which libguestfs knows each kind, in the order in which it tries them. */
const signs: readonly (readonly [ApplianceKind, readonly RegExp[]])[] = [
  ['supermin', [/^supermin\.d$/]],
  ['fixed', [/^README\.fixed$/, /^kernel$/, /^initrd$/, /^root$/]],
  ['old', [/^vmlinuz\./, /^initramfs\..*\.img$/]],
];

/** The appliance that libguestfs would take. */
export function findAppliance(
  machine: Machine,
  path: string,
): { kind: ApplianceKind; folder: string } | undefined {
  for (const folder of path.split(':').map((each) => each || '.')) {
    const names = machine.names(folder);
    const kind = signs.find(([, files]) => files.every((file) => names.some((name) => file.test(name))))?.[0];
    if (kind) return { kind, folder };
  }
  return undefined;
}

export function checkAppliance(machine: Machine, settings: Settings): Finding[] {
  const appliance = findAppliance(machine, settings.path);
  if (!appliance) {
    const fault = noAppliance(settings.path, machine.distribution);
    const remedy =
      unset(machine, settings.path, 'LIBGUESTFS_PATH') ?? installCommand(['appliance'], machine.distribution);
    return [failure(fault.code, 'There is no appliance', textOf(fault), remedy)];
  }
  const { kind, folder } = appliance;
  if (kind !== 'supermin') return [checkBuilt(machine, kind, folder)];
  if (!findProgram(machine, 'supermin')) {
    return [
      failure(
        'ERR_GUESTFS_NO_APPLIANCE',
        'The appliance cannot be built',
        `There is what it is built of, in ${folder}, but not supermin, which builds it`,
        installCommand(['supermin'], machine.distribution),
      ),
    ];
  }
  return checkCache(machine, settings, folder);
}

/** Checks an appliance that was built elsewhere. A launch finds out what only its content tells. */
function checkBuilt(machine: Machine, kind: ApplianceKind, folder: string): Finding {
  const files = kind === 'fixed' ? applianceFiles : [];
  for (const name of files) {
    const path = join(folder, name);
    const why =
      machine.facts(path)?.size === 0
        ? 'is empty'
        : machine.refusal(path, 'read') && 'may not be read by this user';
    if (!why) continue;
    const fault = brokenAppliance(folder, `${name} ${why}`);
    return failure(fault.code, 'The fixed appliance is damaged', textOf(fault));
  }
  return ok('APPLIANCE', 'The appliance is there', `${folder}, built elsewhere`);
}

function checkCache(machine: Machine, { cachedir }: Settings, source: string): Finding[] {
  const cache = join(cachedir, `.guestfs-${machine.uid}`);
  const unusable = checkFolder(machine, cachedir, cache);
  if (unusable) return [unusable];
  const state = cacheState(machine, cache, source);
  const space = checkSpace(machine, cachedir, state);
  // Where it cannot be built, that it is not built is no news.
  if (space.severity === 'error') return [space];
  return [space, busy(machine, cache) ?? describe(state, cache)];
}

function checkSpace(machine: Machine, cachedir: string, state: CacheState): Finding {
  const space = machine.space(cachedir);
  if (state !== 'fresh' && space !== undefined && space < buildNeeds.wanted)
    return shortOfSpace(machine, cachedir, space);
  const left = space === undefined ? '' : `, ${Math.floor(space / MiB)} MiB left`;
  return ok('CACHEDIR', 'The folder for the cached appliance can be used', `${cachedir}${left}`);
}

function busy(machine: Machine, cache: string): Finding | undefined {
  const builders = machine.holders(join(cache, 'lock'));
  if (builders.length === 0) return undefined;
  const who = `Process ${builders.join(', ')} is building it, or looks whether it is up to date`;
  return warning(
    'APPLIANCE_BUSY',
    'Another process holds the lock of the appliance',
    `${who}. Launches wait for it`,
  );
}

type CacheState = 'fresh' | 'stale' | 'missing';

function describe(state: CacheState, cache: string): Finding {
  switch (state) {
    case 'fresh':
      return ok('APPLIANCE', 'The appliance is built and up to date', cache);
    case 'stale':
      return warning(
        'APPLIANCE_STALE',
        'The appliance is out of date',
        'Packages have been installed since it was built: the next launch builds it again, which takes ten seconds and more',
        warm,
      );
    case 'missing':
      return warning(
        'APPLIANCE_NOT_BUILT',
        'The appliance has not been built yet',
        'The first launch of this user builds it, which takes ten seconds and more',
        warm,
      );
  }
}

/** What keeps libguestfs from using its folder. */
function checkFolder(machine: Machine, cachedir: string, cache: string): Finding | undefined {
  const title = 'The folder for the cached appliance cannot be used';
  const facts = machine.facts(cache);
  const foreign = facts && whyForeign(machine, facts);
  if (foreign) {
    const fault = foreignCache(cache, foreign);
    return failure(fault.code, title, textOf(fault), asRoot(machine, `rm -rf ${shellWord(cache)}`));
  }
  const place = facts ? cache : cachedir;
  const refused = machine.refusal(place, 'write');
  if (refused === undefined) return undefined;
  const fault = unusableCachedir(place, refused);
  return failure(fault.code, title, textOf(fault), elsewhere(machine, cachedir));
}

/** libguestfs mends the rights of a folder that is its user's own. */
function whyForeign({ uid: own }: Machine, { uid, isFolder }: FileFacts): string | undefined {
  if (uid !== own) return `it belongs to user ${uid}`;
  return isFolder ? undefined : 'it is no folder';
}

function elsewhere(machine: Machine, cachedir: string): string | null {
  const others = ['/var/tmp', machine.env.HOME].filter((folder) => folder !== cachedir);
  return useFolder(machine, 'LIBGUESTFS_CACHEDIR', others, buildNeeds.wanted);
}

function shortOfSpace(machine: Machine, cachedir: string, space: number): Finding {
  const detail = `${cachedir} has ${Math.floor(space / MiB)} MiB left, and an appliance takes up to 1 GiB. Make space, or name another folder: the option 'cachedir', LIBGUESTFS_CACHEDIR`;
  const remedy = elsewhere(machine, cachedir);
  return space < buildNeeds.least
    ? failure('ERR_GUESTFS_CACHEDIR', 'There is no space for the appliance', detail, remedy)
    : warning('CACHEDIR_SHORT', 'There is little space for the appliance', detail, remedy);
}

/** The dates that supermin compares: of what it has built, of what it builds it from, and of the database of packages. */
function cacheState(machine: Machine, cache: string, source: string): CacheState {
  const built = join(cache, 'appliance.d');
  const outputs = [built, ...['kernel', 'initrd', 'root'].map((name) => join(built, name))];
  const dates = outputs.map((path) => machine.facts(path)?.modified);
  if (dates.some((date) => date === undefined)) return 'missing';
  const inputs = [join(source, 'supermin.d'), packageDatabase(machine)].filter((path) => path !== undefined);
  const newestInput = Math.max(...inputs.map((path) => machine.facts(path)?.modified ?? 0));
  return Math.min(...(dates as number[])) > newestInput ? 'fresh' : 'stale';
}

function packageDatabase(machine: Machine): string | undefined {
  return packageDatabases.find((path) => machine.facts(path));
}
