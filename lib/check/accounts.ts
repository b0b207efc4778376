// Tables of accounts, as passwd(5), shadow(5) and group(5) describe them. What cannot be understood is left out.
import type { Tree } from './rule';

export interface User {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  readonly line: number;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Lines of a table with colons, with their numbers from 1. Those of NIS, `+name`, belong to other machines. */
export function rowsOf(text: string): { line: number; fields: string[] }[] {
  return text
    .split('\n')
    .map((each, index) => ({ line: index + 1, fields: each.replace(/\r$/, '').split(':') }))
    .filter(({ fields: [name = '', ...others] }) => /^[^+\-#\s]/.test(name) && others.length > 0);
}

export async function usersOf(tree: Tree): Promise<User[]> {
  return rowsOf((await tree.read('/etc/passwd')) ?? '').flatMap(({ line, fields }) => {
    const [name = '', password = '', uid = '', gid = '', , home = '', shell = ''] = fields;
    const ids = { uid: Number(uid), gid: Number(gid) };
    return /^\d+$/.test(uid) ? [{ name, password, ...ids, home, shell, line }] : [];
  });
}

export async function groupsOf(tree: Tree): Promise<Group[]> {
  return rowsOf((await tree.read('/etc/group')) ?? '').flatMap(({ fields }) => {
    const [name = '', , gid = '', members = ''] = fields;
    const list = members.split(',').filter((each) => each !== '');
    return /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: list }] : [];
  });
}
