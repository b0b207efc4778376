// What a template is a template of.
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, readFile, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandLine } from './command-line';
import { scripts } from './generated/scripts';
import { inspectionLenses } from './lenses';

/** Bytes at the beginning of the root's filesystem, which every change of it changes: its superblock and what follows. */
const rootHead = 2 ** 20;

/** Bytes of a file that are read at a time. */
const pieceSize = 256 * 1024;

/** Identity of an appliance's machine. */
export interface Identity {
  /** Name of the template: the same for all launches that can go on from it. */
  readonly key: string;
  /** Name of the root that the template's maker needs. */
  readonly rootKey: string;
  readonly words: readonly string[];
}

/**
 * Finds out what a launch's machine is made of. libguestfs touches the files of its appliance at every launch: what they
 * contain counts, and not their times.
 *
 * @throws where a file cannot be read
 */
export async function identify(line: CommandLine, qemu: string): Promise<Identity> {
  const root = await headOf(line.root);
  const own = digest(JSON.stringify([scripts, inspectionLenses]));
  const words = [
    `template ${own}`,
    `kernel ${await digestOf(line.kernel)}`,
    `initrd ${await digestOf(line.initrd)}`,
    `root ${root}`,
    `qemu ${await programOf(qemu)}`,
    // libguestfs lets qemu choose where nothing is said.
    ...(line.accelerated && (await isUsable('/dev/kvm')) ? [`host ${digest(await hostProcessor())}`] : []),
    ...line.words,
  ];
  return { key: digest(words.join('\n')), rootKey: digest(`${own} ${root}`), words };
}

/** Where the system finds a program that is named with a path or, since libguestfs 1.60, without. */
export async function pathOfProgram(name: string): Promise<string> {
  if (name.includes('/')) return resolve(name);
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = resolve(folder || '.', name);
    if (await isExecutable(path)) return path;
  }
  return name;
}

function isExecutable(path: string): Promise<boolean> {
  return allows(path, constants.X_OK);
}

function isUsable(path: string): Promise<boolean> {
  return allows(path, constants.R_OK | constants.W_OK);
}

function allows(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

/** Whether a file is a program of the machine: of a script nobody knows what it runs. */
export async function isMachineProgram(path: string): Promise<boolean> {
  const isFile = await stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
  const file = isFile ? await open(path).catch(() => undefined) : undefined;
  if (!file) return false;
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await file.close();
  }
}

async function headOf(root: string): Promise<string> {
  const file = await open(root);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(rootHead), 0, rootHead, 0);
    const { size } = await file.stat();
    return `${size} ${digest(buffer.subarray(0, bytesRead))}`;
  } finally {
    await file.close();
  }
}

/** An image of a container has whole seconds. */
async function programOf(path: string): Promise<string> {
  const file = await realpath(path);
  const { size, mtimeMs } = await stat(file);
  return `${file} ${size} ${Math.floor(mtimeMs / 1000)}`;
}

/** Cycles of this host's clock in a second, in millions, as its kernel has measured them; 0 where it does not say. */
export async function cycles(): Promise<number> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return Number(/^bogomips\s*: ([\d.]+)$/m.exec(text)?.[1] ?? 0) / 2;
}

async function hostProcessor(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8');
  const lines = text.split('\n').filter((line) => /^(model name|flags|Features|microcode|CPU )/.test(line));
  return [...new Set(lines)].join('\n');
}

/** Digest of a file's contents, a piece at a time: memory that is new takes longer than all the rest. */
async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    const piece = Buffer.allocUnsafe(pieceSize);
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceSize);
      if (bytesRead === 0) return shortened(hash);
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

function digest(data: string | Buffer): string {
  return shortened(createHash('sha256').update(data));
}

function shortened(hash: Hash): string {
  return hash.digest('hex').slice(0, 32);
}
