// Whether units of systemd are enabled: by the links that say so, without systemd.

import { typeOf } from '../../bulk/entry';
import { unlessAbsent } from '../../packages/system-files';
import type { Sighting, Tree } from '../rule';
import type { Expectations } from './expectations';

/** Where units are, the administrator's first; and where links enable them. */
const folders = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

type State = 'enabled' | 'disabled' | 'masked' | 'absent';

/** How units differ from what is expected of them. */
export async function unexpectedUnits(
  tree: Tree,
  expected: NonNullable<Expectations['units']>,
): Promise<Sighting[]> {
  const links = await enablingLinks(tree);
  const found: Sighting[] = [];
  for (const [name, should] of Object.entries(expected)) {
    const { state, path } = await stateOf(tree, name, links);
    const isFine =
      should === state ||
      (should === 'present' && state !== 'absent') ||
      (should === 'disabled' && (state === 'absent' || state === 'masked'));
    if (!isFine) found.push({ path, seen: `the unit ${name} is ${state}, and should be ${should}` });
  }
  return found;
}

/** Names in the folders `NAME.wants` and the like, with the paths of the links. */
async function enablingLinks(tree: Tree): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const folder of folders) {
    for (const name of await tree.list(folder)) {
      if (!/\.(?:wants|requires|upholds)$/.test(name)) continue;
      for (const unit of await tree.list(`${folder}/${name}`))
        if (!links.has(unit)) links.set(unit, `${folder}/${name}/${unit}`);
    }
  }
  return links;
}

async function stateOf(
  tree: Tree,
  name: string,
  links: ReadonlyMap<string, string>,
): Promise<{ state: State; path?: string | undefined }> {
  for (const [place, folder] of folders.entries()) {
    const path = `${folder}/${name}`;
    const stat = await unlessAbsent(tree.g.lstatns(path));
    if (!stat) continue;
    const type = typeOf(Number(stat.stMode));
    if (type === 'symlink' && (await tree.g.readlink(path)) === '/dev/null') return { state: 'masked', path };
    if (type === 'file' && stat.stSize === 0n) return { state: 'masked', path };
    // A link among the administrator's units enables a unit by another name.
    if (place === 0 && type === 'symlink' && (await tree.stat(path))) return { state: 'enabled', path };
    const link = links.get(name);
    return link === undefined ? { state: 'disabled', path } : { state: 'enabled', path: link };
  }
  const template = name.replace(/@[^.]+\./, '@.');
  if (template === name) return { state: 'absent' };
  const own = await stateOf(tree, template, new Map());
  const link = links.get(name);
  if (own.state === 'absent' || own.state === 'masked') return own;
  return link === undefined ? { state: 'disabled', path: own.path } : { state: 'enabled', path: link };
}
