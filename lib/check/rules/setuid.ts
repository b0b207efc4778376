import { basename, dirname } from 'node:path/posix';
import type { WalkEntry } from '../../bulk/entry';
import { errorFor } from '../../faults/errors';
import { type PackageFile, packageFiles } from '../../packages/files';
import { GuestFiles, unlessAbsent } from '../../packages/system-files';
import { modeText } from '../mode';
import type { Sighting, Tree, TreeRule } from '../rule';
import { isOfAnother } from '../system-files';

/**
 * Programs that distributions install so, and whose databases of packages (dpkg) do not tell permissions: by their names,
 * for folders differ.
 */
const known = new Set([
  ...[
    'sudo-rs',
    'su-rs',
    'sudo.ws',
    'dmcrypt-get-device',
    'pam-tmpdir-helper',
    'sensible-mda',
    'dma',
    'msmtp',
  ],
  ...[
    'dma-mbox-create',
    'starter-suid',
    'qmail-queue',
    'rssh_chroot_helper',
    'mount.davfs',
    'ping4',
    'uuidd',
  ],
  ...[
    'su',
    'sudo',
    'sudoedit',
    'doas',
    'passwd',
    'gpasswd',
    'newgrp',
    'sg',
    'chsh',
    'chfn',
    'chage',
    'expiry',
  ],
  ...['newuidmap', 'newgidmap', 'mount', 'umount', 'fusermount', 'fusermount3', 'mount.nfs', 'mount.cifs'],
  ...['mount.ecryptfs_private', 'ntfs-3g', 'pkexec', 'polkit-agent-helper-1', 'dbus-daemon-launch-helper'],
  ...[
    'unix_chkpwd',
    'pam_extrausers_chkpwd',
    'pam_timestamp_check',
    'unix2_chkpwd',
    'ssh-keysign',
    'ssh-agent',
  ],
  ...[
    'ping',
    'ping6',
    'arping',
    'traceroute6.iputils',
    'mtr-packet',
    'clockdiff',
    'crontab',
    'at',
    'batch',
    'wall',
  ],
  ...[
    'write',
    'write.ul',
    'bsd-write',
    'bsdtalk',
    'locate',
    'plocate',
    'mlocate',
    'screen',
    'utempter',
    'Xorg.wrap',
  ],
  ...['exim4', 'sendmail', 'sendmail.sendmail', 'postdrop', 'postqueue', 'postlog', 'procmail', 'lockfile'],
  ...[
    'mail-lock',
    'mail-touchlock',
    'mail-unlock',
    'mlock',
    'dotlockfile',
    'mutt_dotlock',
    'lockspool',
    'maildrop',
  ],
  ...['snap-confine', 'snap-seccomp', 'VBoxNetDHCP', 'VBoxHeadless', 'chrome-sandbox', 'bwrap', 'firejail'],
  ...[
    'qemu-bridge-helper',
    'spice-client-glib-usb-acl-helper',
    'kismet_cap_linux_wifi',
    'dumpcap',
    'pppd',
    'cockpit-session',
  ],
  ...[
    'suexec',
    'suexec-pristine',
    'suexec-custom',
    'userhelper',
    'usernetctl',
    'staprun',
    'vmware-user-suid-wrapper',
    'sperl',
  ],
  ...[
    'gnome-pty-helper',
    'camel-lock-helper-1.2',
    'chkpwd',
    'kcheckpass',
    'opie-passwd',
    'otpw-gen',
    'hping3',
    'login',
    'rsh',
  ],
  ...[
    'rcp',
    'rlogin',
    'netreport',
    'lppasswd',
    'ksu',
    'grantpt',
    'pt_chown',
    'bbsuid',
    'vlock',
    'ssh_askpass',
    'slock',
  ],
  ...['physlock', 'i3lock', 'cdrecord', 'wodim', 'authbind'],
  ...['uucp', 'uux', 'cu', 'slrnpull', 'inndstart', 'rnews', 'fping', 'fping6', 'tcptraceroute'],
]);

const usual = /^\/(?:usr\/)?(?:bin|sbin|lib|lib64|libexec|lib\/[\w/.+-]+|libexec\/[\w/.+-]+|games)\/[^/]+$/;

export const setuidPrograms: TreeRule = {
  id: 'setuid-programs',
  severity: 'error',
  title: 'Setuid and setgid programs that no package installs so',
  advice: 'Remove the program, or take its permission away: chmod u-s,g-s PATH',
  help: 'Such a program runs with the rights of its owner, whoever calls it: it is how intruders stay. Looked at are all files with these permissions, and what the databases of dpkg, RPM, apk and pacman say of them. Where these do not tell permissions (dpkg, but for its overrides), a program of a package that is not known to be so is a warning.',
  trees: ['linux', 'unix'],
  wants: ({ path, type, mode }) => type === 'file' && (mode & 0o6000) !== 0 && !isOfAnother(path),
  check: async (tree, entries) => {
    if (entries.length === 0) return [];
    const owners = await ownersOf(tree, entries);
    return entries.flatMap((entry): Sighting[] => {
      const { path, mode } = entry;
      const what = `${(mode & 0o4000) !== 0 ? 'setuid' : 'setgid'}, with the permissions ${modeText(mode)}`;
      const owner = owners.get(path);
      if (!owner) return [{ path, seen: `${what}, and of no package` }];
      if (owner.mode === null) {
        const isKnown = known.has(basename(path));
        const seen = `${what}; it belongs to ${owner.package}, and is not known to be so`;
        return isKnown ? [] : [{ path, seen, severity: 'warning' }];
      }
      const more = mode & 0o6000 & ~owner.mode;
      return more === 0
        ? []
        : [{ path, seen: `${what}; ${owner.package} installs it with ${modeText(owner.mode)}` }];
    });
  },
};

interface Owner {
  readonly package: string;
  readonly mode: number | null;
}

async function ownersOf(tree: Tree, entries: readonly WalkEntry[]): Promise<Map<string, Owner>> {
  const names = new Set(entries.map(({ name }) => name));
  const paths = new Set(entries.map(({ path }) => path));
  const folders = new Map<string, string>();
  const owners = new Map<string, Owner>();
  const own = async (file: PackageFile, owner: string) => {
    if (!names.has(basename(file.path))) return;
    // A package may name a folder that is a link: /bin for /usr/bin.
    const folder = dirname(file.path);
    const real = folders.get(folder) ?? (await unlessAbsent(tree.g.realpath(folder))) ?? folder;
    folders.set(folder, real);
    const path = `${real === '/' ? '' : real}/${basename(file.path)}`;
    if (paths.has(path)) owners.set(path, { package: owner, mode: file.mode });
  };
  const format = tree.system?.packageFormat ?? '';
  let hasDatabase = false;
  for await (const { name, files } of packageFiles(new GuestFiles(tree.g), format)) {
    hasDatabase = true;
    for (const file of files) await own(file, name);
  }
  if (!hasDatabase && tree.system?.applications !== null && format !== '' && !entries.every(isKnown))
    throw errorFor({
      ...{ code: 'ERR_GUESTFS_NO_PACKAGE_LIST', operation: 'check' },
      problem: `the files of packages (${format}) are not told: which programs are theirs is not known`,
    });
  if (!hasDatabase)
    for (const { path, name } of entries.filter(isKnown)) owners.set(path, { package: name, mode: null });
  return owners;
}

const isKnown = ({ path, name }: WalkEntry) => known.has(name) && usual.test(path);
