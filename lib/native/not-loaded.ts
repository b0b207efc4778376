// Why the addon does not load, and what to do about it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compiling, installation } from '../faults/packages';
import { shellWord } from '../text/shell';
import { leavingOut } from './bundles';

/**
 * Why the addon does not load: libguestfs is missing, or a library that it or the binary needs; this is no Linux; Node.js was started with `--no-addons`, or with
 * restrictions that forbid it (`addons`, `reads`); it is not beside a single executable; it is not beside a bundle; the
 * file that the environment names is not there, nor the one that the package should carry; the package carries none for
 * this processor, or for musl; this system's glibc is too old; or the file does not fit for another reason.
 */
export type NotLoadedReason =
  | 'library'
  | 'dependency'
  | 'platform'
  | 'no-addons'
  | 'permission-addons'
  | 'permission-reads'
  | 'executable'
  | 'bundled'
  | 'named'
  | 'incomplete'
  | 'processor'
  | 'musl'
  | 'glibc'
  | 'unfit';

/** An attempt to load the addon that has failed. */
export interface Failed {
  readonly cause: Error & { readonly code?: unknown; readonly resource?: unknown };
  /** File that should have been loaded; undefined for the one that the package carries. */
  readonly file: string | undefined;
  /** Whether the environment has named the file. */
  readonly named: boolean;
  readonly platform: string;
  readonly arch: string;
  /** Folder of the package; undefined in a bundle. */
  readonly root: string | undefined;
  /** The single executable application that this is; undefined where it is none. */
  readonly executable: string | undefined;
  /** Whether Node's permission model is on, and whether it allows addons. */
  readonly permissions: 'none' | 'without addons' | 'with addons';
}

/** Processors for which the package carries the addon. */
const carriedFor = ['x64', 'arm64'];

export function reasonOf(failed: Failed): NotLoadedReason {
  const { cause, file, named, platform, arch, root, executable, permissions } = failed;
  if (platform !== 'linux') return 'platform';
  if (cause.code === 'ERR_DLOPEN_DISABLED')
    return permissions === 'without addons' ? 'permission-addons' : 'no-addons';
  if (cause.code === 'ERR_ACCESS_DENIED') return 'permission-reads';
  if (named && isNotThere(cause, file)) return 'named';
  const isCarried = file === undefined;
  if (isCarried && executable !== undefined) return 'executable';
  if (isCarried && !isOpened(cause)) {
    if (root === undefined) return 'bundled';
    return carriedFor.includes(arch) ? 'incomplete' : 'processor';
  }
  // What was made for glibc would not do either, once musl had found the library.
  if (isCarried && isMusl(cause)) return 'musl';
  if (isLibraryMissing(cause)) return 'library';
  if (isMusl(cause)) return 'musl';
  if (!isNotThere(cause, file) && missingLibrary(cause)) return 'dependency';
  return newerGlibc(cause) ? 'glibc' : 'unfit';
}

export function explainNotLoaded(failed: Failed, reason: NotLoadedReason): string {
  // Elsewhere no file would do.
  const before =
    reason === 'platform'
      ? ['guestfs: there is no native addon for this system.']
      : ['guestfs: the native addon cannot be loaded. Tried:', ...indent(tried(failed))];
  return [...before, ...advice[reason](failed)].join('\n');
}

/** Whether a folder is that of this package. */
export function isPackage(root: string): boolean {
  try {
    return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).name === 'guestfs';
  } catch {
    return false;
  }
}

/** Whether a file was found, and the system has looked into it. */
function isOpened({ code }: Failed['cause']): boolean {
  return code === 'ERR_DLOPEN_FAILED';
}

/** Whether the file itself is what is missing, and no library that it needs: as glibc says it, and as musl does. */
function isNotThere({ message }: Error, file: string | undefined): boolean {
  return (
    message.startsWith(`${file}: cannot open shared object file: No such file`) ||
    message.startsWith(`Error loading shared library ${file}: No such file`)
  );
}

function isLibraryMissing({ message }: Error): boolean {
  // As glibc says it, and as musl does.
  return /\blibguestfs\.so[.\d]*: cannot open|shared library libguestfs\.so/.test(message);
}

/** A library that is missing, as glibc says it. */
function missingLibrary({ message }: Error): string | undefined {
  return /(?:^|: )(lib[\w+.-]+\.so[.\d]*): cannot open shared object file/.exec(message)?.[1];
}

function isMusl({ message }: Error): boolean {
  return /^Error (loading|relocating)/.test(message);
}

function newerGlibc({ message }: Error): string | undefined {
  return /version .GLIBC_([\d.]+). not found/.exec(message)?.[1];
}

const advice: Readonly<Record<NotLoadedReason, (failed: Failed) => string[]>> = {
  library: () => [
    'The library libguestfs.so.0 is missing. Install it:',
    ...indent(installation(['libguestfs'])),
  ],
  dependency: ({ cause }) => [
    `The library ${missingLibrary(cause)} is missing, which libguestfs or the binary needs. Install the package that has it,`,
    'or libguestfs again:',
    ...indent(installation(['libguestfs'])),
  ],
  platform: ({ platform, arch }) => [
    `libguestfs runs on Linux, and this is ${platform}-${arch}. Run the program where Linux is: in a container or a`,
    'virtual machine here (Docker, Podman, Lima, WSL 2), in a development container, or on another machine.',
  ],
  'no-addons': () => [
    'Node.js was started with --no-addons, which forbids every native addon. Start it without, also in NODE_OPTIONS.',
  ],
  'permission-addons': ({ root }) => [
    "Node's permission model forbids native addons. Start it with these flags too:",
    ...indent([`--allow-addons --allow-fs-read=${shellWord(root ?? 'FOLDER_OF_THE_ADDON')}`]),
  ],
  'permission-reads': ({ cause, root, file }) => [
    "Node's permission model forbids to read the addon. Start Node.js with these flags too:",
    ...indent([`--allow-addons --allow-fs-read=${shellWord(readable(cause, root, file))}`]),
  ],
  executable: ({ executable = '', arch }) => [
    'A single executable application contains no addon. Put it beside the executable:',
    ...indent([
      `cp node_modules/guestfs/${carriedFile(arch)} ${shellWord(join(dirname(executable), 'guestfs.node'))}`,
    ]),
    'or name the file by the environment variable GUESTFS_NODE_ADDON.',
  ],
  bundled: ({ arch }) => [
    'This code is a bundle, and its addon is not where the bundle looks for it. Leave the package out of the bundle, and',
    'install it where the program runs:',
    ...indent(leavingOut),
    `or name the file, ${carriedFile(arch)} of the package, by the environment variable GUESTFS_NODE_ADDON.`,
  ],
  named: () => ['GUESTFS_NODE_ADDON names a file that is not there. Correct it, or unset it.'],
  incomplete: (failed) => [
    `The package should contain ${carriedFile(failed.arch)}, and does not. What has copied or pruned it may have left it`,
    'out: install it again, and tell tools that trace files to take prebuilds/ along.',
    ...howToCompile('Or compile it', failed),
  ],
  processor: (failed) => [
    `The package carries no binary for ${failed.platform}-${failed.arch}.`,
    ...howToCompile('Compile it', failed),
  ],
  musl: (failed) => [
    'The package carries no binary for musl, and in Alpine only the edge repositories have libguestfs.',
    ...howToCompile('Compile it', failed),
  ],
  glibc: (failed) => [
    `The binary needs glibc ${newerGlibc(failed.cause)} or newer, and this system has an older one.`,
    ...howToCompile('Compile it', failed),
  ],
  unfit: (failed) => [
    'The binary does not fit this system.',
    ...(failed.named ? ['GUESTFS_NODE_ADDON names it.'] : []),
    ...howToCompile('Compile it', failed),
  ],
};

function howToCompile(begin: string, { root }: Failed): string[] {
  const command = root && `node ${shellWord(join(root, 'dist/cli/main.js'))} build`;
  return [
    `${begin}: \`npx guestfs build\`${command ? `, or \`${command}\`` : ''}. That needs:`,
    ...indent(installation(compiling)),
  ];
}

/** Folder, or file, that must be readable: all of the package rather than one file after the other. */
function readable({ resource }: Failed['cause'], root?: string, file?: string): string {
  const denied = typeof resource === 'string' && resource !== '' ? resource : (file ?? '');
  return root !== undefined && (denied === '' || denied.startsWith(root)) ? root : denied;
}

function carriedFile(arch: string): string {
  return `prebuilds/linux-${arch}/guestfs.glibc.node`;
}

function tried({ cause, file, named, arch, root }: Failed): string[] {
  if (file !== undefined) return [named ? `GUESTFS_NODE_ADDON, ${said(file, cause)}` : said(file, cause)];
  if (root === undefined) return [said(carriedFile(arch), cause)];
  return [
    `${join(root, 'build/Release/guestfs.node')}: not there, nothing has been compiled`,
    said(join(root, carriedFile(arch)), cause),
  ];
}

function said(file: string, { message }: Error): string {
  const line = message.split('\n')[0] ?? '';
  return line.startsWith(file) ? line : `${file}: ${line}`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
