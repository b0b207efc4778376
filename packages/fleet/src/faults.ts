// Which failures are faults of the machine, where another machine, or a later time, may do better.

const ofMachine: ReadonlySet<string> = new Set([
  'ERR_GUESTFS_APPLIANCE_INVALID',
  'ERR_GUESTFS_CACHEDIR',
  'ERR_GUESTFS_DISK_FULL',
  'ERR_GUESTFS_FLEET_ROOT',
  'ERR_GUESTFS_FLEET_SERVER',
  'ERR_GUESTFS_FLEET_STORE',
  'ERR_GUESTFS_IMAGE_LOCKED',
  'ERR_GUESTFS_KERNEL_UNREADABLE',
  'ERR_GUESTFS_KVM_UNAVAILABLE',
  'ERR_GUESTFS_LIBVIRT',
  'ERR_GUESTFS_LIMIT',
  'ERR_GUESTFS_MEMORY',
  'ERR_GUESTFS_NO_APPLIANCE',
  'ERR_GUESTFS_NO_DRIVER',
  'ERR_GUESTFS_NO_HYPERVISOR',
  'ERR_GUESTFS_NO_KERNEL',
  'ERR_GUESTFS_PASST',
  'ERR_GUESTFS_PROGRAM_MISSING',
  'ERR_GUESTFS_QEMU_IMG_MISSING',
  'ERR_GUESTFS_SERVER',
  'ERR_GUESTFS_SETTINGS',
  'ERR_GUESTFS_SOCKDIR',
  'ERR_GUESTFS_STUCK',
  'ERR_GUESTFS_TERMINATED',
  'ERR_GUESTFS_TIMEOUT',
  'ERR_GUESTFS_TMPDIR',
  ...['EAGAIN', 'EBUSY', 'ECONNREFUSED', 'ECONNRESET', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'ESTALE', 'ETIMEDOUT'],
]);

/**
 * Whether a failure says nothing of the image, by its code; one without a code is of whoever wrote the task. EIO is the
 * image's: a damaged filesystem has it each time.
 */
export function isMachineFault(error: { readonly code?: unknown }): boolean {
  return typeof error.code === 'string' && ofMachine.has(error.code);
}
