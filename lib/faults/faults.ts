import { type Distribution, installWords } from './packages';

/** A fault and what to do about it. */
export interface Fault {
  /** Code of the fault, the same whatever tells of it. */
  readonly code: FaultCode;
  /** Name of the errno, where the words tell one. */
  readonly errno?: Errno | undefined;
  /** Problem: what is wrong. It continues a message: `launch: …`. */
  readonly problem: string;
  /** Advice: what to do. It continues a sentence where it begins with a small letter. */
  readonly advice: string;
  /** The variable, or the function, that names a folder which is not there. */
  readonly setting?: { readonly name: string; readonly folder: string } | undefined;
}

/** Code of a fault of this machine or of an image, in a {@link GuestfsError} and in a {@link Finding}. */
export type FaultCode =
  | 'ERR_GUESTFS_APPLIANCE_INVALID'
  | 'ERR_GUESTFS_BACKING_FILE'
  | 'ERR_GUESTFS_BACKING_LOOP'
  | 'ERR_GUESTFS_BLOCKSIZE'
  | 'ERR_GUESTFS_CACHEDIR'
  | 'ERR_GUESTFS_DATA_FILE'
  | 'ERR_GUESTFS_DISK_ERROR'
  | 'ERR_GUESTFS_DISK_FULL'
  | 'ERR_GUESTFS_DISK_MISSING'
  | 'ERR_GUESTFS_IMAGE_CORRUPT'
  | 'ERR_GUESTFS_IMAGE_CUT'
  | 'ERR_GUESTFS_IMAGE_DIRTY'
  | 'ERR_GUESTFS_IMAGE_EMPTY'
  | 'ERR_GUESTFS_IMAGE_ENCRYPTED'
  | 'ERR_GUESTFS_IMAGE_INVALID'
  | 'ERR_GUESTFS_IMAGE_LOCKED'
  | 'ERR_GUESTFS_IMAGE_UNREADABLE'
  | 'ERR_GUESTFS_IMAGE_UNSUPPORTED'
  | 'ERR_GUESTFS_KERNEL_UNREADABLE'
  | 'ERR_GUESTFS_LIBVIRT'
  | 'ERR_GUESTFS_LIMIT'
  | 'ERR_GUESTFS_MEMORY'
  | 'ERR_GUESTFS_NO_APPLIANCE'
  | 'ERR_GUESTFS_NO_DRIVER'
  | 'ERR_GUESTFS_NO_HYPERVISOR'
  | 'ERR_GUESTFS_NO_KERNEL'
  | 'ERR_GUESTFS_ODD_SIZE'
  | 'ERR_GUESTFS_OTHER_FORMAT'
  | 'ERR_GUESTFS_OUTSIDE'
  | 'ERR_GUESTFS_PASST'
  | 'ERR_GUESTFS_QEMU_IMG_MISSING'
  | 'ERR_GUESTFS_PROGRAM_MISSING'
  | 'ERR_GUESTFS_READ_ONLY_SOURCE'
  | 'ERR_GUESTFS_SERVER'
  | 'ERR_GUESTFS_SETTINGS'
  | 'ERR_GUESTFS_SOCKDIR'
  | 'ERR_GUESTFS_STUCK'
  | 'ERR_GUESTFS_TMPDIR';

/** Words of the C library that tell an errno. */
const reasons = {
  'Cannot allocate memory': 'ENOMEM',
  'Disk quota exceeded': 'EDQUOT',
  'File name too long': 'ENAMETOOLONG',
  'Input/output error': 'EIO',
  'Is a directory': 'EISDIR',
  'No space left on device': 'ENOSPC',
  'No such file or directory': 'ENOENT',
  'Not a directory': 'ENOTDIR',
  'Operation not permitted': 'EPERM',
  'Permission denied': 'EACCES',
  'Read-only file system': 'EROFS',
  'Too many levels of symbolic links': 'ELOOP',
  'Too many open files': 'EMFILE',
} as const;

/** Text of a fault: problem and advice. */
export const textOf = ({ problem, advice }: Pick<Fault, 'problem' | 'advice'>): string =>
  sentences(problem, advice);

/** Text of what is wrong and what to do: a hint with a small letter, or a command, goes on with the sentence. */
export function sentences(problem: string, hint: string | undefined): string {
  if (hint === undefined) return problem;
  return `${problem}${/^[A-Z]/.test(hint) ? '. ' : ': '}${hint}`;
}

export const reason = `(${Object.keys(reasons).join('|')})`;

export type Errno = (typeof reasons)[keyof typeof reasons] | 'EAGAIN' | 'ENFILE';

/** qemu's reasons end with those of the C library, or with its own. */
export function errnoOf(why = ''): Errno | undefined {
  const words = new RegExp(`${reason}$`).exec(why)?.[1];
  return reasons[words as keyof typeof reasons];
}

export const tmpdir = {
  code: 'ERR_GUESTFS_TMPDIR',
  use: 'temporary files',
  setting: "the option 'tmpdir', LIBGUESTFS_TMPDIR or TMPDIR",
  space: 'some space',
} as const;

export const cachedir = {
  code: 'ERR_GUESTFS_CACHEDIR',
  use: 'the cached appliance',
  setting: "the option 'cachedir', LIBGUESTFS_CACHEDIR or TMPDIR",
  space: 'about 1 GiB',
} as const;

export const unusableTmpdir = (path: string, why: string): Fault => folder(tmpdir, path, why);

export const unusableCachedir = (path: string, why: string): Fault => folder(cachedir, path, why);

/** Fault of the folder for sockets. libguestfs takes no other: for root /tmp, for others what their session says. */
export const unusableSockdir = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_SOCKDIR',
  errno: errnoOf(why),
  problem: `the folder ${path} cannot be used for sockets (${why})`,
  advice:
    'XDG_RUNTIME_DIR names it, perhaps that of another user (su and sudo keep it): take the variable away',
});

/** Fault of the folder that `setting`, a variable or a function, names. */
export function unusableFor(setting: string): (path: string, why: string) => Fault {
  if (setting === 'XDG_RUNTIME_DIR') return unusableSockdir;
  return /cachedir/i.test(setting) ? unusableCachedir : unusableTmpdir;
}

/** Fault of a cached appliance that another user could have put there: libguestfs takes none of these. */
export const foreignCache = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_CACHEDIR',
  problem: `libguestfs does not trust the cached appliance in ${path}: ${why}`,
  advice: `Remove it, and it is built anew, or name another folder: ${cachedir.setting}`,
});

/** Fault of an appliance of this machine's own making, over which libguestfs would crash. */
export const brokenCache = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_CACHEDIR',
  problem: `the cached appliance in ${path} is damaged: ${why}`,
  advice: 'Remove it, and it is built anew',
});

/** Fault of a fixed appliance, which has been built elsewhere: libguestfs would crash, or its qemu not start. */
export const brokenAppliance = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_APPLIANCE_INVALID',
  problem: `the fixed appliance in ${path} is damaged: ${why}`,
  advice: "Unpack it again, or name another folder: the option 'path', LIBGUESTFS_PATH",
});

export function folder(
  { code, use, setting, space }: typeof tmpdir | typeof cachedir,
  path: string,
  why: string,
): Fault {
  const errno = errnoOf(why);
  const full = errno === 'ENOSPC' || errno === 'EDQUOT';
  const mend = full ? `Free ${space} there` : 'See that it exists and can be written';
  return {
    code,
    errno,
    problem: `the folder ${path} cannot be used for ${use} (${why})`,
    advice: `${mend}, or name another folder: ${setting}`,
  };
}

export const backingFile = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_BACKING_FILE',
  errno: errnoOf(why),
  problem: `the backing file ${path} cannot be opened: ${why}`,
  advice: "Put it in its place, or tell the image its new one with 'qemu-img rebase -u -b'",
});

export const isFolder = (path: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_INVALID',
  problem: `${path} is a folder, or something else that is no disk image`,
  advice: 'Give the path of an image or of a block device',
});

/** Fault of an image. `errno` is that of the host, if the host has refused it: then the image itself may be good. */
export function image(path: string, why: string, errno: Errno | undefined): Fault {
  const problem = `${path} cannot be opened: ${why}`;
  return errno === undefined
    ? {
        code: 'ERR_GUESTFS_IMAGE_INVALID',
        problem,
        advice: "Check it with 'qemu-img info', and give the format that it has",
      }
    : {
        code: 'ERR_GUESTFS_IMAGE_UNREADABLE',
        errno,
        problem,
        advice: 'See that it is there and that this user may open it, for writing too unless readonly is set',
      };
}

export const ownBackingFile = (path: string): Fault => ({
  code: 'ERR_GUESTFS_BACKING_LOOP',
  errno: 'ELOOP',
  problem: `${path} is its own backing file, directly or indirectly`,
  advice: "Give the image its right one with 'qemu-img rebase -u -b'",
});

/**
 * Fault of a limit that is reached: descriptors are short (EMFILE: of this process, ENFILE: of the machine), or
 * processes and threads (EAGAIN).
 */
export function limitReached(errno: 'EMFILE' | 'ENFILE' | 'EAGAIN'): Fault {
  const [problem, advice] = {
    EMFILE: [
      'too many files are open',
      'Raise the limit (`ulimit -n`), or close handles and files that are not needed',
    ],
    ENFILE: [
      'too many files are open on this machine',
      'Raise its limit (`sysctl fs.file-max`), or close some',
    ],
    EAGAIN: [
      'a thread or a helper process could not be started: this process is at a limit of processes, memory or open files',
      'Raise it (`ulimit -u`, `ulimit -n`), or close handles',
    ],
  }[errno] as [string, string];
  return { code: 'ERR_GUESTFS_LIMIT', errno, problem, advice };
}

export const tooManyHandles: Fault = {
  code: 'ERR_GUESTFS_LIMIT',
  errno: 'EAGAIN',
  problem:
    'too many handles are open: a process can have about 1,000, for libguestfs takes a thread-specific key for each',
  advice: 'Close those that are not needed, or spread the work over several processes',
};

/** Fault of a handle of which an earlier call has been given up, but this machine does not let go of it. */
export const stuckHandle: Fault = {
  code: 'ERR_GUESTFS_STUCK',
  problem:
    'an earlier call of this handle, which was killed, still waits for something on this machine: storage, a mount or a pipe that does not answer',
  advice: 'Make a new Guestfs; this one works again when that call has returned',
};

export const notEnoughMemory: Fault = {
  code: 'ERR_GUESTFS_MEMORY',
  errno: 'ENOMEM',
  problem: 'this machine has not enough memory for the appliance',
  advice: "Close handles that are not needed, or ask for less: the option 'memsize', LIBGUESTFS_MEMSIZE",
};

export const unreadableKernel = (path: string): Fault => ({
  code: 'ERR_GUESTFS_KERNEL_UNREADABLE',
  errno: 'EACCES',
  problem: `the appliance needs the kernel ${path}, which this user may not read (so it is on Ubuntu)`,
  advice: `\`sudo chmod 0644 ${path}\``,
});

export const noKernel = (distribution?: Distribution): Fault => ({
  code: 'ERR_GUESTFS_NO_KERNEL',
  problem: 'the appliance needs a Linux kernel in /boot with its modules in /lib/modules, and there is none',
  advice: installWords(['kernel'], distribution),
});

/** Fault of a variable that names no kernel: supermin passes over it, unless another one says which kernel it is. */
export const missingKernel = (path: string): Fault => ({
  code: 'ERR_GUESTFS_NO_KERNEL',
  errno: 'ENOENT',
  problem: `the kernel ${path}, which SUPERMIN_KERNEL names, is not there`,
  advice: 'take the variable away',
});

export const noAppliance = (path: string, distribution?: Distribution): Fault => ({
  code: 'ERR_GUESTFS_NO_APPLIANCE',
  problem: `there is no appliance in ${path}`,
  advice: `install libguestfs with its appliance (${installWords(['appliance'], distribution)}), or name its folder: the option 'path', LIBGUESTFS_PATH`,
});

export const noHypervisor = (
  path: string,
  errno: 'ENOENT' | 'EACCES' = 'ENOENT',
  distribution?: Distribution,
): Fault => ({
  code: 'ERR_GUESTFS_NO_HYPERVISOR',
  errno,
  problem: `the hypervisor ${path} ${errno === 'ENOENT' ? 'does not exist' : 'cannot be run'}`,
  advice: `install qemu (${installWords(['qemu'], distribution)}), or name the right one with setHv() or LIBGUESTFS_HV`,
});

export const noQemuImg = (): Fault => ({
  code: 'ERR_GUESTFS_QEMU_IMG_MISSING',
  problem: 'libguestfs needs qemu-img',
  advice: installWords(['qemu-img']),
});

/** Fault of libvirt, which concerns only the backend: libguestfs itself does not need it. */
export const libvirtUnusable = (uri: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_LIBVIRT',
  problem: `libvirt, which is to start the appliance, cannot be used (${uri || 'its default'}: ${why})`,
  advice: "Start it, or do without it: LIBGUESTFS_BACKEND=direct, or the option 'backend'",
});

/** Fault of a setting of the environment; `why` is what libguestfs has said of it. */
export const refusedSetting = (why: string): Fault => ({
  code: 'ERR_GUESTFS_SETTINGS',
  problem: `a setting of the environment is refused: ${why}`,
  advice: 'Correct the variable LIBGUESTFS_… that says so, or take it away',
});

export const imageLocked = (path = 'the image'): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_LOCKED',
  problem: `${path} is in use: a running virtual machine, another handle or another drive of this one holds its lock`,
  advice: 'Close it there, or add the drive with readonly: true',
});

/** Fault of passt: it becomes another user, who may write neither its socket nor its PID file in a folder of root's. */
export const passtFailed: Fault = {
  code: 'ERR_GUESTFS_PASST',
  problem:
    'passt, which libguestfs uses for setNetwork(true), could not be started: run by root, it becomes a user who may not write where it has to',
  advice:
    'Run this as another user, leave the network out, or take passt from the PATH, so that libguestfs does without it',
};

export const diskFull: Fault = {
  code: 'ERR_GUESTFS_DISK_FULL',
  errno: 'ENOSPC',
  problem:
    'not all that was written has reached the disk: there is no space left on this machine for an image, or, for scratch and read-only drives, in the folder for temporary files',
  advice: 'Make space, launch again and write it again',
};

export const diskError: Fault = {
  code: 'ERR_GUESTFS_DISK_ERROR',
  errno: 'EIO',
  problem:
    'not all that was written has reached the disk: this machine had an input/output error (see `dmesg`)',
  advice: 'Mend it, launch again and write it again',
};
