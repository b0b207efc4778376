// What to do about faults of the host and of the appliance, told by the words of libguestfs, qemu, qemu-img, supermin
// and the guest's kernel.

/** A fault and what to do about it. */
export interface Remedy {
  /** Always the same for a fault, whatever tells of it. */
  readonly code: FaultCode;
  /** The errno's name, where the words tell one. */
  readonly errno?: Errno | undefined;
  /** What is wrong, and what to do. It continues a message: `launch: …`. */
  readonly advice: string;
}

/** The `code` of a fault of this machine or of an image, in errors and in findings. */
export type FaultCode =
  | 'ERR_GUESTFS_BACKING_FILE'
  | 'ERR_GUESTFS_BACKING_LOOP'
  | 'ERR_GUESTFS_CACHEDIR'
  | 'ERR_GUESTFS_DISK_ERROR'
  | 'ERR_GUESTFS_DISK_FULL'
  | 'ERR_GUESTFS_IMAGE_INVALID'
  | 'ERR_GUESTFS_IMAGE_LOCKED'
  | 'ERR_GUESTFS_IMAGE_UNREADABLE'
  | 'ERR_GUESTFS_KERNEL_UNREADABLE'
  | 'ERR_GUESTFS_LIBVIRT'
  | 'ERR_GUESTFS_LIMIT'
  | 'ERR_GUESTFS_MEMORY'
  | 'ERR_GUESTFS_NO_APPLIANCE'
  | 'ERR_GUESTFS_NO_HYPERVISOR'
  | 'ERR_GUESTFS_NO_KERNEL'
  | 'ERR_GUESTFS_PASST'
  | 'ERR_GUESTFS_SETTINGS'
  | 'ERR_GUESTFS_SOCKDIR'
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
const reason = `(${Object.keys(reasons).join('|')})`;

type Errno = (typeof reasons)[keyof typeof reasons] | 'EAGAIN' | 'ENFILE';

/** qemu's reasons end with those of the C library, or with its own. */
function errnoOf(why: string): Errno | undefined {
  const words = new RegExp(`${reason}$`).exec(why)?.[1];
  return reasons[words as keyof typeof reasons];
}

const tmpdir = {
  code: 'ERR_GUESTFS_TMPDIR',
  use: 'temporary files',
  setting: "the option 'tmpdir', LIBGUESTFS_TMPDIR or TMPDIR",
  space: 'some space',
} as const;
const cachedir = {
  code: 'ERR_GUESTFS_CACHEDIR',
  use: 'the cached appliance',
  setting: "the option 'cachedir', LIBGUESTFS_CACHEDIR or TMPDIR",
  space: 'about 1 GiB',
} as const;

export const unusableTmpdir = (path: string, why: string): Remedy => folder(tmpdir, path, why);
export const unusableCachedir = (path: string, why: string): Remedy => folder(cachedir, path, why);

/** libguestfs takes no other: for root /tmp, for others what their session says. */
export const unusableSockdir = (path: string, why: string): Remedy => ({
  code: 'ERR_GUESTFS_SOCKDIR',
  errno: errnoOf(why),
  advice: `the folder ${path} cannot be used for sockets (${why}). XDG_RUNTIME_DIR names it, perhaps that of another user (su and sudo keep it): take the variable away`,
});

/** `setting` is a variable or a function that names a folder. */
function unusableFor(setting: string): (path: string, why: string) => Remedy {
  if (setting === 'XDG_RUNTIME_DIR') return unusableSockdir;
  return /cachedir/i.test(setting) ? unusableCachedir : unusableTmpdir;
}

/** libguestfs takes no appliance that another user could have put there. */
export const foreignCache = (path: string, why: string): Remedy => ({
  code: 'ERR_GUESTFS_CACHEDIR',
  advice: `libguestfs does not trust the cached appliance in ${path}: ${why}. Remove it, and it is built anew, or name another folder: ${cachedir.setting}`,
});

function folder(
  { code, use, setting, space }: typeof tmpdir | typeof cachedir,
  path: string,
  why: string,
): Remedy {
  const errno = errnoOf(why);
  const full = errno === 'ENOSPC' || errno === 'EDQUOT';
  const mend = full ? `Free ${space} there` : 'See that it exists and can be written';
  return {
    code,
    errno,
    advice: `the folder ${path} cannot be used for ${use} (${why}). ${mend}, or name another folder: ${setting}`,
  };
}

function image(path: string, why: string): Remedy {
  const errno = errnoOf(why);
  return errno === undefined
    ? {
        code: 'ERR_GUESTFS_IMAGE_INVALID',
        advice: `${path} cannot be opened: ${why}. Check it with 'qemu-img info', and give the format that it has`,
      }
    : {
        code: 'ERR_GUESTFS_IMAGE_UNREADABLE',
        errno,
        advice: `${path} cannot be opened: ${why}. See that it is there and that this user may open it, for writing too unless readonly is set`,
      };
}

export const ownBackingFile = (path: string): Remedy => ({
  code: 'ERR_GUESTFS_BACKING_LOOP',
  errno: 'ELOOP',
  advice: `${path} is its own backing file, directly or indirectly. Give the image its right one with 'qemu-img rebase -u -b'`,
});

/** Descriptors are short (EMFILE: of this process, ENFILE: of the machine), or processes and threads (EAGAIN). */
export function limitReached(errno: 'EMFILE' | 'ENFILE' | 'EAGAIN'): Remedy {
  const advice = {
    EMFILE:
      'too many files are open. Raise the limit (`ulimit -n`), or close handles and files that are not needed',
    ENFILE: 'too many files are open on this machine. Raise its limit (`sysctl fs.file-max`), or close some',
    EAGAIN:
      'a thread or a helper process could not be started: this process is at a limit of processes, memory or open files. Raise it (`ulimit -u`, `ulimit -n`), or close handles',
  }[errno];
  return { code: 'ERR_GUESTFS_LIMIT', errno, advice };
}

export const tooManyHandles: Remedy = {
  code: 'ERR_GUESTFS_LIMIT',
  errno: 'EAGAIN',
  advice:
    'too many handles are open: a process can have about 1,000, for libguestfs takes a thread-specific key for each. Close those that are not needed, or spread the work over several processes',
};

export const notEnoughMemory: Remedy = {
  code: 'ERR_GUESTFS_MEMORY',
  errno: 'ENOMEM',
  advice:
    "this machine has not enough memory for the appliance. Close handles that are not needed, or ask for less: the option 'memsize', LIBGUESTFS_MEMSIZE",
};

export const unreadableKernel = (path: string): Remedy => ({
  code: 'ERR_GUESTFS_KERNEL_UNREADABLE',
  errno: 'EACCES',
  advice: `the appliance needs the kernel ${path}, which this user may not read (so it is on Ubuntu): \`sudo chmod 0644 ${path}\``,
});

export const noKernel: Remedy = {
  code: 'ERR_GUESTFS_NO_KERNEL',
  advice:
    'the appliance needs a Linux kernel in /boot with its modules in /lib/modules, and there is none: `apt install linux-image-amd64` (Debian), `dnf install kernel` (Fedora)',
};

/** supermin passes over a variable that names no kernel, unless another one says which kernel it is. */
export const missingKernel = (path: string): Remedy => ({
  code: 'ERR_GUESTFS_NO_KERNEL',
  errno: 'ENOENT',
  advice: `the kernel ${path}, which SUPERMIN_KERNEL names, is not there: take the variable away`,
});

export const noAppliance = (path: string): Remedy => ({
  code: 'ERR_GUESTFS_NO_APPLIANCE',
  advice: `there is no appliance in ${path}: install libguestfs with its appliance (\`apt install libguestfs0 supermin\`, \`dnf install libguestfs-appliance\`), or name its folder: the option 'path', LIBGUESTFS_PATH`,
});

export const noHypervisor = (path: string, errno: 'ENOENT' | 'EACCES' = 'ENOENT'): Remedy => ({
  code: 'ERR_GUESTFS_NO_HYPERVISOR',
  errno,
  advice: `the hypervisor ${path} ${errno === 'ENOENT' ? 'does not exist' : 'cannot be run'}: install qemu (\`apt install qemu-system-x86\`, \`dnf install qemu-kvm\`), or name the right one with setHv() or LIBGUESTFS_HV`,
});

/** Only the backend is concerned: for libguestfs itself libvirt is not needed. */
export const libvirtUnusable = (uri: string, why: string): Remedy => ({
  code: 'ERR_GUESTFS_LIBVIRT',
  advice: `libvirt, which is to start the appliance, cannot be used (${uri || 'its default'}: ${why}). Start it, or do without it: LIBGUESTFS_BACKEND=direct, or the option 'backend'`,
});

/** `why` is what libguestfs has said of a variable. */
export const refusedSetting = (why: string): Remedy => ({
  code: 'ERR_GUESTFS_SETTINGS',
  advice: `a setting of the environment is refused: ${why}. Correct the variable LIBGUESTFS_… that says so, or take it away`,
});

export const imageLocked = (path = 'the image'): Remedy => ({
  code: 'ERR_GUESTFS_IMAGE_LOCKED',
  advice: `${path} is in use: a running virtual machine, another handle or another drive of this one holds its lock. Close it there, or add the drive with readonly: true`,
});

/** It becomes another user, who may write neither its socket nor its PID file in a folder of root's. */
export const passtFailed: Remedy = {
  code: 'ERR_GUESTFS_PASST',
  advice:
    'passt, which libguestfs uses for setNetwork(true), could not be started: run by root, it becomes a user who may not write where it has to. Run this as another user, leave the network out, or take passt from the PATH, so that libguestfs does without it',
};

/** qemu writes a comma in a file's name as two. */
const unquoted = (path: string) => path.replaceAll(',,', ',');

/** Of the words that are looked at: an image may have a say in them, and searching takes time. */
const mostWords = 16 * 1024;
const longestLine = 2048;

function bounded(words: string): string {
  const lines = words.slice(-mostWords).split('\n');
  return lines.map((line) => line.slice(0, longestLine)).join('\n');
}

/** Since 1.56 libguestfs says what qemu-img has said itself, and all of it in one line. */
function asLines(words: string): string {
  return words.replace(
    /^qemu-img: ((?:qemu-img: |Formatting ).*): (?=qemu-img exited with)/m,
    (_, said: string) =>
      `${said.trimEnd().replaceAll(/ (?=qemu-img: |Could not open backing image\.|Is another process using )/g, '\n')}\n`,
  );
}

const refusal = new RegExp(`^[^:]*: (?:Could not write.*: )?${reason}$`);

/** Finds a line that says why something could not be done in a folder, of which `marker` is the next part of the path. */
function refusedIn(
  kind: typeof tmpdir | typeof cachedir,
  marker: RegExp,
): (words: string) => Remedy | undefined {
  return (words) => {
    for (const line of words.split('\n')) {
      const end = line.search(marker);
      const why = end > 0 && refusal.exec(line.slice(end))?.[1];
      if (!why) continue;
      const before = Math.max(line.lastIndexOf("'", end), line.lastIndexOf(':', end));
      const start = line.indexOf('/', before + 1);
      if (start < end) return folder(kind, line.slice(start, end), why);
    }
    return undefined;
  };
}

type Rule = readonly [RegExp, (...groups: string[]) => Remedy] | ((words: string) => Remedy | undefined);

/**
 * In this order, for some words come with others: the first rule that applies decides. The groups of a pattern are given
 * to its function, and after them the path of the image, if the failed call is about one. No pattern may take more than
 * linear time in the length of a line, or little more.
 */
const table: readonly Rule[] = [
  [/(?:Could not open backing file: ){50}/, ownBackingFile],
  [/Too many open files/, () => limitReached('EMFILE')],
  [
    /^qemu[\w.-]*: -drive file=(?=((?:[^,\n]|,,)*))\1,.*: Could not open backing file: .*lock\nIs another process using the image \[\1\]/m,
    (path) => ownBackingFile(unquoted(path)),
  ],
  [/Failed to get (?:shared )?"[\w ]+" lock\n?(?:Is another process using the image \[(.*)\])?/, imageLocked],
  [
    /Could not open backing (?:file|image): .*?Could not open '([^'\n]*)': (.*)$/m,
    (path, why) => ({
      code: 'ERR_GUESTFS_BACKING_FILE',
      errno: errnoOf(why),
      advice: `the backing file ${path} cannot be opened: ${why}. Put it in its place, or tell the image its new one with 'qemu-img rebase -u -b'`,
    }),
  ],
  // The programs that qemu-img and supermin are, when they could not be started.
  [/exited for an unknown reason \(status -1\)/, () => limitReached('EAGAIN')],
  [/cannot set up guest memory|Cannot allocate memory/, () => notEnoughMemory],
  [
    new RegExp(`(\\w+): (/.*|): realpath: ${reason}$`, 'm'),
    (setting, path, why) => unusableFor(setting)(path || 'without a name', why),
  ],
  [
    new RegExp(`^(/.*)/libguestfs\\w{6}: cannot create temporary directory: ${reason}$`, 'm'),
    (path, why) => (path === process.env.XDG_RUNTIME_DIR ? unusableSockdir : unusableTmpdir)(path, why),
  ],
  refusedIn(tmpdir, /\/libguestfs\w{6}\/(?:overlay|scratch)/),
  [/^security: cached appliance (\/.*) is (.*)$/m, (path, why) => foreignCache(path, `it is ${why}`)],
  // libguestfs does not say why it could not make its folder there.
  [new RegExp(`^stat: (/.*)/\\.guestfs-\\d+: ${reason}$`, 'm'), unusableCachedir],
  refusedIn(cachedir, /\/\.guestfs-\d+\//),
  [new RegExp(`${reason}: (/.*)/\\.guestfs-\\d+/`), (why, path) => unusableCachedir(path, why)],
  [/cannot open '(\/[^'\n]*)' for reading: Permission denied/, unreadableKernel],
  [/cannot stat '(\/[^'\n]*)': .*\nsupermin: cp -p '\1' '[^'\n]*\/kernel'/, missingKernel],
  [/failed to find a suitable kernel/, () => noKernel],
  [/cannot find any suitable libguestfs supermin.*\(search path: (.*)\)/, noAppliance],
  [/^stat: (\/.*): No such file or directory$/m, (path) => noHypervisor(path)],
  // How a shell says that it could not run a program: since 1.58 libguestfs asks qemu itself whether there is KVM.
  [
    /^(.+): did not understand QMP monitor output\n.*\bsh: (?:line )?\d+: .*: (not found|No such file or directory|Permission denied)$/m,
    (path, why) => noHypervisor(path, why === 'Permission denied' ? 'EACCES' : 'ENOENT'),
  ],
  [/^(\/.*) exited with error status 12[67]\b/m, (path) => noHypervisor(path, 'EACCES')],
  [/could not connect to libvirt \(URI = ([^)\n]*)\): (.*)$/m, (uri, why) => libvirtUnusable(uri, why)],
  [/passt exited with status/, () => passtFailed],
  [
    /'file' driver requires '(.*)' to be a regular file/,
    (path) => ({
      code: 'ERR_GUESTFS_IMAGE_INVALID',
      advice: `${path} is a folder, or something else that is no disk image. Give the path of an image or of a block device`,
    }),
  ],
  // What qemu says of a drive, on the way to the appliance or, for the overlay of a read-only one, to the overlay.
  [/^qemu[\w.-]*: -drive file=(?=((?:[^,\n]|,,)*))\1,.*?: (.*)$/m, (path, why) => image(unquoted(path), why)],
  [/^qemu[\w.-]*: .*Could not open '(.*?)': (.*)$/m, image],
  [
    /^qemu-img: \/.*\/libguestfs\w{6}\/overlay\d*\.qcow2: (?!qemu-img exited)(.*)$/m,
    (why, path) => image(path, why),
  ],
];

/** What to do about a failure of the host, where its words are known. */
export function remedyFor(words: string, path = 'the image'): Remedy | undefined {
  const looked = asLines(bounded(words));
  for (const rule of table) {
    if (typeof rule === 'function') {
      const remedy = rule(looked);
      if (remedy) return remedy;
      continue;
    }
    const [pattern, explain] = rule;
    const found = pattern.exec(looked);
    if (found) return explain(...found.slice(1), path);
  }
  return undefined;
}

/** Why the appliance has died, by its console; undefined when the console tells nothing of it. */
export function causeOfDeath(console: string): string | undefined {
  const starved = /Out of memory: Killed process \d+ \((.*?)\)/.exec(console);
  if (starved) {
    return `it had not enough memory for ${starved[1]}. Give it more: the option 'memsize', LIBGUESTFS_MEMSIZE`;
  }
  const panic = /Kernel panic - not syncing: (.*)/.exec(console);
  return panic ? `its kernel panicked (${panic[1]})` : undefined;
}

/**
 * What the appliance's kernel says when the host has not taken what was written to a disk. It does not tell whose disk:
 * its names need not be libguestfs's, and one disk is the appliance's own.
 */
export function refusedWrite(console: string): Remedy | undefined {
  if (/critical space allocation error, dev \w+/.test(console)) {
    return {
      code: 'ERR_GUESTFS_DISK_FULL',
      errno: 'ENOSPC',
      advice:
        'not all that was written has reached the disk: there is no space left on this machine for an image, or, for scratch and read-only drives, in the folder for temporary files. Make space, launch again and write it again',
    };
  }
  // The second in kernels before 5.
  if (
    /I\/O error, dev \w+, sector \d+ op 0x\w+:\(WRITE\)|Buffer I\/O error on dev \w+, logical block \d+, lost/.test(
      console,
    )
  ) {
    return {
      code: 'ERR_GUESTFS_DISK_ERROR',
      errno: 'EIO',
      advice:
        'not all that was written has reached the disk: this machine had an input/output error (see `dmesg`). Mend it, launch again and write it again',
    };
  }
  return undefined;
}
