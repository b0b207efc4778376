// What this machine's KVM is worth. /dev/kvm existing proves nothing: on some virtual machines
// the guest hangs, on others qemu dies.
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

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

function folders(): string[] {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return [join(cache, 'guestfs-node'), join(tmpdir(), `guestfs-node-${userInfo().uid}`)];
}

const fileName = 'kvm.json';
let fails = false;

export function kvmIsKnownToFail(): boolean {
  fails ||= folders().some((folder) => {
    try {
      const verdict = JSON.parse(readFileSync(join(folder, fileName), 'utf8')) as Partial<Verdict>;
      return verdict.kvm === 'fails' && verdict.bootId !== undefined && verdict.bootId === bootId();
    } catch {
      return false;
    }
  });
  return fails;
}

/** For this process and, where a folder can be written, for the others until the next boot. */
export function rememberThatKvmFails(): void {
  fails = true;
  const id = bootId();
  if (id === undefined) return;
  const verdict: Verdict = { bootId: id, kvm: 'fails' };
  for (const folder of folders()) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const draft = join(folder, `${fileName}.${process.pid}`);
      writeFileSync(draft, JSON.stringify(verdict), { mode: 0o600 });
      renameSync(draft, join(folder, fileName));
      return;
    } catch {
      // The next folder, or this process alone.
    }
  }
}
