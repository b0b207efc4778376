import { printable } from '../../text/printable';
import { type Group, groupsOf, rowsOf, type User, usersOf } from '../accounts';
import type { Sighting, Tree } from '../rule';
import { passwordKind } from '../rules/passwords';
import type { Expectations, ExpectedGroup, ExpectedUser } from './expectations';

/** How users differ from what is expected of them. */
export async function unexpectedUsers(
  tree: Tree,
  expected: NonNullable<Expectations['users']>,
): Promise<Sighting[]> {
  const [users, groups] = [await usersOf(tree), await groupsOf(tree)];
  const hashes = new Map(
    rowsOf((await tree.read('/etc/shadow')) ?? '').map(({ fields: [name = '', field = ''] }) => [
      name,
      field,
    ]),
  );
  return Object.entries(expected).flatMap(([name, what]): Sighting[] => {
    const user = users.find((each) => each.name === name);
    const faults = userFaults(user, what, groups, hashes.get(name));
    return faults.map((fault) => ({
      path: '/etc/passwd',
      line: user?.line,
      seen: `the user ${name}: ${fault}`,
    }));
  });
}

function userFaults(
  user: User | undefined,
  expected: ExpectedUser | 'present' | 'absent',
  groups: readonly Group[],
  hash: string | undefined,
): string[] {
  if (expected === 'absent') return user ? ['is there, and should not be'] : [];
  if (!user) return ['is not there'];
  if (expected === 'present') return [];
  const own = groups.find(({ gid }) => gid === user.gid);
  const primary = typeof expected.group === 'string' ? (own?.name ?? String(user.gid)) : user.gid;
  const faults = [
    ...difference('uid', user.uid, expected.uid),
    ...difference('group', primary, expected.group),
    ...difference('home', user.home, expected.home),
    ...difference('shell', user.shell, expected.shell),
    ...difference(
      'password',
      passwordState(user.password === 'x' ? (hash ?? '!') : user.password),
      expected.password,
    ),
  ];
  const isIn = (name: string) =>
    own?.name === name || groups.some((each) => each.name === name && each.members.includes(user.name));
  const missing = (expected.groups ?? []).filter((name) => !isIn(name));
  return [...faults, ...missing.map((name) => `is not in the group ${name}`)];
}

function passwordState(field: string): string {
  const { kind } = passwordKind(field);
  return kind === 'empty' || kind === 'locked' ? kind : 'set';
}

/** How groups differ from what is expected of them. */
export async function unexpectedGroups(
  tree: Tree,
  expected: NonNullable<Expectations['groups']>,
): Promise<Sighting[]> {
  const [groups, users] = [await groupsOf(tree), await usersOf(tree)];
  return Object.entries(expected).flatMap(([name, what]): Sighting[] => {
    const group = groups.find((each) => each.name === name);
    const faults = groupFaults(group, what, users);
    return faults.map((fault) => ({ path: '/etc/group', seen: `the group ${name}: ${fault}` }));
  });
}

function groupFaults(
  group: Group | undefined,
  expected: ExpectedGroup | 'present' | 'absent',
  users: readonly User[],
): string[] {
  if (expected === 'absent') return group ? ['is there, and should not be'] : [];
  if (!group) return ['is not there'];
  if (expected === 'present') return [];
  const primary = users.filter(({ gid }) => gid === group.gid).map(({ name }) => name);
  const missing = (expected.members ?? []).filter(
    (name) => !group.members.includes(name) && !primary.includes(name),
  );
  return [...difference('gid', group.gid, expected.gid), ...missing.map((name) => `${name} is not in it`)];
}

function difference(what: string, is: string | number, should: string | number | undefined): string[] {
  if (should === undefined || is === should) return [];
  return [`its ${what} is ${printable(String(is))}, and should be ${should}`];
}
