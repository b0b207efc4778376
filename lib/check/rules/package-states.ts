import { stanzas } from '../../packages/stanzas';
import type { Sighting, Tree, TreeRule } from '../rule';

export const packageStates: TreeRule = {
  id: 'package-states',
  severity: 'error',
  title: 'Packages that are not installed as they should be',
  advice:
    'Bring the packages into order while the image is made: dpkg --configure -a and apt-get --fix-broken install, apk fix, pacman -S NAME',
  help: 'A package whose installation was interrupted may not work, and keeps others from being installed. Looked at are the states in the databases of dpkg and apk, and what dpkg, pacman and dnf leave behind when they are interrupted.',
  trees: ['linux', 'unix'],
  check: async (tree) => [
    ...(await dpkgStates(tree)),
    ...(await leftBehind(tree)),
    ...(await apkStates(tree)),
    ...(await pacmanStates(tree)),
  ],
};

const status = '/var/lib/dpkg/status';

/** States in which packages may stay: `config-files` is what a removal leaves. */
const fine = new Set(['installed', 'not-installed', 'config-files']);

async function dpkgStates(tree: Tree): Promise<Sighting[]> {
  const text = await databaseText(tree, status);
  if (text === undefined) return [];
  const found: Sighting[] = [];
  for (const fields of stanzas(text)) {
    const [, flag = 'ok', state = 'installed'] = (fields.get('status') ?? '').split(/\s+/);
    if (flag === 'ok' && fine.has(state)) continue;
    const needs = flag === 'ok' ? '' : ` (${flag})`;
    found.push({ path: status, seen: `the package ${fields.get('package')} is ${state}${needs}` });
  }
  return found;
}

/** Databases are larger than what rules read. */
async function databaseText(tree: Tree, path: string): Promise<string | undefined> {
  const facts = await tree.stat(path);
  if (facts?.type !== 'file') return undefined;
  return await tree.read(path, Math.min(facts.size, 128 * 2 ** 20));
}

async function leftBehind(tree: Tree): Promise<Sighting[]> {
  const updates = (await tree.list('/var/lib/dpkg/updates')).filter((name) => /^\d+$/.test(name));
  return updates.length === 0
    ? []
    : [{ path: '/var/lib/dpkg/updates', seen: 'dpkg was interrupted: changes are not in its database yet' }];
}

const broken: Readonly<Record<string, string>> = { f: 'files', s: 'script', x: 'extended attributes' };

async function apkStates(tree: Tree): Promise<Sighting[]> {
  const found: Sighting[] = [];
  for (const path of ['/lib/apk/db/installed', '/usr/lib/apk/db/installed']) {
    const text = await databaseText(tree, path);
    let name = '';
    for (const line of (text ?? '').split('\n')) {
      if (line.startsWith('P:')) name = line.slice(2);
      const flags = /^f:([a-zA-Z]+)$/.exec(line)?.[1] ?? '';
      const told = [...flags].flatMap((flag) => broken[flag] ?? []);
      if (told.length > 0) found.push({ path, seen: `the package ${name} has broken ${told.join(', ')}` });
    }
    if (found.length > 0) break;
  }
  return found;
}

async function pacmanStates(tree: Tree): Promise<Sighting[]> {
  const folder = '/var/lib/pacman';
  const found: Sighting[] = [];
  if (await tree.stat(`${folder}/db.lck`))
    found.push({ path: `${folder}/db.lck`, seen: 'pacman was interrupted: its lock is there still' });
  for (const name of await tree.list(`${folder}/local`)) {
    if (name === 'ALPM_DB_VERSION') continue;
    if (!(await tree.stat(`${folder}/local/${name}/desc`)))
      found.push({
        path: `${folder}/local/${name}`,
        seen: `the package ${name} has no description: its installation was interrupted`,
      });
  }
  return found;
}
