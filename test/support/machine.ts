import type { Access, FileFacts, Machine } from '../../lib/doctor/machine';
import type { Settings } from '../../lib/doctor/settings';
import { parseDistribution } from '../../lib/faults/packages';

/** A file or folder of a machine that is not this one. */
export interface Place extends Partial<FileFacts> {
  readonly text?: string;
  /** What this user may not do with it, and why. */
  readonly refuses?: Partial<Record<Access, string>>;
}

const program: Place = { mode: 0o100755 };

/** What a healthy machine has, as Debian 12 keeps it. */
const healthy: Readonly<Record<string, Place>> = {
  '/bin/qemu-img': program,
  '/bin/supermin': program,
  '/sbin/debugfs': program,
  '/bin/qemu-system-x86_64': program,
  '/boot/vmlinuz-6.1.0-9-amd64': {},
  '/lib/modules/6.1.0-9-amd64/modules.dep': {},
  '/appliance/supermin.d': { isFolder: true, modified: 10 },
  '/var/lib/dpkg/status': { modified: 20 },
  '/cache': { isFolder: true },
  '/cache/.guestfs-1000': { isFolder: true },
  '/cache/.guestfs-1000/appliance.d': { isFolder: true, modified: 30 },
  '/cache/.guestfs-1000/appliance.d/kernel': { modified: 30 },
  '/cache/.guestfs-1000/appliance.d/initrd': { modified: 30 },
  '/cache/.guestfs-1000/appliance.d/root': { modified: 30 },
  '/tmp': { isFolder: true },
  '/var/tmp': { isFolder: true },
  '/run/user/1000': { isFolder: true },
  '/dev/kvm': { gid: 108, mode: 0o20660 },
  '/etc/group': { text: 'root:x:0:\nkvm:x:108:\n' },
  '/proc/1/cmdline': { text: '/lib/systemd/systemd\0--system\0' },
};

const GiB = 2 ** 30;

/** A healthy machine, but for the places and answers that are given; undefined takes a place away. */
export function machineWith(
  places: Readonly<Record<string, Place | undefined>> = {},
  answers: Partial<Machine> & { readonly bytesLeft?: number; readonly bytesOfMemory?: number } = {},
): Machine {
  const { bytesLeft = 100 * GiB, bytesOfMemory = 8 * GiB, ...others } = answers;
  const all = new Map(Object.entries({ ...healthy, ...places }).filter(([, place]) => place));
  return {
    uid: 1000,
    pid: 4711,
    env: { PATH: '/usr/local/bin:/bin' },
    distribution: parseDistribution('ID=debian\nVERSION_ID="12"'),
    facts(path) {
      const place = all.get(path);
      return (
        place && { uid: 1000, gid: 1000, mode: 0o100644, size: 1, modified: 0, isFolder: false, ...place }
      );
    },
    names(folder) {
      const start = folder.endsWith('/') ? folder : `${folder}/`;
      const below = [...all.keys()].filter((path) => path.startsWith(start));
      return [...new Set(below.map((path) => path.slice(start.length).split('/')[0] as string))];
    },
    text: (file) => all.get(file)?.text,
    refusal: (path, access) => (all.has(path) ? all.get(path)?.refuses?.[access] : 'ENOENT'),
    space: () => bytesLeft,
    memory: () => bytesOfMemory,
    missingFlags: [],
    kvm: 'usable',
    kvmFails: false,
    kvmVerdict: '/home/u/.cache/guestfs-node/kvm.json',
    holders: () => [],
    ...others,
  };
}

/** What libguestfs would say of itself there. */
export function settingsWith(settings: Partial<Settings> = {}): Settings {
  return {
    version: '1.48.6',
    missing: [],
    backend: 'direct',
    backendSettings: [],
    hv: '/bin/qemu-system-x86_64',
    path: '/appliance',
    memsize: 1280,
    tmpdir: '/tmp',
    cachedir: '/cache',
    sockdir: '/run/user/1000',
    template: undefined,
    ...settings,
  };
}
