/** Files of a system, before they are in an image. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Contents by paths; `link` is what a symbolic link says. A path that ends with a slash is a folder. */
export type Files = Readonly<Record<string, string | Buffer | { readonly link: string }>>;

export function writeFiles(tree: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(tree, path);
    mkdirSync(path.endsWith('/') ? file : dirname(file), { recursive: true });
    if (path.endsWith('/')) continue;
    if (typeof content === 'string' || Buffer.isBuffer(content))
      writeFileSync(file, content, { mode: 0o755 });
    else symlinkSync(content.link, file);
  }
}

/** Archive of a folder, all of it root's. */
export function archiveOf(tree: string): string {
  const archive = `${tree}.tar`;
  execFileSync('tar', ['--owner=0', '--group=0', '--numeric-owner', '-C', tree, '-cf', archive, '.']);
  return archive;
}

export type Machine = 'x86_64' | 'aarch64' | 'i386';

/** Machine, and whether it is one of 64 bits, in ELF's numbers. */
const elf: Readonly<Record<Machine, readonly [machine: number, isWide: boolean]>> = {
  x86_64: [62, true],
  aarch64: [183, true],
  i386: [3, false],
};

/** As much of a program of Linux or FreeBSD as tells the processor. */
export function program(machine: Machine, system: 'linux' | 'freebsd' = 'linux'): Buffer {
  const [number, isWide] = elf[machine];
  const header = Buffer.alloc(isWide ? 64 : 52);
  header.write('\x7fELF', 'latin1');
  header.set([isWide ? 2 : 1, 1, 1, system === 'freebsd' ? 9 : 0], 4);
  header.writeUInt16LE(2, 16); // a program
  header.writeUInt16LE(number, 18);
  header.writeUInt32LE(1, 20);
  header.writeUInt16LE(header.length, isWide ? 52 : 40);
  return header;
}

const names = ['sh', 'bash', 'ls', 'rm', 'echo'];

/** Programs in a folder. */
export function programs(folder: string, machine: Machine, system?: 'linux' | 'freebsd'): Files {
  return Object.fromEntries(names.map((name) => [`${folder}/${name}`, program(machine, system)]));
}

const folders = [
  'home',
  'mnt',
  'opt',
  'proc',
  'root',
  'run',
  'srv',
  'sys',
  'tmp',
  'usr/lib',
  'var/lib',
  'var/log',
];

/** What each Linux has, with /bin and the like as links to /usr, or as folders of their own. */
export function skeleton(machine: Machine, isMerged = true): Files {
  const roots = isMerged
    ? Object.fromEntries(
        ['bin', 'sbin', 'lib'].map((name) => [name, { link: `usr/${name === 'sbin' ? 'bin' : name}` }]),
      )
    : { 'sbin/': '', 'lib/': '', ...programs('bin', machine) };
  const empty = Object.fromEntries([...folders, 'dev', 'etc', 'boot'].map((name) => [`${name}/`, '']));
  return { ...empty, ...roots, ...programs('usr/bin', machine) };
}

/** Text of an os-release. */
export function osRelease(variables: Readonly<Record<string, string>>): string {
  return `${Object.entries(variables)
    .map(([name, value]) => `${name}=${/^[\w.-]+$/.test(value) ? value : `"${value}"`}`)
    .join('\n')}\n`;
}
