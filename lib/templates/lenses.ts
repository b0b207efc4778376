// The lenses of augeas that inspection needs. libguestfs's daemon compiles all that it finds before it reads the first
// file, 230 of them, which takes seconds under emulation.

/**
 * Files of a guest that inspection reads by augeas, with their lenses, of all kinds of guests and all libguestfs from 1.40
 * to 1.60. Release files, host names, os-release, rc.conf and registries it reads itself; of Windows, DOS, Minix and CoreOS
 * it asks augeas nothing.
 */
export const inspectedFiles: Readonly<Record<string, string>> = {
  /** Mount points, of Linux, FreeBSD, NetBSD, OpenBSD and Hurd. */
  '/etc/fstab': 'fstab',
  /** Names of encrypted volumes in fstab, of the same systems; libguestfs ≥ 1.58. */
  '/etc/crypttab': 'crypttab',
  /** RAID devices in fstab, of Linux. */
  '/etc/mdadm.conf': 'mdadm_conf',
  '/etc/mdadm/mdadm.conf': 'mdadm_conf',
  /** Host name of old Red Hat systems, of Linux and Hurd where neither /etc/HOSTNAME nor /etc/hostname tells it. */
  '/etc/sysconfig/network': 'shellvars',
};

/** Modules of which these lenses are made. */
const modules = ['build', 'rx', 'sep', 'util'];

/** Names, without `.aug`, of the lenses that inspection needs, and of the modules that these need. */
export const inspectionLenses: readonly string[] = [
  ...new Set([...Object.values(inspectedFiles), ...modules]),
].sort();
