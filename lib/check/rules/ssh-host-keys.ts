import type { Sighting, TreeRule } from '../rule';
import { sshdValues } from '../sshd';

/** Where OpenSSH and dropbear have their keys. */
const usual = /^\/etc\/(?:ssh\/ssh_host_\w+_key|dropbear\/dropbear_\w+_host_key)$/;

export const sshHostKeys: TreeRule = {
  id: 'ssh-host-keys',
  severity: 'error',
  title: 'SSH host keys in the image',
  advice:
    'Remove the keys, and let each machine make its own when it boots for the first time (ssh-keygen -A)',
  help: 'Every machine that is made of the image has the same host keys, and whoever has the image can pretend to be any of them. Looked at are the private keys of OpenSSH and dropbear, also where sshd_config has them elsewhere.',
  trees: ['linux', 'unix'],
  wants: ({ path, type }) => type !== 'directory' && usual.test(path),
  check: async (tree, entries) => {
    const configured = (await sshdValues(tree, 'HostKey')).filter((path) => path.startsWith('/'));
    const found: Sighting[] = [];
    for (const path of new Set([...entries.map((entry) => entry.path), ...configured])) {
      const facts = await tree.stat(path.replace(/\.pub$/, ''));
      if (facts?.type === 'file' && facts.size > 0)
        found.push({ path: path.replace(/\.pub$/, ''), seen: 'a private key of the SSH server' });
    }
    return found;
  },
};
