// Words of libguestfs, qemu, qemu-img and supermin, and the faults that they tell. What the guest's kernel says is in
// kernel-words.ts.
//
// An image has a say in these words: it names its backing files, its features, its format, and a name may contain line
// breaks. So a line tells a fault by how it begins, before anything of an image can stand in it; the first line that
// tells one decides, since what an image adds comes after the words that quote it; and a reason is believed only at the
// end of a line and after words of the program's own.
import { resolve } from 'node:path';
import { printableLines } from '../text/lines';
import {
  backingFile,
  cachedir,
  errnoOf,
  type Fault,
  folder,
  foreignCache,
  image,
  imageLocked,
  isFolder,
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
import { backingFileOf, dataFile, imageFaultIn } from './image-faults';
import { isOfKernel } from './kernel-words';

/** Words that were said of a failure. */
export interface Words {
  /** Message of libguestfs's own error. */
  readonly message?: string | undefined;
  /** Output of the programs that libguestfs ran; `isCut` where the beginning may be missing. */
  readonly said?: string | undefined;
  readonly isCut?: boolean;
  /** Path of the image that the failure is about. */
  readonly path?: string | undefined;
  /** Paths of all images that it may be about: whatever else cannot be opened is a file that one of them needs. */
  readonly images?: readonly string[] | undefined;
}

/** Searching takes time, and an image may have a say in the length of it. */
const mostWords = 16 * 1024;
const longestLine = 2048;

/** Stands for the path of the image, which may look like anything: no program writes this character. */
const thePath = '\ufdd0';

/** What a line tells: a fault, nothing, or nothing either as all that follows, for an image may have written it. */
type Told = Fault | 'unknown' | undefined;

/** The fault of this machine or of an image that such words tell; undefined where they are not known. */
export function faultIn({
  message = '',
  said = '',
  isCut = false,
  path,
  images = path === undefined ? undefined : [path],
}: Words): Fault | undefined {
  const lines = [message, isCut ? said.replace(/^.*\n?/, '') : said].flatMap((text) => linesOf(text, path));
  const name = path ?? 'the image';
  const known = (text: string | undefined) => text?.replaceAll(thePath, () => name);
  for (const [index, line] of lines.entries()) {
    const rest = lines.slice(index, index + 16);
    const speaker = qemu.exec(line)?.groups;
    const told = speaker ? ofQemu(speaker, rest, { path: name, images }, known) : ofOthers(rest, known);
    if (told) return told === 'unknown' ? undefined : told;
  }
  return undefined;
}

function linesOf(text: string, path: string | undefined): string[] {
  const lines = printableLines(asLines(withoutPath(text.slice(0, mostWords), path)));
  return lines.filter((line) => !isOfKernel(line)).map((line) => line.slice(0, longestLine));
}

function withoutPath(text: string, path: string | undefined): string {
  if (path === undefined || !/^\/.|\n/.test(path)) return text;
  const isWhole = /^(?:['":,\s\]]|$)/;
  return text
    .split(path)
    .reduce((before, after) => `${before}${isWhole.test(after) ? thePath : path}${after}`);
}

/** Since 1.56 libguestfs says what qemu-img has said itself, and all of it in one line. libvirt does so with qemu. */
function asLines(words: string): string {
  return words
    .replace(
      /^qemu-img: ((?:qemu-img: |Formatting )[\s\S]*): (?=qemu-img exited with)/,
      (_, said: string) =>
        `${said.trimEnd().replaceAll(/ (?=qemu-img: |Could not open backing image\.|Is another process using )/g, '\n')}\n`,
    )
    .replace(/^(Original error from libvirt: [^\n']*?) (?=qemu[\w.-]*: )/m, '$1\n');
}

/** qemu writes a comma in a file's name as two. */
const unquoted = (path: string) => path.replaceAll(',,', ',');

/**
 * What stands before a problem: the drive that it is about, as the command line has it, or the overlay in libguestfs's
 * folder that qemu-img was to make, or some other object or file.
 */
const qemu = new RegExp(
  `^(?<program>qemu[\\w.-]*): (?:-drive file=(?=(?<drive>(?:[^,]|,,)*))\\k<drive>,[^:]*: |(?<overlay>(?<folder>/(?:(?!: ).)*?)/libguestfs\\w{6}/(?:overlay|scratch)[^/:]*): |(?<object>-\\w.*?|[/${thePath}].*?): )?(?<problem>.*)$`,
);

type Known = (text: string | undefined) => string | undefined;

/** libguestfs's overlay over a drive that is only read, as qemu's command line has it: the image itself is its backing file. */
const overlayDrive = /^-drive file\.file\.filename=(?:[^,]|,,)*\/libguestfs\w{6}\/overlay[^/,]*,/;

interface About {
  readonly path: string;
  readonly images: readonly string[] | undefined;
}

function ofQemu(
  {
    program,
    drive,
    overlay,
    folder: place = '',
    object,
    problem = '',
  }: Readonly<Record<string, string | undefined>>,
  lines: readonly string[],
  { path, images }: About,
  known: Known,
): Told {
  if (/^qemu-img exited for an unknown reason \(status -1\)/.test(problem)) return limitReached('EAGAIN');
  if (/^(?:qemu-img exited with|warning: )/.test(problem)) return undefined;
  const isOfImage = program === 'qemu-img' || (drive ?? overlay ?? object) !== undefined;
  // As "allocate 1073741824 bytes for jit buffer".
  const short =
    !isOfImage && /^[\w ]*(?:'[\w.]*')?: (Cannot allocate memory|Too many open files)$/.exec(problem);
  if (short) return short[1] === 'Too many open files' ? limitReached('EMFILE') : notEnoughMemory;
  const [nesting = ''] = /^(?:Could not open backing (?:file|image): )*/.exec(problem) ?? [];
  const isOverlaid = object !== undefined && overlayDrive.test(`${object},`);
  const layers = nesting.split(': ').length - 1 - (isOverlaid && nesting !== '' ? 1 : 0);
  if (layers >= mostLayers) return ownBackingFile(path);
  const own = problem.slice(nesting.length);
  const name = drive === undefined ? path : (known(unquoted(drive)) ?? path);
  const opened = couldNotOpen([own, ...lines.slice(1)], [thePath, drive]);
  if (/^Failed to get (?:shared )?"[\w ]+" lock/.test(opened?.isKnown ? opened.why : own)) {
    const holder = known(/^Is another process using the image \[(.*)\]/.exec(lines[1] ?? '')?.[1]);
    return layers > 0 && drive !== undefined && holder === name ? ownBackingFile(name) : imageLocked(holder);
  }
  const ofFile = ofImageFile(own, opened, {
    name,
    layers,
    isOverlaid,
    images: drive ? [name] : object === undefined || isOverlaid ? images : undefined,
    known,
  });
  if (ofFile) return ofFile;
  const why = whyOf(own, [thePath, drive]);
  if (why === 'Too many open files') return limitReached('EMFILE');
  if (why === 'Cannot allocate memory') return notEnoughMemory;
  if (overlay && why && /^(?:Could not write[^:]*: )?[^:]*$/.test(problem)) return folder(tmpdir, place, why);
  // As "Failed to connect to '127.0.0.1:10809': Connection refused".
  if (layers > 0 && isOfImage) return backingFileOf(name, known(own) ?? '');
  const [, notFile] = /^'file' driver requires '(.*)' to be a regular file/.exec(own) ?? [];
  if (notFile !== undefined) return isFolder(known(notFile) ?? '');
  const errno = errnoOf(why ?? whyOf(opened?.why ?? '', []));
  if (drive !== undefined) return image(name, known(problem) ?? '', errno);
  if (opened) return image(known(opened.path) ?? '', known(opened.why) ?? '', errno);
  if (overlay !== undefined || (isOverlaid && nesting !== ''))
    return image(path, known(overlay === undefined ? own : problem) ?? '', errno);
  return object === undefined && !/^[-/]/.test(problem) ? undefined : 'unknown';
}

type Opened = ReturnType<typeof couldNotOpen>;

interface OfFile {
  readonly name: string;
  readonly layers: number;
  readonly isOverlaid: boolean;
  readonly images: readonly string[] | undefined;
  readonly known: Known;
}

/** The fault of an image, or of a file that it needs, that such words tell. */
function ofImageFile(
  own: string,
  opened: Opened,
  { name, layers, isOverlaid, images, known }: OfFile,
): Fault | undefined {
  const words = known(opened ? opened.why : own) ?? '';
  const fault =
    !opened || opened.isKnown
      ? imageFaultIn(layers > 0 ? `a backing file of ${name}` : name, words)
      : undefined;
  if (fault || !opened) return fault;
  const path = known(opened.path) ?? '';
  if (layers > 0) return backingFile(path, words);
  const further = opened.isKnown ? couldNotOpen([opened.why], []) : undefined;
  if (further) return dataFile(known(further.path) ?? '', known(further.why) ?? '', name);
  const isImage = opened.isKnown || images?.some((each) => resolve(each) === resolve(path));
  if (images !== undefined && !isImage && errnoOf(opened.why) !== undefined)
    return dataFile(path, words, name);
  if (isOverlaid) return isImage ? image(path, words, errnoOf(opened.why)) : backingFile(path, words);
  return undefined;
}

/** More than anybody makes: qemu follows a chain that comes back to its image until it has no descriptor left. */
const mostLayers = 50;

const heads = "(?:[Cc]ould not|[Cc]annot|Can't|Failed to|Unable to|Error)";

/** The reason at the end of a line that has nothing but qemu's own words before it, and the names that are not an image's. */
function whyOf(problem: string, names: readonly (string | undefined)[]): string | undefined {
  const [, before = '', why] = new RegExp(`^(.*?)${reason}$`).exec(problem) ?? [];
  const cut = names.reduce<string>((text, name) => (name ? text.replaceAll(`'${name}'`, '') : text), before);
  return new RegExp(`^(?:${heads}[^:'"()]*: )*$`).test(cut) ? why : undefined;
}

/** What could not be opened, and why. A name may go on in the next lines. */
function couldNotOpen(
  lines: readonly string[],
  names: readonly (string | undefined)[],
): { readonly path: string; readonly why: string; readonly isKnown: boolean } | undefined {
  const [line = ''] = lines;
  if (!line.startsWith("Could not open '")) return undefined;
  const name = names.find((each) => each !== undefined && line.startsWith(`Could not open '${each}': `));
  if (name !== undefined) {
    // Some drivers say it once more.
    const before = `Could not open '${name}': `;
    let why = line;
    while (why.startsWith(before)) why = why.slice(before.length);
    return { path: name, why, isKnown: true };
  }
  const [, path, why] =
    /^Could not open '(.*)': (.*)$/.exec(line) ??
    new RegExp(`^Could not open '([\\s\\S]*?)': ${reason}(?:\\n|$)`).exec(lines.join('\n')) ??
    [];
  return {
    isKnown: false,
    path: path?.replaceAll('\n', ' ').trim() ?? line.slice(16),
    why: why ?? 'its name is broken off',
  };
}

type Rule = readonly [RegExp, (...groups: string[]) => Fault];

/**
 * The other programs, each line with the one after it: nothing of what is in an image stands in them. The groups of a
 * pattern are given to its function. No pattern may take more than linear time in the length of a line, or little more.
 */
const others: readonly Rule[] = [
  [/^[^\n]*: Too many open files(?:\n|$|: \/)/, () => limitReached('EMFILE')],
  [/^[^\n]*: Cannot allocate memory(?:\n|$|: \/)/, () => notEnoughMemory],
  [
    new RegExp(`^(?:[^\\n]*\\W)?(\\w+): (/.*|): realpath: ${reason}(?:\\n|$)`),
    (setting, path, why) => ({
      ...unusableFor(setting)(path || 'without a name', why),
      setting: { name: setting, folder: path },
    }),
  ],
  [
    new RegExp(`^(/.*)/libguestfs\\w{6}: cannot create temporary directory: ${reason}(?:\\n|$)`),
    (path, why) => (path === process.env.XDG_RUNTIME_DIR ? unusableSockdir : unusableTmpdir)(path, why),
  ],
  [
    new RegExp(
      `^(?:[^\\n]*[':]\\s?)?(/[^':\\n]*)/libguestfs\\w{6}/(?:overlay|scratch)[^:\\n]*: (?:Could not write.*: )?${reason}(?:\\n|$)`,
    ),
    (path, why) => folder(tmpdir, path, why),
  ],
  [/^security: cached appliance (\/.*) is (.*)/, (path, why) => foreignCache(path, `it is ${why}`)],
  // libguestfs does not say why it could not make its folder there.
  [new RegExp(`^stat: (/.*)/\\.guestfs-\\d+: ${reason}(?:\\n|$)`), unusableCachedir],
  [
    new RegExp(`^(?:[^\\n]*[':]\\s?)?(/[^':\\n]*)/\\.guestfs-\\d+/[^:\\n]*: ${reason}(?:\\n|$)`),
    (path, why) => folder(cachedir, path, why),
  ],
  [new RegExp(`^[^/\\n]*: ${reason}: (/.*)/\\.guestfs-\\d+/`), (why, path) => unusableCachedir(path, why)],
  [/^cp: cannot open '(\/[^'\n]*)' for reading: Permission denied(?:\n|$)/, unreadableKernel],
  [/^cp: cannot stat '(\/[^'\n]*)': .*\nsupermin: cp -p '\1' '[^'\n]*\/kernel'/, missingKernel],
  [/^(?:supermin: )?failed to find a suitable kernel/, () => noKernel()],
  [/^cannot find any suitable libguestfs supermin.*\(search path: (.*)\)/, (path) => noAppliance(path)],
  [/^stat: (\/.*): (?:No such file or|Not a) directory(?:\n|$)/, (path) => noHypervisor(path)],
  // How a shell says that it could not run a program: since 1.58 libguestfs asks qemu itself whether there is KVM.
  [
    /^(.+): did not understand QMP monitor output\n.*\bsh: (?:line )?\d+: .*: (not found|No such file or directory|Not a directory|Permission denied)$/,
    (path, why) => noHypervisor(path, why === 'Permission denied' ? 'EACCES' : 'ENOENT'),
  ],
  [/^(\/.*) exited with error status 12[67]\b/, (path) => noHypervisor(path, 'EACCES')],
  [/^could not connect to libvirt \(URI = ([^)\n]*)\): (.*)/, libvirtUnusable],
  [/^(?:\S*\/)?passt exited with status/, () => passtFailed],
];

function ofOthers([line = '', next = '']: readonly string[], known: Known): Fault | undefined {
  const both = `${line}\n${next}`;
  for (const [pattern, explain] of others) {
    const found = pattern.exec(both);
    if (found) return explain(...found.slice(1).map((group) => known(group) ?? ''));
  }
  return undefined;
}

/** Whether libguestfs does not know an option: a newer program has passed it. */
export function tellsUnknownOption(message: string): boolean {
  return /^(?:\w+: )?unknown option in guestfs_\w+_argv->bitmask/.test(message);
}

/** The feature group that the appliance lacks, where that is what libguestfs says. */
export function missingFeatureIn(message: string): string | undefined {
  return /^(?:\w+: )?feature '(\w+)' is not available in this\b/.exec(message)?.[1];
}

/** The type of a filesystem, and of nothing else, for which the appliance's kernel has no driver. No name of a guest with a blank stands before it. */
export function unknownFilesystemIn(message: string): string | undefined {
  return /^(?:\w+: )*mount exited with status 32: mount: \/sysroot\S*: unknown filesystem type '(?!swap'|swsuspend'|crypto_|\w+_member')([\w.-]{1,40})'/.exec(
    message,
  )?.[1];
}

/** libguestfs's message without its hints for its shell, and with a word where a program of the appliance gave no reason. */
export function withoutHints(message: string): string {
  return message.replace(/\s*\(in guestfish,.*\)$/, '').replace(/: *$/, ': it gave no reason');
}

/** libguestfs's message without what it says at length of how to get more of them, and whether it did. */
export function explanationIn(message: string): { readonly problem: string; readonly isExplained: boolean } {
  const found =
    /\s*(?:To see full error messages|This usually means the libguestfs appliance)[\s\S]*LIBGUESTFS_DEBUG=1[\s\S]*/;
  const problem = message.replace(found, '');
  return { problem, isExplained: problem !== message };
}

/** Whether qemu's last words are about KVM: those about drives quote paths. */
export function blamesKvm(said: string): boolean {
  return printableLines(said)
    .filter((line) => !/^qemu[\w.-]*: -(?:drive|blockdev|device) /.test(line))
    .some((line) => /\bkvm\b|accelerator/i.test(line.replace(/'[^']*'|\/(?!dev\/kvm)[^\s:]*/g, '')));
}

/** The variable of the environment that libguestfs's words are about: they have its name, or only what it sets. */
export function variableIn(words: string, names: readonly string[]): string | undefined {
  const prefix = 'LIBGUESTFS_';
  const own = names.filter((name) => name.startsWith(prefix));
  return (
    own.find((name) => words.includes(name)) ??
    own.find((name) => new RegExp(`\\b${name.slice(prefix.length)}\\b`, 'i').test(words))
  );
}

/** qemu's remarks on the appliance's own disk say nothing of the program's. */
export const isAboutOverlay = (line: string) =>
  /^\s*(WARNING: Image format was not specified for '.*\/overlay\d+\.qcow2'|Automatically detecting the format is dangerous|Specify the 'raw' format explicitly)/.test(
    line,
  );

/** Whether a failure in the appliance is one of a disk: daemon and tools tell it in their words, often without an errno. */
export function tellsDiskError(message: string): boolean {
  return /: (?:Input\/output error|No space left on device)(?:$| while )/m.test(message);
}

/**
 * Whether libguestfs refuses what does not fit into one message of its protocol, and which it is: it has several messages
 * for that, and no code.
 */
export function tooLargeMessage(message: string): 'answer' | 'arguments' | undefined {
  if (
    /^(?:\w+: )?guestfsd: failed to encode reply body\s+\(maybe the reply exceeds the maximum message size in the protocol\?\)$/.test(
      message,
    ) ||
    /^pread(?:_device)?: .*: count is too large for the protocol, use smaller reads$/s.test(message) ||
    /^(?:vgmeta: )?metadata is too large for message buffer$/.test(message) ||
    /^initrd_cat: .*: file is too large for the protocol$/s.test(message)
  ) {
    return 'answer';
  }
  return /^(?:\w+: )?(?:dispatch failed to marshal args|size of input buffer too large)$/.test(message)
    ? 'arguments'
    : undefined;
}

/** Whether libguestfs, or a program of its appliance, could not write all, perhaps because there is no space. */
export function tellsWriteError(message: string): boolean {
  return /: (?:write error(?: on file)?: .*|.*(?:No space left on device|Wrote only \d+ of \d+ bytes))$/m.test(
    message,
  );
}

/** Whether `qemu-img info` has found that a chain of backing files comes back to itself. */
export function tellsLoop(said: string): boolean {
  return /^qemu-img: Backing file '[\s\S]*' creates an infinite loop/.test(said);
}

/** What `qemu-img info` says of an image, without what our own message says already. */
export function reasonOfQemuImg(said: string): string {
  const [line = ''] = said.trim().split('\n');
  return line.replace(/^qemu-img: (Could not open '.*?': )?/, '');
}

/** Whether cryptsetup(8) says that the key is a wrong one: by its exit code, or by its words, which libguestfs has had alone. */
export function tellsWrongKey(message: string): boolean {
  return /^(?:\w+: )*(?:cryptsetup exited with status 2\b|(?:[^:\n]*: )?No key available with this passphrase\b)/.test(
    message,
  );
}

/** The file of a guest that augeas cannot read, for which libguestfs then gives up the whole guest. */
export function unparsedFileIn(message: string): string | undefined {
  return /^(?:\w+: )*(\/etc\/[\w./-]+):[^:]*:[^:]*: augeas parse failure/.exec(message)?.[1];
}
