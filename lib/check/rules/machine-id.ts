import type { Sighting, TreeRule } from '../rule';

const places = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

export const machineId: TreeRule = {
  id: 'machine-id',
  severity: 'warning',
  title: 'A machine id that is set',
  advice: 'Empty /etc/machine-id, and remove /var/lib/dbus/machine-id or make it a link to it',
  help: 'Machines with the same id get the same addresses by DHCP, and are one machine to whoever counts them. It is made at the first boot where the file is empty.',
  trees: ['linux', 'unix'],
  check: async (tree) => {
    const found: Sighting[] = [];
    const seen = new Set<string>();
    for (const path of places) {
      const text = ((await tree.read(path, 4096)) ?? '').trim();
      // The second is most often a link to the first.
      if (!/^[\da-f]{32}$/i.test(text) || seen.has(text)) continue;
      seen.add(text);
      found.push({ path, seen: 'the id of a machine is set' });
    }
    return found;
  },
};
