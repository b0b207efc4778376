// What to do about faults of the host and of the appliance, told by the words of libguestfs, qemu, qemu-img, supermin
// and the guest's kernel.

import {
  cachedir,
  errnoOf,
  type Fault,
  folder,
  foreignCache,
  image,
  imageLocked,
  libvirtUnusable,
  limitReached,
  missingKernel,
  noAppliance,
  noHypervisor,
  noKernel,
  notEnoughMemory,
  ownBackingFile,
  passtFailed,
  reason,
  tmpdir,
  unreadableKernel,
  unusableCachedir,
  unusableFor,
  unusableSockdir,
  unusableTmpdir,
} from './faults';

/** qemu writes a comma in a file's name as two. */
const unquoted = (path: string) => path.replaceAll(',,', ',');

/** Limits of the words that are looked at: an image may have a say in them, and searching takes time. */
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
): (words: string) => Fault | undefined {
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

type Rule = readonly [RegExp, (...groups: string[]) => Fault] | ((words: string) => Fault | undefined);

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
export function faultIn(words: string, path = 'the image'): Fault | undefined {
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
export function refusedWrite(console: string): Fault | undefined {
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
