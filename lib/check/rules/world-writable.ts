import { modeText } from '../mode';
import type { TreeRule } from '../rule';
import { isOfSystem } from '../system-files';

export const worldWritable: TreeRule = {
  id: 'world-writable',
  severity: 'error',
  title: 'Files of the system that everybody may write to',
  advice:
    'Take the permission away: chmod o-w PATH, or give a folder that all are to use the sticky bit, chmod +t PATH',
  help: 'Every user and every service can change what others run or read. Looked at are files and folders of the system, not those in /home, /tmp, /srv and of containers; folders with the sticky bit are as they should be.',
  trees: ['linux', 'unix'],
  wants: ({ path, type, mode }) =>
    (mode & 0o002) !== 0 &&
    (type === 'file' || (type === 'directory' && (mode & 0o1000) === 0)) &&
    isOfSystem(path),
  check: async (_, entries) =>
    entries.map(({ path, type, mode }) => ({
      path,
      seen: `${type === 'file' ? 'a file' : 'a folder'} with the permissions ${modeText(mode)}`,
    })),
};
