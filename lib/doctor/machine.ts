// What the checks look at, apart from libguestfs itself: so that they can be tried on machines that are not this one.
import { accessSync, constants, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Distribution, thisDistribution } from '../faults/packages';
import { holders } from '../host/appliance-cache';
import { type KvmState, kvmIsKnownToFail, kvmState, verdictFile } from '../host/kvm';
import { availableMemory } from '../host/memory';
import { missingFlags } from '../host/permissions';

export type Access = 'read' | 'write' | 'execute';

export interface FileFacts {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly size: number;
  readonly modified: number;
  readonly isFolder: boolean;
}

/** A machine, as this process sees it. Nothing here throws. */
export interface Machine {
  readonly uid: number;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly distribution: Distribution;
  /** Flags without which Node's permission model keeps this process from looking; none where it may look. */
  readonly missingFlags: readonly string[];
  /** Facts of a file, or of a link's target; undefined where there is none. */
  facts(path: string): FileFacts | undefined;
  /** Names in a folder; none where it cannot be read. */
  names(folder: string): readonly string[];
  /** A file's text; undefined where it cannot be read. */
  text(file: string): string | undefined;
  /** Why a file may not be used so: the errno's name. Undefined when it may. */
  refusal(path: string, access: Access): string | undefined;
  /** Bytes that this user may still write in a folder; undefined where nobody can tell. */
  space(folder: string): number | undefined;
  /** Bytes of memory that are available. */
  memory(): number;
  readonly kvm: KvmState;
  /** Whether a launch has found out that guests do not run on KVM, and where that is remembered. */
  readonly kvmFails: boolean;
  readonly kvmVerdict: string | undefined;
  /** The processes that hold a lock on a file. */
  holders(file: string): readonly number[];
}

/** The machine on which this runs. */
export function thisMachine(): Machine {
  return {
    uid: process.geteuid?.() ?? 0,
    pid: process.pid,
    env: process.env,
    distribution: thisDistribution(),
    missingFlags: missingFlags(),
    facts: (path) => attempt(() => factsOf(path)),
    names: (folder) => attempt(() => readdirSync(folder)) ?? [],
    text: (file) => attempt(() => readFileSync(file, 'utf8')),
    refusal,
    space: (folder) => attempt(() => spaceIn(folder)),
    memory: availableMemory,
    kvm: kvmState(),
    kvmFails: kvmIsKnownToFail(),
    kvmVerdict: verdictFile(),
    holders: (file) => attempt(() => holders(file)) ?? [],
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function factsOf(path: string): FileFacts {
  const stats = statSync(path);
  const { uid, gid, mode, size, mtimeMs } = stats;
  return { uid, gid, mode, size, modified: mtimeMs, isFolder: stats.isDirectory() };
}

const modes = { read: constants.R_OK, write: constants.W_OK, execute: constants.X_OK } as const;

function refusal(path: string, access: Access): string | undefined {
  try {
    accessSync(path, modes[access]);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EACCES';
  }
}

function spaceIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Folders of daemons, which are not in everybody's PATH. */
const systemFolders = ['/usr/sbin', '/sbin', '/usr/libexec'];

/** The path of a program; undefined where there is none. */
export function findProgram(machine: Machine, name: string): string | undefined {
  const folders = [...(machine.env.PATH ?? '').split(':').filter(Boolean), ...systemFolders];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => machine.facts(path)?.isFolder === false && !machine.refusal(path, 'execute'));
}
