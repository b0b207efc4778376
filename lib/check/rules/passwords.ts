import { rowsOf, usersOf } from '../accounts';
import type { CheckSeverity, RuleFacts, Sighting, Tree, TreeRule } from '../rule';

/** A password as crypt(5) has it, or none. */
export type PasswordKind = 'empty' | 'locked' | 'weak' | 'usable';

/** Names of methods by the beginning of a hash, the weak ones first. */
const weak: readonly (readonly [RegExp, string])[] = [
  [/^\$1\$/, 'MD5'],
  [/^\$md5[,$]/, 'Sun MD5'],
  [/^\$sha1\$/, 'SHA-1'],
  [/^\$3\$/, 'NT'],
  [/^_[./0-9A-Za-z]{19}$/, 'BSDi DES'],
  [/^[./0-9A-Za-z]{13}$/, 'DES'],
  [/^\$2[ax]?\$/, 'an old bcrypt'],
];

const usable: readonly (readonly [RegExp, string])[] = [
  [/^\$5\$/, 'SHA-256'],
  [/^\$6\$/, 'SHA-512'],
  [/^\$2[by]\$/, 'bcrypt'],
  [/^\$y\$/, 'yescrypt'],
  [/^\$gy\$/, 'gost-yescrypt'],
  [/^\$7\$/, 'scrypt'],
  [/^\$argon2/, 'Argon2'],
];

export function passwordKind(field: string): { kind: PasswordKind; method?: string | undefined } {
  if (field === '') return { kind: 'empty' };
  const found = (methods: typeof weak) => methods.find(([pattern]) => pattern.test(field))?.[1];
  const weakMethod = found(weak);
  if (weakMethod !== undefined) return { kind: 'weak', method: weakMethod };
  const method = found(usable);
  return method === undefined ? { kind: 'locked' } : { kind: 'usable', method };
}

interface Account {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly field: string;
}

/** Where hashes are: in shadow(5), on BSD in master.passwd(5), else in passwd(5) itself. */
const tables = ['/etc/shadow', '/etc/master.passwd'];

async function accountsOf(tree: Tree): Promise<Account[]> {
  const found: Account[] = [];
  for (const path of tables) {
    const rows = rowsOf((await tree.read(path)) ?? '');
    found.push(...rows.map(({ line, fields: [name = '', field = ''] }) => ({ path, line, name, field })));
  }
  // `x` and `*` mean that the hash is elsewhere.
  const own = (await usersOf(tree)).filter(({ password }) => password !== 'x' && !/^[*!]/.test(password));
  return [
    ...found,
    ...own.map(({ name, password, line }) => ({ path: '/etc/passwd', line, name, field: password })),
  ];
}

function passwordRule(
  facts: Omit<RuleFacts, 'severity'> & { readonly severity: CheckSeverity },
  kind: PasswordKind,
  seen: (account: Account, method: string) => string,
): TreeRule {
  return {
    ...facts,
    trees: ['linux', 'unix'],
    check: async (tree) =>
      (await accountsOf(tree)).flatMap((account): Sighting[] => {
        const told = passwordKind(account.field);
        const { path, line } = account;
        return told.kind === kind ? [{ path, line, seen: seen(account, told.method ?? '') }] : [];
      }),
  };
}

export const emptyPasswords = passwordRule(
  {
    id: 'empty-passwords',
    severity: 'error',
    title: 'Accounts without a password',
    advice: 'Lock the account: passwd --lock NAME',
    help: 'Anybody can log in to such an account, at the console at least. Looked at are shadow, master.passwd and passwd.',
  },
  'empty',
  ({ name }) => `the account ${name} has an empty password`,
);

export const weakPasswords = passwordRule(
  {
    id: 'weak-password-hashes',
    severity: 'error',
    title: 'Passwords whose hashes are weak',
    advice: 'Lock the account, or set its password anew: the system then hashes it by a method of today',
    help: 'Whoever has the image finds such passwords within hours. Weak are DES, BSDi DES, MD5, SHA-1, NT and bcrypt of before 2011.',
  },
  'weak',
  ({ name }, method) => `the password of ${name} is hashed by ${method}`,
);

export const passwordsSet = passwordRule(
  {
    id: 'passwords-set',
    severity: 'note',
    title: 'Accounts with a password',
    advice: 'Lock the accounts, unless their passwords are meant to be the same on every machine',
    help: 'Every machine that is made of the image has the same passwords. Looked at is whether there are hashes, not what passwords they are of.',
  },
  'usable',
  ({ name }, method) => `${name} has a password, hashed by ${method}`,
);
