// Why the addon does not load, and what to do about it: for the error of whoever loads us, and for the install script.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installation } from '../faults/packages';

/** What compiling the addon takes. */
export const compiling = ['compiler', 'make', 'python', 'pkg-config', 'headers'] as const;

/** `file` is what should have been loaded; undefined when there was nothing that fits. */
export function explainNotLoaded(cause: Error, root: string, file?: string): string {
  const message = ['guestfs: the native addon cannot be loaded. Tried:', ...indent(tried(cause, root, file))];
  if (isLibraryMissing(cause)) message.push(...libraryIsMissing());
  else message.push(...howToCompile(cause, root));
  return message.join('\n');
}

/** Whether only libguestfs is missing, so that another binary would do no better. */
export function isLibraryMissing({ message }: Error): boolean {
  // As glibc says it, and as musl does.
  return /\blibguestfs\.so[.\d]*: cannot open|shared library libguestfs\.so/.test(message);
}

export function libraryIsMissing(): string[] {
  return ['The library libguestfs.so.0 is missing. Install it:', ...indent(installation(['libguestfs']))];
}

/** Why no binary that came with the package will do. */
export function whyNoneFits({ message }: Error): string {
  const platform = `${process.platform}-${process.arch}`;
  const libc = /version .GLIBC_([\d.]+). not found/.exec(message)?.[1];
  if (process.platform !== 'linux') return `libguestfs runs on Linux, and this is ${platform}.`;
  if (libc) return `The prebuilt binary needs glibc ${libc} or newer, and this system has an older one.`;
  if (/libc=musl|^Error (loading|relocating)/.test(message))
    return `There is no prebuilt binary for musl, and in Alpine only the edge repositories have libguestfs.`;
  if (/^No native build/.test(message)) return `There is no prebuilt binary for ${platform}.`;
  return `The binary does not fit this system.`;
}

function howToCompile(cause: Error, root: string): string[] {
  return [
    `${whyNoneFits(cause)} Compile it. That needs:`,
    ...indent(installation(compiling)),
    `and then \`npm rebuild guestfs\`, or \`node ${join(root, 'scripts/native.mjs')}\` where that runs no scripts.`,
  ];
}

/** The places where node-gyp-build looks: it takes the first file that is there. */
function tried(cause: Error, root: string, file: string | undefined): string[] {
  const compiled = join(root, 'build/Release/guestfs.node');
  const prebuilds = join(root, 'prebuilds');
  const failure = file ? [`${file}: ${firstLine(cause)}`] : [];
  if (process.env.GUESTFS_NODE_ADDON) return failure;
  const list = existsSync(prebuilds) ? readdirSync(prebuilds).join(', ') : '';
  return [
    ...(existsSync(compiled) ? [] : [`${compiled}: not there, nothing has been compiled`]),
    ...(file ? failure : [`${prebuilds}: ${list ? `only ${list}` : 'nothing there'}`]),
  ];
}

function firstLine({ message }: Error): string {
  return message.split('\n')[0] ?? '';
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
