// What this machine's KVM is worth. /dev/kvm existing proves nothing: on some virtual machines
// the guest hangs, on others qemu dies.
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const device = '/dev/kvm';

export type KvmState = 'usable' | 'missing' | 'forbidden';

/** Whether /dev/kvm is there and may be opened; not whether guests run on it. */
export function kvmState(): KvmState {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return 'usable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'forbidden';
  }
}

/** A verdict holds until the machine boots again: another kernel or another host may behave otherwise. */
interface Verdict {
  readonly bootId: string;
  readonly kvm: 'fails';
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Where the verdict is kept for this user's other processes; undefined where there is no home. */
export function verdictFile(): string | undefined {
  try {
    return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'guestfs-node', 'kvm.json');
  } catch {
    return undefined;
  }
}

let fails = false;

export function kvmIsKnownToFail(): boolean {
  fails ||= readVerdict();
  return fails;
}

function readVerdict(): boolean {
  try {
    const verdict = JSON.parse(readFileSync(verdictFile() ?? '', 'utf8')) as Partial<Verdict>;
    return verdict.kvm === 'fails' && verdict.bootId !== undefined && verdict.bootId === bootId();
  } catch {
    return false;
  }
}

/** For this process and, where the file can be written, for the others until the next boot. */
export function rememberThatKvmFails(): void {
  fails = true;
  const id = bootId();
  const file = verdictFile();
  if (id === undefined || file === undefined) return;
  const verdict: Verdict = { bootId: id, kvm: 'fails' };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(verdict), { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    // This process alone.
  }
}
