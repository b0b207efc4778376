import { counted } from '../../text/counted';
import { usersOf } from '../accounts';
import { contentLines } from '../lines';
import type { Sighting, Tree, TreeRule } from '../rule';
import { sshdValues } from '../sshd';

const usual =
  /(?:\/\.ssh\/authorized_keys2?|^\/etc\/ssh\/authorized_keys(?:\/[^/]+|\.d\/[^/]+)?|^\/etc\/dropbear\/authorized_keys)$|\/ProgramData\/ssh\/administrators_authorized_keys$/;

export const sshAuthorizedKeys: TreeRule = {
  id: 'ssh-authorized-keys',
  severity: 'warning',
  title: 'SSH keys that may log in',
  advice:
    'Remove the keys, unless their owners are meant to get into every machine that is made of the image',
  help: 'Whoever has the private half of such a key can log in to every machine that is made of the image. Looked at are authorized_keys of all homes, and where sshd_config has them (AuthorizedKeysFile).',
  trees: ['linux', 'unix', 'windows', 'data'],
  wants: ({ path, type }) => type !== 'directory' && usual.test(path),
  check: async (tree, entries) => {
    const found: Sighting[] = [];
    for (const path of new Set([...entries.map((entry) => entry.path), ...(await configured(tree))])) {
      const keys = contentLines((await tree.read(path)) ?? '').filter(({ text }) => isKey(text));
      const [first] = keys;
      if (first) found.push({ path, line: first.line, seen: `${counted(keys.length, 'key')} may log in` });
    }
    return found;
  },
};

/** Options may stand before the type of the key. */
const isKey = (text: string) =>
  /(?:^|[\s"])(?:ssh-|ecdsa-|sk-)[\w@.-]+\s+[A-Za-z0-9+/=]{16,}|^\d+ \d+ \d+/.test(text);

/** Files of all users, where the configuration names other places. */
async function configured(tree: Tree): Promise<string[]> {
  if (tree.kind === 'windows' || tree.kind === 'data') return [];
  const patterns = (await sshdValues(tree, 'AuthorizedKeysFile')).filter((each) => each !== 'none');
  if (patterns.length === 0) return [];
  const users = await usersOf(tree);
  return patterns.flatMap((pattern) =>
    users.map(({ name, home, uid }) => {
      const words: Readonly<Record<string, string>> = { u: name, h: home, U: String(uid), '%': '%' };
      const path = pattern.replace(/%([uhU%])/g, (_, letter: string) => words[letter] ?? '');
      return path.startsWith('/') ? path : `${home}/${path}`;
    }),
  );
}
