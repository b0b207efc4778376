import { createHash } from 'node:crypto';
import { typeOf } from '../../bulk/entry';
import { unlessAbsent } from '../../packages/system-files';
import { printable } from '../../text/printable';
import { type Group, groupsOf, type User, usersOf } from '../accounts';
import { modeText } from '../mode';
import type { FileFacts, Sighting, Tree } from '../rule';
import type { ExpectedFile } from './expectations';

/** How files differ from what is expected of them. */
export async function unexpectedFiles(
  tree: Tree,
  files: Readonly<Record<string, ExpectedFile | 'present' | 'absent'>>,
): Promise<Sighting[]> {
  const [users, groups] = [await usersOf(tree), await groupsOf(tree)];
  const found: Sighting[] = [];
  for (const [path, expected] of Object.entries(files)) {
    const told = await faultsOf(tree, path, expected, users, groups);
    found.push(...told.map((seen) => ({ path, seen })));
  }
  return found;
}

async function faultsOf(
  tree: Tree,
  path: string,
  expected: ExpectedFile | 'present' | 'absent',
  users: readonly User[],
  groups: readonly Group[],
): Promise<string[]> {
  const own = await ownFacts(tree, path);
  if (expected === 'absent') return own ? ['it is there, and should not be'] : [];
  if (!own) return ['it is not there'];
  if (expected === 'present') return [];
  const isLink = expected.type === 'symlink' || expected.target !== undefined;
  const facts = isLink ? own : await tree.stat(path);
  if (!facts) return ['it is a link that leads nowhere'];
  const faults: string[] = [];
  const differs = (what: string, is: unknown, should: unknown) => {
    if (should !== undefined && is !== should) faults.push(`its ${what} is ${is}, and should be ${should}`);
  };
  const { type, mode, owner, group, size, target } = expected;
  differs('type', facts.type, type ?? (target === undefined ? undefined : 'symlink'));
  differs('mode', modeText(facts.mode), mode?.padStart(4, '0').slice(-4));
  differs(
    'owner',
    nameOf(
      facts.uid,
      owner,
      users.map((each) => [each.name, each.uid]),
    ),
    owner,
  );
  differs(
    'group',
    nameOf(
      facts.gid,
      group,
      groups.map((each) => [each.name, each.gid]),
    ),
    group,
  );
  differs('size', facts.size, size);
  if (target !== undefined && facts.type === 'symlink')
    differs('target', printable(await tree.g.readlink(path)), target);
  return [...faults, ...(await contentFaults(tree, path, expected, facts))];
}

/** Facts of the entry itself, be it a link. */
async function ownFacts(tree: Tree, path: string): Promise<FileFacts | undefined> {
  const stat = await unlessAbsent(tree.g.lstatns(path));
  if (!stat) return undefined;
  const mode = Number(stat.stMode);
  const owner = { uid: Number(stat.stUid), gid: Number(stat.stGid) };
  return { type: typeOf(mode), mode: mode & 0o7777, ...owner, size: Number(stat.stSize) };
}

/** An owner in the words of the expectation: a name is only told where one is asked for. */
function nameOf(
  id: number,
  expected: string | number | undefined,
  names: readonly (readonly [string, number])[],
): string | number {
  if (typeof expected !== 'string') return id;
  // Several names may have one number.
  const own = names.filter(([, each]) => each === id).map(([name]) => name);
  return own.includes(expected) ? expected : (own[0] ?? String(id));
}

async function contentFaults(
  tree: Tree,
  path: string,
  { matches, lacks, sha256 }: ExpectedFile,
  facts: FileFacts,
): Promise<string[]> {
  if (matches === undefined && lacks === undefined && sha256 === undefined) return [];
  const real = facts.type === 'symlink' ? await tree.stat(path) : facts;
  if (real?.type !== 'file') return ['it is no file, whose content could be looked at'];
  const faults: string[] = [];
  if (sha256 !== undefined) {
    const sum = real.size === 0 ? emptySum : await tree.g.checksum('sha256', path);
    if (sum.toLowerCase() !== sha256.toLowerCase())
      faults.push(`its SHA-256 is ${sum}, and should be ${sha256}`);
  }
  const patterns = [matches ?? [], lacks ?? []].map((each) => [each].flat());
  if (patterns.flat().length === 0) return faults;
  const text = (await tree.read(path)) ?? '';
  const [wanted = [], unwanted = []] = patterns;
  const has = (each: string) => new RegExp(each, 'm').test(text);
  faults.push(...wanted.filter((each) => !has(each)).map((each) => `nothing in it matches /${each}/`));
  faults.push(...unwanted.filter(has).map((each) => `something in it matches /${each}/`));
  return faults;
}

const emptySum = createHash('sha256').digest('hex');
