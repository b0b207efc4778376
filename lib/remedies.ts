// What to do about faults of the host and of the appliance, told by the words of libguestfs, qemu, qemu-img, supermin
// and the guest's kernel.

export interface Remedy {
  /** Where the words tell one: an errno's name, or one of ours that a program can act on. */
  readonly code: string | undefined;
  /** What is wrong, and what to do. It continues a message: `launch: …`. */
  readonly advice: string;
}

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

const codeOf = (text: string): string | undefined => reasons[text as keyof typeof reasons];

const tmpdir = {
  use: 'temporary files',
  setting: "the option 'tmpdir', LIBGUESTFS_TMPDIR or TMPDIR",
  space: 'some space',
};
const cachedir = {
  use: 'the cached appliance',
  setting: "the option 'cachedir', LIBGUESTFS_CACHEDIR or TMPDIR",
  space: 'about 1 GiB',
};

function folder({ use, setting, space }: typeof tmpdir, path: string, why: string): Remedy {
  const code = codeOf(why);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  const mend = full ? `Free ${space} there` : 'See that it exists and can be written';
  return {
    code,
    advice: `the folder ${path} cannot be used for ${use} (${why}). ${mend}, or name another folder: ${setting}`,
  };
}

/** qemu's reasons end with those of the C library, or with its own. */
function image(path: string, why: string): Remedy {
  const code = codeOf(new RegExp(`${reason}$`).exec(why)?.[1] ?? '');
  const mend =
    code === undefined
      ? "Check it with 'qemu-img info', and give the format that it has"
      : 'See that it is there and that this user may open it, for writing too unless readonly is set';
  return { code: code ?? 'ERR_GUESTFS_IMAGE_INVALID', advice: `${path} cannot be opened: ${why}. ${mend}` };
}

export const ownBackingFile = (path: string): Remedy => ({
  code: 'ELOOP',
  advice: `${path} is its own backing file, directly or indirectly. Give the image its right one with 'qemu-img rebase -u -b'`,
});

/**
 * In this order, for some words come with others: the first pattern that is found decides. Its groups are given to the
 * function, and after them the path of the image, if the failed call is about one.
 */
const table: readonly (readonly [RegExp, (...groups: string[]) => Remedy])[] = [
  [/(?:Could not open backing file: ){50}/, ownBackingFile],
  [
    /Too many open files/,
    () => ({
      code: 'EMFILE',
      advice:
        'too many files are open. Raise the limit (`ulimit -n`), or close handles and files that are not needed',
    }),
  ],
  [
    /-drive file=((?:[^,\n]|,,)*),.*: Could not open backing file: .*lock\nIs another process using the image \[\1\]/,
    (path) => ownBackingFile(path.replaceAll(',,', ',')),
  ],
  [
    /Failed to get (?:shared )?"[\w ]+" lock\n?(?:Is another process using the image \[(.*)\])?/,
    (path = 'the image') => ({
      code: 'ERR_GUESTFS_IMAGE_LOCKED',
      advice: `${path} is in use: a running virtual machine, another handle or another drive of this one holds its lock. Close it there, or add the drive with readonly: true`,
    }),
  ],
  [
    /Could not open backing (?:file|image): .*?Could not open '(.*?)': (.*)$/m,
    (path, why) => ({
      code: codeOf(why) ?? 'ERR_GUESTFS_IMAGE_INVALID',
      advice: `the backing file ${path} cannot be opened: ${why}. Put it in its place, or tell the image its new one with 'qemu-img rebase -u -b'`,
    }),
  ],
  // The programs that qemu-img and supermin are, when they could not be started.
  [
    /exited for an unknown reason \(status -1\)/,
    () => ({
      code: 'EAGAIN',
      advice:
        'a helper process could not be started: this process is at a limit of open files, processes or memory. Raise it (`ulimit -n`, `ulimit -u`), or close handles',
    }),
  ],
  [
    /cannot set up guest memory|Cannot allocate memory/,
    () => ({
      code: 'ENOMEM',
      advice:
        "this machine has not enough memory for the appliance. Close handles that are not needed, or ask for less: the option 'memsize', LIBGUESTFS_MEMSIZE",
    }),
  ],
  [new RegExp(`set_tmpdir: (.*): realpath: ${reason}`), (path, why) => folder(tmpdir, path, why)],
  [
    new RegExp(`(?:set_cachedir|TMPDIR): (.*): realpath: ${reason}`),
    (path, why) => folder(cachedir, path, why),
  ],
  [
    new RegExp(`^(/.*)/libguestfs\\w{6}: cannot create temporary directory: ${reason}$`, 'm'),
    (path, why) => folder(tmpdir, path, why),
  ],
  [
    new RegExp(
      `(/[^\\n':]*)/libguestfs\\w{6}/(?:overlay|scratch)[^\\n:]*: (?:Could not write.*: )?${reason}$`,
      'm',
    ),
    (path, why) => folder(tmpdir, path, why),
  ],
  // libguestfs does not say why it could not make its folder there.
  [new RegExp(`^stat: (/.*)/\\.guestfs-\\d+: ${reason}$`, 'm'), (path, why) => folder(cachedir, path, why)],
  [
    new RegExp(`(/[^\\n':]*)/\\.guestfs-\\d+/[^\\n:]*: ${reason}$`, 'm'),
    (path, why) => folder(cachedir, path, why),
  ],
  [new RegExp(`${reason}: (/.*)/\\.guestfs-\\d+/`), (why, path) => folder(cachedir, path, why)],
  [
    /cannot open '(\/[^'\n]*)' for reading: Permission denied/,
    (path) => ({
      code: 'EACCES',
      advice: `the appliance needs the kernel ${path}, which this user may not read (so it is on Ubuntu): \`sudo chmod 0644 ${path}\``,
    }),
  ],
  [
    /failed to find a suitable kernel/,
    () => ({
      code: undefined,
      advice:
        'the appliance needs a Linux kernel in /boot with its modules in /lib/modules, and there is none: `apt install linux-image-amd64` (Debian), `dnf install kernel` (Fedora)',
    }),
  ],
  [
    /cannot find any suitable libguestfs supermin.*\(search path: (.*)\)/,
    (path) => ({
      code: undefined,
      advice: `there is no appliance in ${path}: install libguestfs with its appliance (\`apt install libguestfs0 supermin\`, \`dnf install libguestfs-appliance\`), or name its folder: the option 'path', LIBGUESTFS_PATH`,
    }),
  ],
  [
    /^stat: (\/.*): No such file or directory$/m,
    (path) => ({
      code: 'ENOENT',
      advice: `the hypervisor ${path} does not exist: install qemu (\`apt install qemu-system-x86\`, \`dnf install qemu-kvm\`), or name the right one with setHv() or LIBGUESTFS_HV`,
    }),
  ],
  [
    /'file' driver requires '(.*)' to be a regular file/,
    (path) => ({
      code: 'ERR_GUESTFS_IMAGE_INVALID',
      advice: `${path} is a folder, or something else that is no disk image. Give the path of an image or of a block device`,
    }),
  ],
  // What qemu says of a drive, on the way to the appliance or, for the overlay of a read-only one, to the overlay.
  [
    /^qemu[\w.-]*: -drive file=((?:[^,\n]|,,)*),.*?: (.*)$/m,
    (path, why) => image(path.replaceAll(',,', ','), why),
  ],
  [/^qemu[\w.-]*: .*Could not open '(.*?)': (.*)$/m, image],
  [
    /^qemu-img: \/.*\/libguestfs\w{6}\/overlay\d*\.qcow2: (?!qemu-img exited)(.*)$/m,
    (why, path) => image(path, why),
  ],
];

/** What to do about a failure of the host, where its words are known. */
export function remedyFor(words: string, drive = 'the image'): Remedy | undefined {
  for (const [pattern, explain] of table) {
    const found = pattern.exec(words);
    if (found) return explain(...found.slice(1), drive);
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
  if (panic) return `its kernel panicked (${panic[1]})`;
  return undefined;
}

/** The host has not taken what the guest wrote to this disk. */
export interface RefusedWrite {
  readonly code: 'ENOSPC' | 'EIO';
  readonly disk: string;
}

export function refusedWrite(console: string): RefusedWrite | undefined {
  const full = /critical space allocation error, dev (\w+)/.exec(console);
  if (full) return { code: 'ENOSPC', disk: full[1] as string };
  const failed = /I\/O error, dev (\w+), sector \d+ op 0x\w+:\(WRITE\)/.exec(console);
  return failed ? { code: 'EIO', disk: failed[1] as string } : undefined;
}
